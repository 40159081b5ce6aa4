"""The database's tables, brought up to date by numbered migrations (Alembic).

python -m storage upgrade           make or change the tables (every process does so at start)
python -m storage revision MESSAGE  write a migration for what the code's tables have changed
python -m storage check             fail if the code's tables and the migrations differ
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from storage.database import Base, begin, engine

_FOLDER = Path(__file__).parent / "migrations"
# Where tables are declared; whatever is found there is imported before tables are compared.
PACKAGES = ("cdp", "connectors", "shop", "web")


class OlderDatabase(RuntimeError):
    """The database has tables of ours and does not say of which migration."""


def upgrade() -> None:
    """Bring the database to the newest migration; safe from several processes at once.

    Raises:
        OlderDatabase: it was made before there were migrations.
    """
    with engine().begin() as connection:
        begin(connection, writes=True)
        if not _is_newest(connection):
            _refuse_older(connection)
            command.upgrade(_config(connection), "head")


def revision(message: str) -> None:
    """Write the migration that takes the database at hand to what the code declares."""
    import_tables()
    upgrade()
    with engine().begin() as connection:
        begin(connection, writes=True)
        command.revision(_config(connection), message, autogenerate=True, rev_id=_next_id())


def differences() -> list:
    """What the code declares and the migrated database has not, or the other way round."""
    import_tables()
    with engine().connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_ours}
        )
        return compare_metadata(context, Base.metadata)


_HEAVY = (
    "connectors.worker",
    "connectors.answering",
    "voice.child",
    "voice.prosody",
    "voice.recording",
)


def import_tables() -> None:
    """Import every module that may declare tables, so that the metadata knows them all."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            # These import Rasa or librosa and declare nothing; `__main__` would run.
            if not found.name.endswith((".channel", ".__main__", *_HEAVY)):
                importlib.import_module(found.name)


def _refuse_older(connection: Connection) -> None:
    known = set(inspect(connection).get_table_names())
    if "alembic_version" not in known and "cases" in known:
        raise OlderDatabase(
            f"{connection.engine.url!r} was made before there were migrations: move it aside, "
            f"and a new one is made"
        )


def is_ours(name: str | None, kind: str, _parents) -> bool:
    """Whether a table is to be compared with what the code declares."""
    # SQLite's own, for numbers that are never given twice.
    return not (kind == "table" and name == "sqlite_sequence")


def _next_id() -> str:
    """Numbers in the order of writing: 0001, 0002 …"""
    known = list(ScriptDirectory(str(_FOLDER)).walk_revisions())
    return f"{len(known) + 1:04d}"


def _is_newest(connection: Connection) -> bool:
    newest = ScriptDirectory(str(_FOLDER)).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == newest


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
