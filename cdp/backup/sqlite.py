"""SQLite files: a snapshot while they are written to, and whether somebody uses them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_HEADER = b"SQLite format 3\x00"
COMPANIONS = ("-wal", "-shm", "-journal")


class Unsound(RuntimeError):
    """A database does not pass SQLite's own check."""


def is_database(path: Path) -> bool:
    """Whether a file is a SQLite database, by its header."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def snapshot(path: Path, to: Path) -> None:
    """Copy a database as it is at one moment, however busy it is, by SQLite's online backup.

    Raises:
        Unsound: the copy does not pass `PRAGMA integrity_check`.
    """
    opened = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=30)
    with closing(opened) as source, closing(sqlite3.connect(to)) as target:
        # All pages in one step: a copy in several starts anew with each write in between.
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode=DELETE")
    check(to)


def check(path: Path) -> None:
    """Raises Unsound if a database does not pass SQLite's own check."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise Unsound(f"{path.name}: {found}")


def in_use(path: Path) -> bool:
    """Whether another connection has it open: only the last one may leave the WAL."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=0.2)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            return mode == "wal"
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False


def holds_data(path: Path) -> bool:
    """Whether any table has a row; True where that cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            return any(
                connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()
                for (name,) in names
                if name != "alembic_version"
            )
    except sqlite3.DatabaseError:
        return True
