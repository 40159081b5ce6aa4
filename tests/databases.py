"""Both databases for tests that run on either: SQLite, and a real PostgreSQL from `pgserver`.

Making a PostgreSQL database costs most of a second on a busy machine, so all tests share one,
which is emptied after each; a test that changes its tables makes the next one start from a new one.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from connectors import provenance
from storage import create_tables, engine

_numbers = itertools.count(1)

_SHAPE = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT concat_ws(',', c.relname, a.attname, a.atttypid, a.attnum) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(',', tgname, tgrelid) FROM pg_trigger
) lines
"""
_TABLES = """
SELECT tablename FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class SharedDatabase:
    """The one database of the tests on a server; `admin` is an engine of the server's own."""

    def __init__(self, admin: Engine):
        self.admin = admin
        self._name: str | None = None
        self._shape: str | None = None

    def url(self) -> str:
        """An address of the empty database that no test had before, since caches go by it."""
        if self._name is None:
            self._name = f"cdp_{next(_numbers)}"
            with self.admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {self._name}"))
        named = self._engine_url().update_query_dict({"application_name": f"t{next(_numbers)}"})
        return named.render_as_string(hide_password=False)

    def made(self) -> None:
        """Note how its tables are now."""
        with self._connected() as connection:
            self._shape = connection.scalar(text(_SHAPE))

    def empty(self) -> None:
        """Empty it, or give it up if its tables are no longer what they were."""
        with self._connected() as connection:
            connection.execute(text(_OTHERS))
            if connection.scalar(text(_SHAPE)) == self._shape:
                _empty(connection)
                return
        with self.admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {self._name} WITH (FORCE)"))
        self._name = None

    def _engine_url(self):
        return self.admin.url.set(database=self._name)

    def _connected(self) -> Connection:
        how = {"isolation_level": "AUTOCOMMIT", "poolclass": NullPool}
        return create_engine(self._engine_url(), future=True, **how).connect()


def _empty(connection: Connection) -> None:
    # No trigger may forbid it, as that of the audit log does.
    connection.execute(text("SET session_replication_role = replica"))
    tables = connection.scalars(text(_TABLES)).all()
    looks = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in tables]
    filled = connection.scalars(text(" UNION ALL ".join(looks))).all() if looks else []
    if filled:
        names = ", ".join(f'"{name}"' for name in filled)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    for name in connection.scalars(text(_SEQUENCES)).all():
        connection.execute(text(f'ALTER SEQUENCE "{name}" RESTART'))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[SharedDatabase]:
    """A PostgreSQL server of the tests' own, or a skip that says why there is none."""
    folder = Path(tempfile.mkdtemp(prefix="qudao-pg-"))
    try:
        import pgserver

        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI") == "true":
            pytest.fail(f"no PostgreSQL: pgserver cannot start: {error!r}")
        pytest.skip(f"no PostgreSQL: pgserver cannot start: {error!r}")
    admin = create_engine(server.get_uri(), future=True, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # Nothing here has to outlive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield SharedDatabase(admin)
    admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, monkeypatch) -> Iterator[str]:
    """An empty database with all tables, and an empty folder of state; gives the dialect's name."""
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "app.db")
        yield "sqlite"
        provenance.settle()
        engine().dispose()
        return
    shared = request.getfixturevalue("postgresql")
    monkeypatch.setenv("DATABASE_URL", shared.url())
    create_tables()
    shared.made()
    yield "postgresql"
    # What is written behind an answer would come into the next test's database.
    provenance.settle()
    engine().dispose()
    shared.empty()
