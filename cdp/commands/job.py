"""`python -m cdp job NAME`: run one scheduled job if it is due, giving way to others.

`python -m cdp work` and the web application start it for jobs that compute for long.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

from cdp import jobs, pipeline
from storage import create_tables

HELP = "run one scheduled job if it is due"
_GIVES_WAY = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's name."""
    parser.add_argument("name", help="such as lake.flush")
    parser.add_argument("--attached", action="store_true", help="end as soon as the input ends")


def run(options: argparse.Namespace) -> int:
    """Run it; 0, or 2 if there is no such job."""
    if options.attached:
        threading.Thread(target=_end_with_the_other, daemon=True).start()
    os.nice(_GIVES_WAY)
    pipeline.load_jobs()
    create_tables()
    try:
        jobs.run_if_due(options.name)
    except jobs.UnknownJob as error:
        print(error.args[0], file=sys.stderr)
        return 2
    return 0


def _end_with_the_other() -> None:
    # Not by `sys.stdin`, whose lock the end of this process would wait for.
    while os.read(0, 1):
        pass
    os._exit(1)
