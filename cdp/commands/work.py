"""`python -m cdp work`: process accepted events in a process of its own, or what is pending."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time

from cdp import pipeline
from storage import create_tables

_COLLECT = (20_000, 20, 50)

HELP = "process accepted events into people, profiles and tags (the web application does it too)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--once", action="store_true", help="end when nothing is pending")
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="first take up again the events that could not be processed",
    )


def run(options: argparse.Namespace) -> int:
    """Work until a signal ends it, or (`--once`) until nothing is pending; the exit status."""
    pipeline.load_jobs()
    create_tables()
    if options.retry_failed:
        print(f"{pipeline.retry_failed():,} events taken up again", file=sys.stderr)
    spare_collector()
    if options.once:
        return _drain()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pipeline.ask_to_stop())
    pipeline.run()
    return 0


def spare_collector() -> None:
    """Let the collector of what refers to itself look less often.

    What has been imported stays: it need not be looked through again and again; nor need each
    batch a hundred times, whose many small objects go by themselves at its end.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT)


def _drain() -> int:
    started, total = time.monotonic(), 0
    while done := pipeline.run_once():
        total += done
    spent = max(time.monotonic() - started, 1e-6)
    print(f"{total:,} events in {spent:.1f} s ({total / spent:,.0f}/s)", file=sys.stderr)
    return 0
