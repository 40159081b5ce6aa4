"""`python -m cdp platforms pull|state|click-url`: what ad and video platforms know."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import func, select

from cdp.platforms import NAMES, platform
from cdp.platforms.base import PlatformError
from cdp.platforms.sync import pull_orders, pull_spend
from cdp.platforms.tables import CursorRow, KeptRow, UnknownFieldRow
from cdp.platforms.tokens import TokenRow
from storage import read

HELP = "pull orders and spend from platforms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The steps and their options."""
    steps = parser.add_subparsers(dest="step", required=True)
    pull = steps.add_parser("pull", help="pull what is new")
    pull.add_argument("name", choices=sorted(NAMES))
    pull.add_argument("--only", choices=("orders", "spend"))
    steps.add_parser("state", help="how far each was read, and what nobody understood")
    link = steps.add_parser("click-url", help="the monitoring link to enter at the platform")
    link.add_argument("name", choices=sorted(NAMES))
    link.add_argument("base", help="this shop's public address, https://…")


def run(options: argparse.Namespace) -> int:
    """0, or 1 with one sentence on what was wrong."""
    if options.step == "state":
        return _state()
    chosen = platform(options.name)
    if options.step == "click-url":
        print(chosen.click_url(options.base))
        return 0
    try:
        for name, pull in (("orders", pull_orders), ("spend", pull_spend)):
            if options.only in (None, name):
                print(f"{name}: {pull(chosen)}")
    except PlatformError as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return 1
    return 0


def _state() -> int:
    with read() as session:
        for row in session.scalars(select(CursorRow)):
            print(f"{row.platform} {row.stream}: {row.cursor} (version {row.version})")
        for row in session.scalars(select(TokenRow)):
            print(f"{row.name}: token renewed {row.renewed_at}, good until {row.expires_at} (UTC)")
        for row in session.scalars(select(UnknownFieldRow)):
            print(f"{row.platform} {row.stream} {row.version}: field {row.field} ×{row.count}")
        kept = select(KeptRow.platform, KeptRow.stream, KeptRow.type, func.count())
        for row in session.execute(kept.group_by(KeptRow.platform, KeptRow.stream, KeptRow.type)):
            print(f"{row[0]} {row[1]}: {row[3]} kept of the unknown type {row[2]!r}")
    return 0
