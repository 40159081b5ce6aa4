"""What an event costs with few and many stored, and what a rebuild of segments costs."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from bench.event_load import Shoppers
from bench.results import Figure
from cdp import pipeline, sources
from cdp.commands import work
from cdp.intake.accept import accept
from cdp.segments import store
from cdp.segments.rebuild import rebuild_all
from storage import create_tables, engine

_BATCH = 500
_FEW = 10_000
_SOME = 100_000
_ROUNDS = 20
_EVENTS_OF_ONE = 5
# Microseconds an event by the clock, and of this process's processor time: what else runs on the
# machine weighs on the first.
_Cost = tuple[float, float]
_SEGMENTS = (
    'tag("兴趣:运动装备") and orders.value >= 500',
    'last_seen within 30 days and not tag("流失风险")',
    'events("view", 7 days) >= 3',
)


def figures(most: int) -> Iterator[Figure]:
    """Cost of an event at ten thousand and at up to `most` stored, of one person's 10th and
    10,000th.

    In this process, which is made as `python -m cdp work` is. Few and many lie in two databases
    that take turns, batch by batch, since a machine is not as fast at one minute as at another.
    """
    work.spare_collector()
    with _database_beside() as beside:
        few, many = _Stored(beside), _Stored({})
        for one in (few, many):
            one.fill(_FEW)
        yield from _both(".person_10", many.cost_of_one(10))
        yield from _both(".person_10000", many.cost_of_one(10_000))
        for size in sorted({min(_SOME, most), most} - {_FEW}):
            many.fill(size)
            of_few, of_many = _in_turns(few, many)
            yield from _both(f".{_FEW}", of_few)
            yield from _both(f".{size}", of_many)
            yield f"cost.{size}_over_{_FEW}", of_many[0] / of_few[0], "ratio"
            yield f"cost_cpu.{size}_over_{_FEW}", of_many[1] / of_few[1], "ratio"
    for number, text in enumerate(_SEGMENTS):
        store.save(f"bench {number}", text)
    start = time.perf_counter()
    rebuild_all()
    yield f"segments_rebuild_s.{most}", time.perf_counter() - start, "s"
    yield f"worker_mb.{most}", psutil.Process().memory_info().rss / 1e6, "MB"


@contextmanager
def _database_beside() -> Iterator[dict[str, str]]:
    """A second database of the same kind: the environment that names it."""
    url = engine().url
    with tempfile.TemporaryDirectory() as home:
        if url.get_backend_name() == "sqlite":
            yield {"QUDAO_VAR": home}
            return
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CREATE DATABASE beside")
        yield {"DATABASE_URL": url.set(database="beside").render_as_string(hide_password=False)}


class _Stored:
    """A database with so many events, and whose the next ones are: each shopper has as many,
    however many are stored, since an event of somebody who is known costs more than a stranger's.
    """

    def __init__(self, place: dict[str, str]) -> None:
        self._place = place
        self._count = 0
        with self._here():
            create_tables()
            sources.ensure_builtin()
            self._source = sources.by_name("storefront")

    @contextmanager
    def _here(self) -> Iterator[None]:
        kept = dict(os.environ)
        os.environ.update(self._place)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def fill(self, size: int) -> None:
        """Until so many events are stored."""
        self._shoppers = Shoppers(size // _EVENTS_OF_ONE, seed=size, prefix=f"of{size}")
        while self._count < size:
            self.spent([self._shoppers.event() for _ in range(_BATCH)])
            self._count += _BATCH

    def spent(self, batch: list[dict] | None = None) -> _Cost:
        """What an event of a batch costs: accepted and processed."""
        batch = batch or [self._shoppers.event() for _ in range(_BATCH)]
        with self._here():
            start, processor = time.perf_counter(), time.process_time()
            accept(self._source, batch)
            pipeline.run_once(len(batch))
            took = time.perf_counter() - start, time.process_time() - processor
        return took[0] / len(batch) * 1e6, took[1] / len(batch) * 1e6

    def cost_of_one(self, had: int) -> _Cost:
        """The same where all events are of one person who had so many before."""
        shopper = Shoppers(1, seed=had, prefix=f"one{had}")
        while had > 0:
            self.spent([shopper.event(0) for _ in range(min(had, _BATCH))])
            had -= _BATCH
        return _median([self.spent([shopper.event(0) for _ in range(100)]) for _ in range(_ROUNDS)])


def _in_turns(few: _Stored, many: _Stored) -> tuple[_Cost, _Cost]:
    pairs = [(few.spent(), many.spent()) for _ in range(_ROUNDS)]
    of_few, of_many = zip(*pairs, strict=True)
    return _median(of_few), _median(of_many)


def _both(of: str, cost: _Cost) -> Iterator[Figure]:
    yield f"cost_us{of}", cost[0], "µs"
    yield f"cost_cpu_us{of}", cost[1], "µs"


def _median(costs: Sequence[_Cost]) -> _Cost:
    by_the_clock, of_processor = map(sorted, zip(*costs, strict=True))
    return by_the_clock[len(costs) // 2], of_processor[len(costs) // 2]
