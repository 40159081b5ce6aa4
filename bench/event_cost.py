"""What an event costs with few and many stored, and what a rebuild of segments costs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from bench.event_load import Shoppers
from bench.results import Figure
from cdp import pipeline, sources
from cdp.intake.accept import accept
from cdp.segments import store
from cdp.segments.rebuild import rebuild_all

_BATCH = 500
_FEW = 10_000
_SOME = 100_000
_ROUNDS = 20
_SEGMENTS = (
    'tag("兴趣:运动装备") and orders.value >= 500',
    'last_seen within 30 days and not tag("流失风险")',
    'events("view", 7 days) >= 3',
)


def figures(most: int) -> Iterator[Figure]:
    """Cost of an event at ten thousand and at `most` stored, of one person's 10th and 10,000th."""
    source = sources.by_name("storefront")
    shoppers = Shoppers(max(2_000, most // 50))
    _fill(source, shoppers, _FEW)
    few = _cost(source, shoppers)
    yield f"cost_us.{_FEW}", few, "µs"
    yield "cost_us.person_10", _cost_of_one(source, 10), "µs"
    yield "cost_us.person_10000", _cost_of_one(source, 10_000), "µs"
    stored = _FEW
    for size in sorted({min(_SOME, most), most}):
        _fill(source, shoppers, size - stored)
        stored = size
        many = _cost(source, shoppers)
        yield f"cost_us.{size}", many, "µs"
        yield f"cost.{size}_over_{_FEW}", many / few, "ratio"
    for number, text in enumerate(_SEGMENTS):
        store.save(f"bench {number}", text)
    start = time.perf_counter()
    rebuild_all()
    yield f"segments_rebuild_s.{most}", time.perf_counter() - start, "s"
    yield f"worker_mb.{most}", psutil.Process().memory_info().rss / 1e6, "MB"


def _fill(source, shoppers: Shoppers, count: int) -> None:
    for _ in range(0, count, _BATCH):
        accept(source, [shoppers.event() for _ in range(_BATCH)])
        pipeline.run_once(_BATCH)


def _cost(source, shoppers: Shoppers) -> float:
    """Microseconds an event, accepted and processed; the median of some batches."""
    return _median([[shoppers.event() for _ in range(_BATCH)] for _ in range(_ROUNDS)], source)


def _cost_of_one(source, had: int) -> float:
    """The same where all events are of one person who had so many before."""
    shopper = Shoppers(1, seed=had, prefix=f"one{had}")
    while had > 0:
        accept(source, [shopper.event(0) for _ in range(min(had, _BATCH))])
        pipeline.run_once(_BATCH)
        had -= _BATCH
    return _median([[shopper.event(0) for _ in range(100)] for _ in range(_ROUNDS)], source)


def _median(batches: list[list[dict]], source) -> float:
    times = []
    for batch in batches:
        start = time.perf_counter()
        accept(source, batch)
        pipeline.run_once(len(batch))
        times.append((time.perf_counter() - start) / len(batch) * 1e6)
    return sorted(times)[len(times) // 2]
