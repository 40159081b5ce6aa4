"""Making a backup while the shop is open.

The order keeps the parts consistent. The outboxes are copied before the database they empty into:
what moves meanwhile is in both, and counted once. The lake comes after the database: files newer
than that are known by their names and dropped at a restore, and their events flow in again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from fcntl import LOCK_SH, flock
from pathlib import Path

from cdp import audit
from cdp.backup import place, postgresql, sealed, sqlite
from cdp.backup.archive import Writer
from storage import var_dir, write

FOLDER = Path("backups")


class NotPossible(RuntimeError):
    """Something is in the way; the message says what and what to do."""


def default_path(now: datetime | None = None) -> Path:
    """Where a backup goes unless told otherwise."""
    return FOLDER / f"qudao-{now or datetime.now(timezone.utc):%Y%m%dT%H%M%S}.tar.gz"


def backup(path: Path, with_keys: bool = True) -> dict:
    """Write everything into one archive and give its manifest.

    Raises:
        NotPossible: the archive would lie in `var/`, which it is there to outlive.
        storage.secrets.MissingSecret: keys are wanted, and there is no passphrase for them.
        sqlite.Unsound, postgresql.Unsupported: a database cannot be copied.
    """
    if path.resolve().is_relative_to(var_dir().resolve()):
        raise NotPossible(f"{path}: expected a place outside {var_dir()}, which it is a copy of")
    keys = sealed.pack(var_dir() / place.SECRETS) if with_keys else None
    writer = Writer(path)
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=".backup-"))
    try:
        manifest = _fill(writer, scratch, keys)
    except BaseException:
        writer.abandon()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with write() as session:
        counts = {"members": len(manifest["members"]), "keys": with_keys}
        audit.note(session, "operator", "backup.made", path.name, counts)
    return manifest


def _fill(writer: Writer, scratch: Path, keys: tuple[str, bytes] | None) -> dict:
    made_at = datetime.now(timezone.utc)
    if keys is not None:
        writer.add(*keys)
    databases, _ = place.files()
    main = place.main_database()
    inside = [one for one in databases if main is None or one.resolve() != main.resolve()]
    for number, one in enumerate(inside):
        _add_sqlite(writer, f"var/{_named(one)}", one, scratch / f"{number}.db")
    rows: dict[str, dict[str, int]] = {}
    for name, url in place.servers(os.environ).items():
        folder = scratch / name
        folder.mkdir()
        rows[name] = postgresql.dump(url, folder)
        for file in sorted(folder.iterdir()):
            writer.add_file(f"servers/{name}/{file.name}", file)
    if main is not None:
        _add_sqlite(writer, "main.db", main, scratch / "main.db")
    with _no_publishing():
        for one in place.files()[1]:
            writer.add_file(f"var/{_named(one)}", one)
    return writer.close(
        {
            "made_at": made_at.isoformat(timespec="seconds"),
            "main": "sqlite" if main is not None else "postgresql",
            "rows": rows,
            "keys": keys[0] if keys else None,
        }
    )


def _add_sqlite(writer: Writer, name: str, path: Path, copy: Path) -> None:
    sqlite.snapshot(path, copy)
    writer.add_file(name, copy)
    copy.unlink()


def _named(path: Path) -> str:
    return path.relative_to(var_dir()).as_posix()


@contextmanager
def _no_publishing() -> Iterator[None]:
    """Wait for a version of the graph that is being published, and keep the next one waiting."""
    lock = var_dir() / "graph" / ".publishing"
    if not lock.exists():
        yield
        return
    with lock.open() as file:
        flock(file, LOCK_SH)
        yield
