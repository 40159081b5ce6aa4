"""All benchmarks, or one of `PARTS`: `python -m bench [--only PART]`.

Figures are printed and written to `bench/results/<date>.jsonl`; `python -m bench.table` makes the
README's table of the newest. Understanding is measured on rows of your own (`--data`, a CSV with
the columns text and intent), so it runs only when they are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.results import Figure, record

PARTS = ("assistant", "graph", "events", "channels", "understanding", "nlu")
GRAPH_SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--seconds", type=float, default=10.0, help="of load for each number")
    parser.add_argument("--engines", nargs="+", default=["ladybug", "neo4j"])
    parser.add_argument("--sizes", nargs="+", type=int, default=GRAPH_SIZES, help="products")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--events", type=int, default=1_000_000, help="stored, at the most")
    parser.add_argument("--kills", type=int, default=100, help="of the intake under load")
    parser.add_argument("--webhooks", type=int, default=10_000, help="of each vendor")
    parser.add_argument("--vendors", nargs="+", default=["wechat", "wecom", "slack"])
    parser.add_argument("--data", type=Path, help="labelled rows for nlu")
    options = parser.parse_args()
    for line in record(_figures(options)):
        print(f"{line['name']:45} {line['value']:>12,} {line['unit']}", flush=True)
    if options.data and options.only in (None, "nlu"):
        from bench import nlu

        nlu.main(["--data", str(options.data), "--stock"])


def _figures(options: argparse.Namespace) -> Iterator[Figure]:
    # Each part is imported when it is measured: it brings a process's worth of libraries.
    if options.only in (None, "assistant"):
        from bench import assistant

        yield from assistant.figures(options.seconds)
    if options.only in (None, "graph"):
        from bench import graph

        yield from graph.figures(options.sizes, options.engines)
    if options.only in (None, "events"):
        from bench import events

        yield from events.figures(options.seconds, options.databases, options.events, options.kills)
    if options.only in (None, "channels"):
        from bench import channels

        yield from channels.figures(options.webhooks, options.vendors)
    if options.only in (None, "understanding"):
        from bench import answers, variants

        yield from answers.figures()
        yield from ((f"nlu.{name}", value, unit) for name, value, unit in variants.figures())


if __name__ == "__main__":
    main()
