"""`python -m cdp spend import FILE…`: what advertising cost, from exports of the platforms."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cdp import spend

HELP = "take in what advertising cost, by channel, campaign and day"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The steps and their options."""
    steps = parser.add_subparsers(dest="step", required=True)
    take = steps.add_parser("import", help="CSV files; amounts replace those of the same days")
    take.add_argument("paths", nargs="+", type=Path)
    take.add_argument("--channel", help="the channel of files that have no such column")
    take.add_argument("--add", action="store_true", help="add to what is there, instead")


def run(options: argparse.Namespace) -> int:
    """0, or 1 with every fault of the first file that has any."""
    for path in options.paths:
        try:
            done = spend.import_csv(path, options.add, options.channel)
        except (spend.InvalidSpend, OSError) as error:
            for line in str(error).splitlines():
                print(f"{path}: {line}", file=sys.stderr)
            return 1
        amounts = ", ".join(
            f"{cents / 100:,.2f} {code}" for code, cents in sorted(done.total_cents.items())
        )
        print(f"{path}: {done.rows} rows ({done.new} new, {done.changed} changed), {amounts}")
    return 0
