"""What of the folder of run-time state belongs into a backup: all that cannot be had again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from cdp.backup import sqlite
from storage import var_dir
from storage.database import database_url

SECRETS = "secrets"
MAIN = "DATABASE_URL"
_TRACKER = "TRACKER_DATABASE_URL"
ASIDE = "before-restore-"
RESTORED_KEYS = "restored-keys.env"
# Benchmarks, downloads, keys that somebody is about to put elsewhere.
_LEFT = ("bench", "npm", "neo4j", RESTORED_KEYS)
_PASSING = (".log", ".writing", ".part", *sqlite.COMPANIONS)


def entries() -> list[Path]:
    """What lies in the folder and belongs to the shop, with the secrets."""
    return sorted(one for one in var_dir().iterdir() if not _passing(one) and not _left(one))


def files() -> tuple[list[Path], list[Path]]:
    """Databases, and all other files, that belong into a backup; without the secrets."""
    databases, others = [], []
    for one in entries():
        if one.name != SECRETS:
            for path in _walk(one):
                (databases if sqlite.is_database(path) else others).append(path)
    return databases, others


def main_database() -> Path | None:
    """The SQLite file with the shop's own tables; None if they are on a server."""
    url = make_url(database_url())
    return Path(url.database) if url.get_backend_name() == "sqlite" else None


def servers(environment) -> dict[str, str]:
    """The database servers of the environment: name of the variable → URL."""
    named = {name: environment.get(name) or "" for name in (MAIN, _TRACKER)}
    found = {name: url for name, url in named.items() if url and not url.startswith("sqlite")}
    if found.get(_TRACKER) == found.get(MAIN):
        found.pop(_TRACKER, None)
    return found


def _walk(path: Path) -> Iterator[Path]:
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir() and path.name != "scratch":
        for one in sorted(path.iterdir()):
            if not _passing(one):
                yield from _walk(one)


def _passing(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith(_PASSING)


def _left(path: Path) -> bool:
    return path.name in _LEFT or path.name.startswith(ASIDE)
