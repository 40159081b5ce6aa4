"""What an event costs with few and many stored, and what a rebuild of segments costs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from bench.event_load import Shoppers
from bench.results import Figure
from cdp import pipeline, sources
from cdp.commands import work
from cdp.intake.accept import accept
from cdp.segments import store
from cdp.segments.rebuild import rebuild_all

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
    """Cost of an event at ten thousand and at `most` stored, of one person's 10th and 10,000th.

    In this process, which is made as `python -m cdp work` is.
    """
    work.spare_collector()
    source = sources.by_name("storefront")
    shoppers = _shoppers(_FEW)
    _fill(source, shoppers, _FEW)
    few = _cost(source, shoppers)
    yield from _both(f".{_FEW}", few)
    yield from _both(".person_10", _cost_of_one(source, 10))
    yield from _both(".person_10000", _cost_of_one(source, 10_000))
    stored = _FEW
    for size in sorted({min(_SOME, most), most}):
        shoppers = _shoppers(size)
        _fill(source, shoppers, size - stored)
        stored = size
        many = _cost(source, shoppers)
        yield from _both(f".{size}", many)
        yield f"cost.{size}_over_{_FEW}", many[0] / few[0], "ratio"
        yield f"cost_cpu.{size}_over_{_FEW}", many[1] / few[1], "ratio"
    for number, text in enumerate(_SEGMENTS):
        store.save(f"bench {number}", text)
    start = time.perf_counter()
    rebuild_all()
    yield f"segments_rebuild_s.{most}", time.perf_counter() - start, "s"
    yield f"worker_mb.{most}", psutil.Process().memory_info().rss / 1e6, "MB"


def _shoppers(stored: int) -> Shoppers:
    """Whose events they are: each has as many, however many are stored, since an event of somebody
    who is known costs more than a stranger's."""
    return Shoppers(stored // _EVENTS_OF_ONE, seed=stored, prefix=f"of{stored}")


def _fill(source, shoppers: Shoppers, count: int) -> None:
    for _ in range(0, count, _BATCH):
        accept(source, [shoppers.event() for _ in range(_BATCH)])
        pipeline.run_once(_BATCH)


def _both(of: str, cost: _Cost) -> Iterator[Figure]:
    yield f"cost_us{of}", cost[0], "µs"
    yield f"cost_cpu_us{of}", cost[1], "µs"


def _cost(source, shoppers: Shoppers) -> _Cost:
    """An event accepted and processed; the median of some batches."""
    return _median([[shoppers.event() for _ in range(_BATCH)] for _ in range(_ROUNDS)], source)


def _cost_of_one(source, had: int) -> _Cost:
    """The same where all events are of one person who had so many before."""
    shopper = Shoppers(1, seed=had, prefix=f"one{had}")
    while had > 0:
        accept(source, [shopper.event(0) for _ in range(min(had, _BATCH))])
        pipeline.run_once(_BATCH)
        had -= _BATCH
    return _median([[shopper.event(0) for _ in range(100)] for _ in range(_ROUNDS)], source)


def _median(batches: list[list[dict]], source) -> _Cost:
    times = []
    for batch in batches:
        start, processor = time.perf_counter(), time.process_time()
        accept(source, batch)
        pipeline.run_once(len(batch))
        spent = time.perf_counter() - start, time.process_time() - processor
        times.append([one / len(batch) * 1e6 for one in spent])
    by_the_clock, of_processor = map(sorted, zip(*times, strict=True))
    return by_the_clock[len(times) // 2], of_processor[len(times) // 2]
