"""How fast the knowledge graph is: import, size, memory, and every query, on either engine.

    python -m bench.graph --sizes 1000 10000 --engines ladybug neo4j

Figures are lines of JSON: {"name": "graph.ladybug.keyed_p95_ms.1000", "value": …, "unit": "ms"}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import graph_queries, linking
from bench.graph_queries import Ask
from bench.shops import frame, write_feed
from kg import releases
from kg.feeds.merge import read_feed
from kg.graph import open_graph
from kg.neo4j_server.launcher import Neo4jServer

Figure = tuple[str, float, str]

ENGINES = ("ladybug", "neo4j")
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
            with tempfile.TemporaryDirectory() as home, _environment(engine, Path(home)) as server:
                for name, value, unit in _measure(Path(home), size, server):
                    yield f"graph.{engine}.{name}.{size}", round(value, 3), unit
                if engine == "ladybug":
                    for name, value, unit in linking.figures():
                        yield f"nlu.{name}.{size}", round(value, 3), unit


@contextmanager
def _environment(engine: str, home: Path) -> Iterator[Neo4jServer | None]:
    """Point the graph to an empty place of its own; a Neo4j is started for its figures."""
    kept = {name: os.environ.get(name) for name in ("QUDAO_VAR", "NEO4J_URI")}
    jars = Path(kept["QUDAO_VAR"] or "var") / "neo4j"
    os.environ["QUDAO_VAR"] = str(home)
    os.environ.pop("NEO4J_URI", None)
    try:
        if engine == "neo4j":
            with Neo4jServer(jars, data=home / "neo4j-data") as server:
                os.environ["NEO4J_URI"] = server.uri
                yield server
        else:
            yield None
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _measure(home: Path, size: int, server: Neo4jServer | None) -> Iterator[Figure]:
    """Import in a process of its own, whose memory is then its own too, and read in this one."""
    with multiprocessing.get_context("spawn").Pool(1) as importer:
        yield from importer.apply(_import, (home / "feed.csv", size))
    stored = [home / "neo4j-data"] if server else list(home.rglob("graph.lbug"))
    yield "store_mib", sum(map(_bytes, stored)) / _MEBIBYTE, "MiB"
    yield from asyncio.run(_queries(size))
    if server:
        held = psutil.Process(server.pid).memory_info().rss
        yield "server_mib", held / _MEBIBYTE, "MiB"


def _import(feed: Path, size: int) -> list[Figure]:
    write_feed(feed, size, _brands(size))
    base = frame(_brands(size))
    start = time.perf_counter()
    content, _ = read_feed(feed, "csv", base)
    read = time.perf_counter()
    releases.publish(content)
    end = time.perf_counter()
    return [
        ("feed_read_s", read - start, "s"),
        ("import_s", end - start, "s"),
        ("import_peak_mib", _peak() / _MEBIBYTE, "MiB"),
    ]


def _peak() -> int:
    """The most bytes that this process ever held.

    Not `ru_maxrss`: a new process starts with that of the one which made it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    held = next(line for line in lines if line.startswith("VmHWM:"))
    return int(held.split()[1]) * 1024


def _brands(size: int) -> int:
    return max(5, min(200, size // 50))


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


async def _queries(size: int) -> list[Figure]:
    graph = open_graph()
    dice = random.Random(7)
    brands = _brands(size)
    found: list[Figure] = []
    try:
        keyed: list[float] = []
        for name, ask in graph_queries.keyed(graph, dice, size, brands).items():
            times = await _times(ask, _ROUNDS)
            keyed += times
            found += _percentiles(f"query.{name}", times)
        found += _percentiles("keyed", keyed)
        for name, ask in graph_queries.reading(graph, dice, size, brands).items():
            found += _percentiles(f"read.{name}", await _times(ask, _ROUNDS))
        for name, ask in graph_queries.scans(graph, dice, size).items():
            found += _percentiles(f"scan.{name}", await _times(ask, _SCAN_ROUNDS))
    finally:
        await graph.close()
    return found


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
