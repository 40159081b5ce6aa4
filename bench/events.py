"""Customer data, each figure beside its limit: intake against raw inserts, time to a tag, cost.

    python -m bench --only events [--seconds 10] [--events 1000000] [--kills 100]
        [--databases sqlite postgresql]

Intake is measured through HTTP in requests of 100 events, as Segment's SDKs send them: alone, and
beside the pipeline (`python -m cdp work`), which takes them up meanwhile. Raw is the same rows
inserted in bulk, 100 a transaction, as durable as the intake's, with no HTTP, no checks and no
reading: what the database alone could do.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import orjson
import psutil
import requests
from sqlalchemy import bindparam, func, insert, select

from bench import event_cost
from bench.event_load import Shoppers
from bench.event_sender import Sender
from bench.results import Figure
from cdp import sources
from cdp.events import EventRow
from cdp.identity.tables import IdentifierRow
from cdp.tags.tables import TagRow
from storage import Base, bulk, create_tables, engine, read, write
from tests.assistant import free_port
from tests.cdp.crash import kill_while_loaded

BATCH = 100
# Events a second; the last is RudderStack's published figure for two cores.
PACES = (500, 1_000, 1_700)
_SENDERS = 16
# So many that the pace is kept however long an answer takes: shoppers do not wait for each other.
_PACED = 64
_PEOPLE = 20_000
_PROBES = 40
_EVENTS = EventRow.__table__
_TAGGED = (
    select(TagRow.tag)
    .join(IdentifierRow, IdentifierRow.person_id == TagRow.person_id)
    .where(IdentifierRow.kind == "user_id", IdentifierRow.key == bindparam("user"))
    .limit(1)
)
# One sender stands for many here.
_UNLIMITED = {name: "1000000000/minute" for name in ("CDP_LIMIT_SOURCE", "CDP_LIMIT_ADDRESS")}


def figures(seconds: float, databases: Iterable[str], most: int, kills: int) -> Iterator[Figure]:
    """(name, value, unit) of all, on each database."""
    for database in databases:
        with _place(database), _serving() as (url, _):
            for name, value, unit in _intake_alone(url, seconds):
                yield f"events.{database}.{name}", value, unit
        with _place(database), _serving() as (url, intake), _working() as pipeline:
            for name, value, unit in _intake(url, [intake, pipeline], seconds):
                yield f"events.{database}.{name}", value, unit
        with _place(database):
            for name, value, unit in _killed(kills):
                yield f"events.{database}.{name}", value, unit
        with _place(database):
            for name, value, unit in event_cost.figures(
                most if database == "sqlite" else most // 10
            ):
                yield f"events.{database}.{name}", value, unit


@contextmanager
def _place(database: str) -> Iterator[Path]:
    """An empty database, named by the environment while it lasts."""
    kept = {name: os.environ.get(name) for name in ("QUDAO_VAR", "DATABASE_URL", "QUDAO_DEMO")}
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(QUDAO_VAR=home, QUDAO_DEMO="1")
        os.environ.pop("DATABASE_URL", None)
        server = None
        try:
            if database == "postgresql":
                import pgserver

                server = pgserver.get_server(Path(home) / "pg", cleanup_mode="stop")
                os.environ["DATABASE_URL"] = server.get_uri()
            create_tables()
            sources.ensure_builtin()
            yield Path(home)
        finally:
            engine().dispose()
            if server is not None:
                server.cleanup()
            for name, value in kept.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def _serving() -> Iterator[tuple[str, psutil.Process]]:
    """The intake's address and process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _process("bench.event_server", str(port)) as process:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if requests.get(f"{url}/healthz", timeout=2).ok:
                    break
            except requests.RequestException:
                time.sleep(0.1)
        yield url, process


def _working() -> AbstractContextManager[psutil.Process]:
    """The pipeline's process."""
    return _process("cdp", "work")


@contextmanager
def _process(*what: str) -> Iterator[psutil.Process]:
    started = subprocess.Popen([sys.executable, "-m", *what], env={**os.environ, **_UNLIMITED})
    try:
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(60)


def _intake_alone(url: str, seconds: float) -> Iterator[Figure]:
    """Intake against raw inserts, each with the machine to itself."""
    accepted, took = _sent(url, seconds)
    yield "accepted_alone_per_s", accepted / took, "1/s"
    raw = _raw(accepted)
    yield "raw_inserts_per_s", raw, "1/s"
    yield "accepted_over_raw", accepted / took / raw, "ratio"


def _intake(url: str, processes: list[psutil.Process], seconds: float) -> Iterator[Figure]:
    """Intake and pipeline side by side."""
    accepted, took = _sent(url, seconds)
    yield "accepted_per_s", accepted / took, "1/s"
    waited = _until_processed()
    yield "processed_per_s", accepted / (took + waited), "1/s"
    yield "memory_mb", sum(one.memory_info().rss for one in processes) / 1e6, "MB"
    key, fresh = _key(), Shoppers(_PEOPLE, seed=13)
    for pace in PACES:
        count = int(max(seconds, 20) * pace / BATCH)
        lags, rate = _lag_under(
            url, key, [orjson.dumps(fresh.batch(BATCH)) for _ in range(count)], pace
        )
        yield f"paced_per_s.{pace}", rate, "1/s"
        yield f"to_tag_p50_ms.{pace}", statistics.median(lags), "ms"
        yield f"to_tag_p95_ms.{pace}", statistics.quantiles(lags, n=20)[18], "ms"
        _until_processed()


