"""Putting a backup back, while the shop is closed.

The archive is unpacked beside what there is, and checked as a whole, before anything is touched.
What was in `var/` is moved aside, not deleted.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import delete, select

from cdp import audit
from cdp.backup import archive, place, postgresql, sealed, sqlite
from cdp.backup.make import NotPossible
from cdp.lake import place as lake
from cdp.lake.flush import FlushRow, PeoplePartRow
from storage import create_tables, engine, read, var_dir, write


@dataclass(frozen=True)
class Restored:
    """manifest: of the archive. aside: where what was there lies now, or None. keys: names of
    secrets that the environment has not, or has otherwise; they are in `restored-keys.env`."""

    manifest: dict
    aside: Path | None
    keys: tuple[str, ...]


def restore(path: Path, replace: bool = False) -> Restored:
    """Put an archive's content in the place of what there is.

    replace: whether data that is there may go (from `var/` it is moved aside; in a PostgreSQL
    database it is replaced).

    Raises:
        archive.Damaged: the archive is not whole; nothing was changed.
        NotPossible: the shop is running, there is data and no `replace`, or the environment names
            another kind of database; nothing was changed.
        sealed.WrongPassphrase: its keys cannot be opened; nothing was changed.
    """
    engine().dispose()
    _refuse_if_running()
    staged = Path(tempfile.mkdtemp(dir=var_dir(), prefix=".restoring-"))
    try:
        manifest = archive.unpack(path, staged)
        keys = _keys(manifest, staged)
        servers = _servers(path, manifest)
        _refuse_if_data(replace, servers)
        for name, url in servers.items():
            postgresql.load(url, staged / "servers" / name)
        aside = _swap(staged)
        missing = _put_keys(keys)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    # A backup of an earlier version is brought up to this one.
    create_tables()
    _settle_lake()
    with write() as session:
        audit.note(session, "operator", "backup.restored", path.name, {"of": manifest["made_at"]})
    return Restored(manifest, aside, missing)


def _refuse_if_running() -> None:
    open_ones = [one.name for one in _databases() if sqlite.in_use(one)]
    open_ones += [name for name, url in place.servers(os.environ).items() if postgresql.in_use(url)]
    if open_ones:
        raise NotPossible(f"{', '.join(open_ones)}: in use; stop the shop first")


def _refuse_if_data(replace: bool, servers: dict[str, str]) -> None:
    if replace:
        return
    empty = [one for one in _databases() if not sqlite.holds_data(one)]
    found = [one.name for one in place.entries() if one not in empty and any(_files(one))]
    found += [one.name for one in _databases() if one not in empty and one.name not in found]
    found += [name for name, url in servers.items() if postgresql.holds_data(url)]
    if found:
        raise NotPossible(
            f"{', '.join(found)}: there is data already; say --replace to put the backup in its "
            f"place"
        )


def _files(path: Path):
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]


def _databases() -> list[Path]:
    found, main = place.files()[0], place.main_database()
    if main is not None and sqlite.is_database(main):
        found = [*(one for one in found if one.resolve() != main.resolve()), main]
    return found


def _keys(manifest: dict, staged: Path) -> dict[str, dict[str, str]]:
    name = manifest["keys"]
    return sealed.unpack(name, (staged / name).read_bytes()) if name else {}


def _servers(path: Path, manifest: dict) -> dict[str, str]:
    here = place.servers(os.environ)
    kind = "postgresql" if place.MAIN in here else "sqlite"
    if manifest["main"] != kind:
        raise NotPossible(
            f"{path.name} is of a shop on {manifest['main']}, and {place.MAIN} names {kind}: "
            f"expected the same"
        )
    missing = sorted(set(manifest["rows"]) - here.keys())
    if missing:
        raise NotPossible(f"{', '.join(missing)}: not set; the backup has a database of it")
    return {name: here[name] for name in manifest["rows"]}


def _swap(staged: Path) -> Path | None:
    """Move what there is aside, and what was unpacked into its place."""
    aside = var_dir() / f"{place.ASIDE}{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"
    old = [one for one in place.entries() if one.name != place.SECRETS]
    main = place.main_database()
    if main is not None and main.exists() and main.resolve() not in {o.resolve() for o in old}:
        old.append(main)
    if (var_dir() / place.SECRETS).is_dir():
        # Copied: the backup may have been made without keys.
        aside.mkdir(mode=0o700)
        shutil.copytree(var_dir() / place.SECRETS, aside / place.SECRETS)
    for one in old:
        aside.mkdir(mode=0o700, exist_ok=True)
        for companion in sqlite.COMPANIONS:
            one.with_name(one.name + companion).unlink(missing_ok=True)
        shutil.move(one, aside / one.name)
    if (staged / "var").is_dir():
        for one in sorted((staged / "var").iterdir()):
            os.replace(one, var_dir() / one.name)
    if main is not None:
        main.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged / "main.db", main)
    return aside if aside.exists() else None


def _put_keys(keys: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """Put files of secrets back; those of the environment go into a file, for whoever sets it."""
    for name, text in keys.get("files", {}).items():
        folder = var_dir() / place.SECRETS
        folder.mkdir(mode=0o700, exist_ok=True)
        _write_private(folder / Path(name).name, text)
    missing = {
        name: value
        for name, value in keys.get("environment", {}).items()
        if os.environ.get(name) != value
    }
    if missing:
        lines = "".join(f"{name}={value}\n" for name, value in sorted(missing.items()))
        _write_private(var_dir() / place.RESTORED_KEYS, lines)
    return tuple(sorted(missing))


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    os.replace(fresh, path)


def _settle_lake() -> None:
    """Drop files of the lake that are newer than the database: their events come again."""
    with read() as session:
        known = set(session.execute(select(FlushRow.first, FlushRow.last)).all())
    for path in lake.event_files():
        first, _, last = path.stem.partition("-")
        if (int(first), int(last)) not in known:
            path.unlink()
    for path in lake.people_files():
        path.unlink()
    with write() as session:
        session.execute(delete(PeoplePartRow))
