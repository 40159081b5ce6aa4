"""One SQLAlchemy engine a process, and two ways to use it: `read()` and `write()`.

On SQLite every write is a short `BEGIN IMMEDIATE` transaction: a deferred one that starts by
reading and then writes fails with `database is locked` as soon as two processes do it at once.
`synchronous=FULL` keeps what was acknowledged through a power cut. On PostgreSQL writes take their
turn by an advisory lock, so that what reads and then writes (a room's next number, a counted
failure) holds there as well. Neither `read()` nor `write()` belongs on an event loop: call from a
thread (`asyncio.to_thread`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, event, text, types
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.orm import Session, SessionTransaction, declarative_base
from sqlalchemy.pool import QueuePool

from storage import turns
from storage.paths import var_dir

Base = declarative_base()

_BUSY_MS = 15_000
_CONNECT_SECONDS = 5
_PAGE = 500
# Pages that many batches write go to the file once: it is looked after every 32 MB of log.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "wal_autocheckpoint=8000",
    "cache_size=-64000",
    # Whenever another process has written, a connection forgets its pages; they are then looked at
    # where the system holds them, and not copied again, one call a page.
    "mmap_size=1073741824",
)
_WRITERS = 7_243_001  # the advisory lock's number; only has to differ from other programs'


def database_url() -> str:
    """`DATABASE_URL`, or the SQLite file `app.db` in the folder of run-time state."""
    return os.environ.get("DATABASE_URL") or f"sqlite:///{var_dir() / 'app.db'}"


def engine() -> Engine:
    """The process's engine for the database that the environment names now."""
    return _engine(database_url())


@cache
def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return server_engine(url)
    made = create_engine(
        url,
        future=True,
        # The values of a statement that failed are shoppers' data, and errors go to the logs.
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=8,
        # The connection used last knows the most pages, as long as nobody else has written since.
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
    )
    made.dialect.colspecs = {**made.dialect.colspecs, types.DateTime: _SqliteDateTime}
    event.listen(made, "connect", _configure_sqlite)
    return made


class _SqliteDateTime(sqlite.DATETIME):
    """As SQLAlchemy writes times, but in a third of the time: batches write many."""

    def bind_processor(self, dialect):
        return lambda at: None if at is None else at.isoformat(" ", "microseconds")


def server_engine(url: str) -> Engine:
    """An engine for a database server, with limits on connecting, waiting and each statement."""
    limits, how = {}, {}
    if make_url(url).get_backend_name() == "postgresql":
        waits = f"-c statement_timeout={_BUSY_MS} -c lock_timeout={_BUSY_MS}"
        limits = {"connect_timeout": _CONNECT_SECONDS, "options": waits}
        # A statement with many rows is sent in pages, not row by row.
        how = {"executemany_mode": "values_plus_batch", "executemany_batch_page_size": _PAGE}
    return create_engine(
        url, future=True, pool_pre_ping=True, hide_parameters=True, connect_args=limits, **how
    )


def _configure_sqlite(connection, _record) -> None:
    # pysqlite would otherwise open transactions by itself, and always deferred ones.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def where_rows(condition: str) -> dict:
    """Of an `Index`: it holds only the rows of which that is true, in SQL."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def begin(connection: Connection, writes: bool) -> None:
    """What a transaction begins with; writes: it takes its turn to write."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif dialect == "postgresql" and writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


class _Session(Session):
    """A session whose transactions write, or not."""

    def __init__(self, bind: Engine, writes: bool) -> None:
        super().__init__(bind, future=True, expire_on_commit=False)
        self.writes = writes


# An event of the session's: one of the engine's makes every statement look for listeners.
@event.listens_for(_Session, "after_begin")
def _begun(session: _Session, transaction: SessionTransaction, connection: Connection) -> None:
    if not transaction.nested:
        begin(connection, session.writes)


@contextmanager
def read() -> Iterator[Session]:
    """A session to look with; nothing done in it is kept."""
    with _Session(engine(), writes=False) as session:
        yield session


@contextmanager
def write(alone: bool = True) -> Iterator[Session]:
    """A session whose work is committed at the end, or undone whole if it raises.

    alone: nobody else writes meanwhile. Work that is right whoever does may pass False, and waits
    for nobody on PostgreSQL; on SQLite there is no other way.
    """
    made = engine()
    writes = alone or made.dialect.name == "sqlite"
    with _turn(made), _Session(made, writes) as session, session.begin():
        yield session


@contextmanager
def within(session: Session | None) -> Iterator[Session]:
    """The caller's transaction, or else one of its own."""
    if session is not None:
        yield session
        return
    with write() as own:
        yield own


def _turn(made: Engine) -> AbstractContextManager:
    # PostgreSQL's advisory lock has a queue of its own.
    file = made.url.database if made.dialect.name == "sqlite" else None
    return turns.taken(Path(file), _BUSY_MS / 1000) if file else nullcontext()
