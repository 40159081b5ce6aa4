"""How fast the knowledge graph is: import, size, memory, and every query, on either engine.

    python -m bench.graph --sizes 1000 10000 --engines ladybug neo4j

Figures are lines of JSON: {"name": "graph.ladybug.keyed_p95_ms.1000", "value": …, "unit": "ms"}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from bench.shops import LEAVES, TOPICS, frame, write_feed
from kg import catalogue, faq, policies, promotions, releases, sizes
from kg.feeds.merge import read_feed
from kg.graph import Graph, open_graph
from kg.neo4j_server.launcher import Neo4jServer

Figure = tuple[str, float, str]
Ask = Callable[[], Awaitable[Any]]

ENGINES = ("ladybug", "neo4j")
_DAY = date(2026, 11, 22)
_ROUNDS = 200
_SCAN_ROUNDS = 10
_WARM = 20
_MEBIBYTE = 1 << 20


def figures(
    sizes: Iterable[int] = (1_000, 10_000), engines: Iterable[str] = ENGINES
) -> Iterator[Figure]:
    """(name, value, unit) of everything measured, for shops of these numbers of products."""
    for engine in engines:
        for size in sizes:
            with tempfile.TemporaryDirectory() as home, _environment(engine, Path(home)):
                for name, value, unit in _measure(Path(home), size):
                    yield f"graph.{engine}.{name}.{size}", round(value, 3), unit


@contextmanager
def _environment(engine: str, home: Path) -> Iterator[None]:
    """Point the graph to an empty place of its own; a Neo4j is started for its figures."""
    kept = {name: os.environ.get(name) for name in ("QUDAO_VAR", "NEO4J_URI")}
    jars = Path(kept["QUDAO_VAR"] or "var") / "neo4j"
    os.environ["QUDAO_VAR"] = str(home)
    os.environ.pop("NEO4J_URI", None)
    try:
        if engine == "neo4j":
            with Neo4jServer(jars, data=home / "neo4j-data") as server:
                os.environ["NEO4J_URI"] = server.uri
                yield
        else:
            yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _measure(home: Path, size: int) -> Iterator[Figure]:
    brands = max(5, min(200, size // 50))
    feed = home / "feed.csv"
    write_feed(feed, size, brands)
    base = frame(brands)
    start = time.perf_counter()
    content, _ = read_feed(feed, "csv", base)
    read = time.perf_counter()
    releases.publish(content)
    end = time.perf_counter()
    yield "feed_read_s", read - start, "s"
    yield "import_s", end - start, "s"
    del content
    files = sum(path.stat().st_size for path in home.rglob("graph.lbug"))
    if files:
        yield "file_mib", files / _MEBIBYTE, "MiB"
    yield from asyncio.run(_queries(size, brands))


async def _queries(size: int, brands: int) -> list[Figure]:
    graph = open_graph()
    dice = random.Random(7)
    process = psutil.Process()
    before = process.memory_info().rss
    found: list[Figure] = []
    try:
        keyed: list[float] = []
        for name, ask in _keyed(graph, dice, size, brands).items():
            times = await _times(ask, _ROUNDS)
            keyed += times
            found += _percentiles(f"query.{name}", times)
        found += _percentiles("keyed", keyed)
        for name, ask in _reading(graph, dice, size, brands).items():
            found += _percentiles(f"read.{name}", await _times(ask, _ROUNDS))
        for name, ask in _scans(graph, dice, size).items():
            found += _percentiles(f"scan.{name}", await _times(ask, _SCAN_ROUNDS))
        found += [("readers_mib", (process.memory_info().rss - before) / _MEBIBYTE, "MiB")]
    finally:
        await graph.close()
    return found


def _keyed(g: Graph, dice: random.Random, size: int, brands: int) -> dict[str, Ask]:
    """Named queries that start from a key."""

    def number() -> int:
        return dice.randrange(size)

    def scopes() -> list[str]:
        return [
            f"product:P{number()}", f"brand:b{dice.randrange(brands)}",
            f"category:c{dice.randrange(LEAVES)}", "shop:shop",
        ]  # fmt: skip

    return {
        "product": lambda: g.query("product", id=f"P{number()}"),
        "product_of_variant": lambda: g.query("product_of_variant", sku=f"P{number()}-01"),
        "goes_with": lambda: g.query("goes_with", id=f"P{number()}"),
        "goes_with_this": lambda: g.query("goes_with_this", id=f"P{number()}"),
        "compatible_with": lambda: g.query("compatible_with", id=f"P{number()}"),
        "shelf": lambda: g.query("shelf", id=f"c{dice.randrange(LEAVES)}|||men"),
        "category": lambda: g.query("category", id=f"c{dice.randrange(LEAVES)}"),
        "category_children": lambda: g.query("category_children", id=f"r{dice.randrange(10)}"),
        "category_family": lambda: g.query("category_family", id=f"r{dice.randrange(10)}"),
        "brand": lambda: g.query("brand", id=f"b{dice.randrange(brands)}"),
        "policies_for": lambda: g.query(
            "policies_for", topic=f"t{dice.randrange(TOPICS)}", day=_DAY.isoformat(),
            scopes=scopes(),
        ),
        "policy": lambda: g.query("policy", id=f"rule{dice.randrange(200)}@1"),
        "promotions_for": lambda: g.query(
            "promotions_for", day=_DAY.isoformat(), scopes=scopes()
        ),
        "promotion": lambda: g.query("promotion", id=f"promo{dice.randrange(60)}"),
        "size_charts_of_category": lambda: g.query("size_charts_of_category", id="c0"),
        "faq": lambda: g.query("faq", id=f"f{dice.randrange(500)}"),
    }  # fmt: skip


def _reading(g: Graph, dice: random.Random, size: int, brands: int) -> dict[str, Ask]:
    """What actions call: one to four queries each."""
    index = faq.FaqIndex(g)

    def id() -> str:
        return f"P{dice.randrange(size)}"

    return {
        "resolve": lambda: policies.resolve(
            g, f"t{dice.randrange(TOPICS)}", _DAY, id(), {"reason": "quality"}
        ),
        "in_force": lambda: promotions.in_force(g, _DAY, id()),
        "search_category": lambda: catalogue.search(
            g, category=f"c{dice.randrange(LEAVES)}", audience="men", limit=5
        ),
        "search_brand": lambda: catalogue.search(g, brand=f"b{dice.randrange(brands)}", limit=5),
        "goes_with": lambda: catalogue.goes_with(g, id()),
        "same_series": lambda: catalogue.same_series(g, id()),
        "chart_for": lambda: sizes.chart_for(g, category="c1"),
        "faq": lambda: index.search(f"{dice.randrange(500)}号情况能退吗"),
    }


def _scans(g: Graph, dice: random.Random, size: int) -> dict[str, Ask]:
    """Queries that read a whole kind of node."""
    return {
        "search_text": lambda: catalogue.search(g, text=f"第{dice.randrange(size)}号"),
        "all_products": lambda: g.query("all_products"),
    }


async def _times(ask: Ask, rounds: int) -> list[float]:
    """Milliseconds of each of some calls, after a few to warm up."""
    for _ in range(min(_WARM, rounds)):
        await ask()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _percentiles(name: str, times: list[float]) -> list[Figure]:
    cuts = statistics.quantiles(times, n=20)
    return [(f"{name}_p50_ms", cuts[9], "ms"), (f"{name}_p95_ms", cuts[18], "ms")]


def main() -> None:
    """Print the figures as lines of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.graph", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=["ladybug"])
    options = parser.parse_args()
    for name, value, unit in figures(options.sizes, options.engines):
        print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)


if __name__ == "__main__":
    main()
