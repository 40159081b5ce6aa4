"""Scheduled jobs: what is due is run by one process at a time.

    @job("segments.rebuild", every=timedelta(hours=1))
    def rebuild() -> int: ...

A job takes nothing or the time (naive UTC), and what it returns is kept as its last result. The
row of a job is also its lease: whoever writes `lease_until` first runs it, and where that process
dies the job is taken up again when the lease is over. So a job must bear being run twice.

A job that computes for long is `apart`: what is due of these is run in a process of its own
(`python -m cdp job NAME`), which gives way to others, since events wait for whatever else computes
in the process that processes them.
"""

from __future__ import annotations

import inspect
import json
import logging
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Column, DateTime, Integer, String, Text, insert, or_, select, update

from storage import Base, read, utc_now, write

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
LONGEST = 2000
_ROOT = Path(__file__).resolve().parent.parent


class JobRow(Base):
    """When a job ran last, and what became of it; times are naive UTC."""

    __tablename__ = "jobs"

    name = Column(String(64), primary_key=True)
    every_s = Column(Integer, nullable=False)
    last_started = Column(DateTime)
    last_finished = Column(DateTime)
    last_result = Column(Text)
    last_error = Column(Text)
    lease_until = Column(DateTime)
    lease_owner = Column(String(32))


@dataclass(frozen=True)
class Job:
    """One registered job; `lease` is the longest it may take before another process tries it."""

    name: str
    function: Callable
    every: timedelta
    lease: timedelta
    timed: bool
    when: Callable[[], bool] | None = None
    apart: bool = False


class UnknownJob(KeyError):
    """No job of that name is registered in this process."""


_jobs: dict[str, Job] = {}
_running: threading.Thread | None = None
_starting = threading.Lock()


def job(
    name: str,
    every: timedelta,
    lease: timedelta = LEASE,
    when: Callable[[], bool] | None = None,
    apart: bool = False,
):
    """Register a function as the job of that name, to be run each `every`.

    `when` is a cheap question whether there is anything to do; without it nothing is written.
    """

    def register(function: Callable) -> Callable:
        timed = any(
            parameter.kind is not parameter.KEYWORD_ONLY
            for parameter in inspect.signature(function).parameters.values()
        )
        _jobs[name] = Job(name, function, every, lease, timed, when, apart)
        return function

    return register


