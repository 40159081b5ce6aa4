"""What was said, between the conversation's process and the database: a file of its own.

`var/talk_outbox.db` (SQLite, WAL, synchronous=FULL): Rasa's process adds to it, whatever the main
database does; the web application empties it in order. What lies here is masked already.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from storage import var_dir

_BUSY_S = 10.0
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outbox "
    "(id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value REAL NOT NULL)",
)


def outbox_path() -> Path:
    """Where the outbox lies."""
    return var_dir() / "talk_outbox.db"


class Outbox:
    """The file, opened; its methods may be called from any thread, but not from an event loop.

    Every method raises `sqlite3.Error` when the file cannot be used.
    """

    def __init__(self, path: Path | None = None):
        self.path = path or outbox_path()
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self.path.chmod(0o600)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            for statement in _SCHEMA:
                self._connection.execute(statement)
        except BaseException:
            self._connection.close()
            raise

    def add(self, events: Sequence[tuple[str, str]], last_at: float | None = None) -> None:
        """Keep (key, body), each key once, in one transaction; `last_at`: the newest epoch s."""
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO outbox (message_id, body) VALUES (?, ?)", events
            )
            if last_at is not None:
                connection.execute(
                    "INSERT INTO progress (name, value) VALUES ('last_at', ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                    (last_at,),
                )

    def oldest(self, limit: int) -> list[tuple[int, str]]:
        """(number, body) of the events that wait, the oldest first."""
        with self._lock:
            return self._connection.execute(
                "SELECT id, body FROM outbox ORDER BY id LIMIT ?", (limit,)
            ).fetchall()

    def remove(self, last: int) -> None:
        """Forget the events up to that number: they have arrived."""
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM outbox WHERE id <= ?", (last,))

    def waiting(self) -> int:
        """How many events wait."""
        with self._lock:
            return self._connection.execute("SELECT count(*) FROM outbox").fetchone()[0]

    def last_at(self) -> float | None:
        """The time (epoch s) of the newest event that was ever kept here."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM progress WHERE name = 'last_at'"
            ).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()
