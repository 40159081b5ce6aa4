"""From accepted events to people, profiles and tags: one thread, batch by batch.

A batch (`cdp.batch`) is one write transaction, so an event is taken into account whole or not at
all. The thread sleeps until `wake()`, and looks four times a second by itself, since other
processes write too; it also starts the scheduled jobs that are due.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
import traceback
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    String,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.sql import Select

from cdp import carried, jobs
from cdp.batch import process
from cdp.events import FIELDS, NEW, Event, EventRow
from storage import Base, bulk, read, utc_now, write

logger = logging.getLogger(__name__)

FAILED = "failed"
# Everybody else who writes waits for a batch: a larger one is hardly faster.
BATCH = 250
LOOK_SECONDS = 0.25
JOBS_SECONDS = 1.0
# What listens to the pipeline and registers scheduled jobs.
PARTS = ("cdp.parts", "cdp.platforms.sync", "cdp.readings.overview", "cdp.talk.sessions")
_EVENTS = EventRow.__table__
_PENDING = (
    select(*(_EVENTS.c[name] for name in FIELDS), bulk.undecoded(_EVENTS.c.body))
    .where(_EVENTS.c.state == NEW)
    .order_by(_EVENTS.c.seq)
)
_NEXT = _PENDING.limit(bindparam("limit", type_=Integer))
_THESE = _PENDING.where(bulk.listed(_EVENTS.c.seq, "numbers"))

_wake = threading.Event()
_stop = threading.Event()
_thread: threading.Thread | None = None


class FailedRow(Base):
    """An event that could not be processed, and what went wrong; its state is "failed"."""

    __tablename__ = "failed_events"

    seq = Column(BigInteger, primary_key=True, autoincrement=False)
    reason = Column(String(255), nullable=False)
    at = Column(DateTime, nullable=False)


def wake() -> None:
    """There are new events: do not wait until it is time to look again."""
    _wake.set()


def start() -> bool:
    """Start the thread of this process; False if it runs already, or `CDP_WORKER` is "off"."""
    global _thread
    if os.environ.get("CDP_WORKER", "").lower() == "off":
        logger.info("pipeline.off CDP_WORKER=off")
        return False
    if _thread is not None and _thread.is_alive():
        return False
    load_jobs()
    _stop.clear()
    _thread = threading.Thread(target=run, name="cdp-pipeline", daemon=True)
    _thread.start()
    return True


def stop(timeout: float = 30.0) -> None:
    """End the thread after the batch it is at."""
    ask_to_stop()
    if _thread is not None:
        _thread.join(timeout)


def ask_to_stop() -> None:
    """Let `run` return after the batch it is at."""
    _stop.set()
    _wake.set()


def load_jobs() -> None:
    """Import the modules that listen to the pipeline and that register scheduled jobs.

    Call it before `create_tables`, which makes the tables of modules that have been imported.
    """
    for name in PARTS:
        importlib.import_module(name)


def run() -> None:
    """Process events, and run due jobs, until `stop`; no exception ends it."""
    looked = 0.0
    while not _stop.is_set():
        _wake.clear()
        started = time.monotonic()
        try:
            done = run_once()
            if started - looked >= JOBS_SECONDS:
                looked = started
                jobs.run_due()
        except Exception:
            logger.exception("pipeline.failed")
            done = 0
            _stop.wait(LOOK_SECONDS)
        if done < BATCH:
            _wake.wait(LOOK_SECONDS)


def run_once(limit: int = BATCH) -> int:
    """Process pending events in the order they were accepted; how many.

    An event that cannot be processed is set aside as "failed", and does not stop the others.

    Raises:
        SQLAlchemyError: the database is away.
    """
    with read() as session:
        # Looked at before the write lock is taken, which the intake would have to wait for.
        waiting = select(_EVENTS.c.seq).where(_EVENTS.c.state == NEW).limit(1)
        if session.execute(waiting).first() is None:
            return 0
    try:
        return _process(_NEXT, limit=limit)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("pipeline.batch.failed")
    with read() as session:
        pending = select(_EVENTS.c.seq).where(_EVENTS.c.state == NEW).order_by(_EVENTS.c.seq)
        numbers = list(session.scalars(pending.limit(limit)))
    _halve(numbers)
    return len(numbers)


def retry_failed() -> int:
    """Take up again what was set aside, after a fix; how many events."""
    with write() as session:
        again = update(_EVENTS).where(_EVENTS.c.state == FAILED).values(state=NEW)
        count = session.execute(again).rowcount
        session.execute(delete(FailedRow.__table__))
    wake()
    return count


def pending() -> int:
    """How many accepted events wait to be processed (no more than 10,000 are counted)."""
    with read() as session:
        waiting = select(_EVENTS.c.seq).where(_EVENTS.c.state == NEW).limit(10_000)
        return len(session.scalars(waiting).all())


def _halve(numbers: list[int]) -> None:
    """Find the event that spoils its batch, by halves, and process the others."""
    half = (len(numbers) + 1) // 2
    for part in filter(None, (numbers[:half], numbers[half:])):
        try:
            _process(_THESE, numbers=part)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if len(part) > 1:
                _halve(part)
            else:
                _set_aside(part[0], error)


def _set_aside(number: int, error: Exception) -> None:
    # Where it happened, not what the error says: that may quote the shopper.
    place = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    logger.error("pipeline.event.failed seq=%s reason=%s", number, reason)
    with write() as session:
        session.execute(update(_EVENTS).where(_EVENTS.c.seq == number).values(state=FAILED))
        session.execute(
            insert(FailedRow.__table__), [{"seq": number, "reason": reason, "at": utc_now()}]
        )


def _process(wanted: Select, **which) -> int:
    """One batch in one transaction."""
    with write() as session:
        rows = bulk.fetch(session, wanted, **which)
        recorded = process(session, [Event.from_values(row) for row in rows]) if rows else ()
    carried.remember(recorded)
    return len(rows)