def registered() -> list[Job]:
    """The jobs of this process, by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def run_due(now: datetime | None = None, wait: bool = False) -> list[str]:
    """Start the jobs that are due; their names.

    They run one after another in a thread of their own, since the caller has events to see to;
    while that thread is at work nothing more is started. With `wait` they run here instead.
    """
    global _running
    with _starting:
        if not wait and _running is not None and _running.is_alive():
            return []
        due = _due(now or utc_now())
        if not due:
            return []
        if not wait:
            how = {"target": _run_all, "args": (due, now, True), "name": "jobs"}
            _running = threading.Thread(**how, daemon=True)
            _running.start()
    if wait:
        _run_all(due, now, False)
    return [one.name for one in due]


def join(timeout: float | None = None) -> bool:
    """Wait for what `run_due` has started; whether it is done."""
    thread = _running
    if thread is not None:
        thread.join(timeout)
    return thread is None or not thread.is_alive()


def run(name: str, now: datetime | None = None) -> bool:
    """Run a job now, whether it is due or not; False if another process is at it.

    Raises:
        UnknownJob: no such job; the message lists those there are.
    """
    return _run(_known(name), now or utc_now(), only_due=False)


def states() -> list[dict]:
    """All jobs that ever ran or are registered here, with their last run, for the console."""
    with read() as session:
        rows = {row.name: row for row in session.scalars(select(JobRow))}
    columns = [column.name for column in JobRow.__table__.columns if column.name != "lease_owner"]
    listed = []
    for name in sorted({*rows, *_jobs}):
        row = rows.get(name)
        state = {column: getattr(row, column, None) for column in columns}
        listed.append({**state, "name": name, "here": name in _jobs})
        if row is None:
            listed[-1]["every_s"] = int(_jobs[name].every.total_seconds())
    return listed


def _due(now: datetime) -> list[Job]:
    with read() as session:
        rows = {row.name: row for row in session.scalars(select(JobRow))}
    due = [one for one in registered() if _is_due(one, rows.get(one.name), now)]
    return [one for one in due if one.when is None or one.when()]


def _is_due(one: Job, row: JobRow | None, now: datetime) -> bool:
    if row is None or row.last_started is None:
        return True
    leased = row.lease_until is not None and row.lease_until > now
    # A lease that ran out was left behind by a process that died: the job is owed, not waited for.
    return not leased and (row.lease_until is not None or row.last_started + one.every <= now)


def run_if_due(name: str) -> bool:
    """Run a job here if it is due; False if it is not, or another process is at it.

    Raises:
        UnknownJob: no such job.
    """
    return _run(_known(name), utc_now(), only_due=True)


def _known(name: str) -> Job:
    if name not in _jobs:
        raise UnknownJob(f"job {name!r}: expected one of {', '.join(sorted(_jobs))}")
    return _jobs[name]


def _run_all(due: list[Job], now: datetime | None, apart: bool) -> None:
    for one in due:
        try:
            if not (apart and one.apart and _run_apart(one)):
                _run(one, now or utc_now(), only_due=True)
        except Exception:
            # The database is away, for example; the next second asks again.
            logger.exception("job.unmanaged name=%s", one.name)


def _run_apart(one: Job) -> bool:
    """Run what is due of a job in a process of its own, which ends with this one; whether it did,
    in the time of its lease."""
    command = [sys.executable, "-m", "cdp", "job", one.name, "--attached"]
    try:
        with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE) as child:
            try:
                status = child.wait(one.lease.total_seconds())
            except subprocess.TimeoutExpired:
                child.kill()
                logger.error("job.too_long name=%s", one.name)
                return True
    except OSError as error:
        status = type(error).__name__
    if status:
        logger.error("job.apart.failed name=%s status=%s", one.name, status)
    return not status


def _run(one: Job, now: datetime, only_due: bool) -> bool:
    owner = _lease(one, now, only_due)
    if owner is None:
        return False
    result = error = None
    try:
        result = one.function(now) if one.timed else one.function()
    except Exception as failure:
        logger.exception("job.failed name=%s", one.name)
        # Only the kind of it: an error's words may quote a shopper's data.
        error = type(failure).__name__
    with write() as session:
        session.execute(
            update(JobRow)
            .where(JobRow.name == one.name, JobRow.lease_owner == owner)
            .values(
                last_finished=utc_now(),
                last_result=None if result is None else _told(result)[:LONGEST],
                last_error=error,
                lease_until=None,
                lease_owner=None,
            )
            .execution_options(synchronize_session=False)
        )
    return error is None


def _told(result) -> str:
    # Counts by name as JSON, which others can read again.
    if isinstance(result, dict):
        return json.dumps(result, ensure_ascii=False, default=str)
    return str(result)


def _lease(one: Job, now: datetime, only_due: bool) -> str | None:
    """Take the job for this process; None if another one has it, or has just done it."""
    owner = secrets.token_hex(8)
    every_s = int(one.every.total_seconds())
    with write() as session:
        row = session.execute(
            select(JobRow.last_started, JobRow.lease_until).where(JobRow.name == one.name)
        ).first()
        if row is None:
            session.execute(insert(JobRow).values(name=one.name, every_s=every_s))
        elif only_due and not _is_due(one, row, now):
            return None
        taken = session.execute(
            update(JobRow)
            .where(
                JobRow.name == one.name,
                or_(JobRow.lease_until.is_(None), JobRow.lease_until <= now),
            )
            .values(
                every_s=every_s,
                last_started=now,
                lease_until=now + one.lease,
                lease_owner=owner,
            )
            .execution_options(synchronize_session=False)
        )
        return owner if taken.rowcount == 1 else None