def _key() -> str:
    return sources.by_name("storefront").write_key


def _sent(url: str, seconds: float) -> tuple[int, float]:
    """As many events as are taken in so many seconds; accepted, and seconds taken."""
    # Made before: what the sender spends on making events is none of the server's time.
    shoppers = Shoppers(_PEOPLE)
    count = max(40, int(seconds * 12_000 / BATCH))
    return _send(url, _key(), [orjson.dumps(shoppers.batch(BATCH)) for _ in range(count)], seconds)


def _killed(kills: int) -> Iterator[Figure]:
    """A server killed under load, again and again: what was answered 2xx and is not stored."""
    if not kills:
        return
    outcome = kill_while_loaded(kills)
    yield "killed", outcome.kills, "kills"
    yield "killed_answered", len(outcome.answered), "events"
    yield "killed_lost", len(outcome.lost), "events"
    yield "killed_doubled", len(outcome.doubled), "events"


def _send(url: str, key: str, bodies: list[bytes], seconds: float) -> tuple[int, float]:
    """Several senders at full speed for so long; events accepted, and seconds taken."""
    left, accepted, lock = iter(bodies), [0], threading.Lock()
    end = time.perf_counter() + seconds

    def sender() -> None:
        with closing(Sender(url, key)) as connection:
            while time.perf_counter() < end:
                with lock:
                    body = next(left, None)
                if body is None:
                    return
                done = connection.post(body)
                with lock:
                    accepted[0] += done

    start = time.perf_counter()
    threads = [threading.Thread(target=sender) for _ in range(_SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return accepted[0], time.perf_counter() - start


def _until_processed() -> float:
    start = time.perf_counter()
    while True:
        with read() as session:
            if not session.scalar(
                select(func.count()).select_from(_EVENTS).where(_EVENTS.c.state == "new")
            ):
                return time.perf_counter() - start
        time.sleep(0.2)


def _raw(most: int) -> float:
    """Rows a second of the same events, in bulk, in an empty table of the same shape."""
    with read() as session:
        found = session.execute(select(_EVENTS).limit(min(most, 50_000))).mappings().all()
    rows = [{name: value for name, value in row.items() if name != "seq"} for row in found]
    raw = _EVENTS.to_metadata(type(Base.metadata)(), name="raw_events")
    for index in raw.indexes:
        index.name = f"raw_{index.name}"
    for constraint in raw.constraints:
        constraint.name = f"raw_{constraint.name}" if constraint.name else None
    with write() as session:
        raw.create(session.connection())
    start = time.perf_counter()
    for first in range(0, len(rows), BATCH):
        with write() as session:
            session.execute(insert(raw), rows[first : first + BATCH])
    took = time.perf_counter() - start
    with write() as session:
        raw.drop(session.connection())
    return len(rows) / took


def _lag_under(url: str, key: str, bodies: list[bytes], pace: int) -> tuple[list[float], float]:
    """Milliseconds from a click's acceptance to its tag, while so many events a second come in."""
    stop, sent = threading.Event(), [0] * _PACED

    def sender(number: int) -> None:
        with closing(Sender(url, key)) as connection:
            due = start + number * BATCH / pace
            for body in bodies[number::_PACED]:
                if stop.wait(max(0.0, due - time.perf_counter())):
                    return
                sent[number] += connection.post(body)
                due += BATCH / pace * _PACED

    start = time.perf_counter()
    threads = [threading.Thread(target=sender, args=(n,)) for n in range(_PACED)]
    for thread in threads:
        thread.start()
    lags = []
    with closing(Sender(url, key)) as connection:
        time.sleep(1)
        for number in range(_PROBES):
            if not any(thread.is_alive() for thread in threads):
                break
            lags.append(_probe(connection, f"{pace}-{number}"))
            time.sleep(0.1)
    took = time.perf_counter() - start
    stop.set()
    for thread in threads:
        thread.join()
    return lags, sum(sent) / took


def _probe(connection: Sender, name: str) -> float:
    probe = Shoppers(1, seed=name, prefix=f"probe{name}").event(0)
    connection.post(orjson.dumps({"batch": [probe]}))
    start = time.perf_counter()
    while True:
        if _tagged(probe["userId"]):
            return (time.perf_counter() - start) * 1000
        if time.perf_counter() - start > 60:
            raise RuntimeError("no tag after 60 s")
        time.sleep(0.01)


def _tagged(user_id: str) -> bool:
    with read() as session:
        return bool(bulk.fetch(session, _TAGGED, user=user_id))
