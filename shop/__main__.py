"""The shop's commands: `python -m shop --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kg.errors import GraphError
from shop import demo, events, feed_offers, orders
from storage import create_tables


class UnknownOrder(LookupError):
    """No order of that number is in the state that the command needs."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it should, 1 when not (the reason is on stderr)."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (GraphError, OSError, UnknownOrder) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shop", description="Fill the shop: the demonstration's, or your own."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("seed", help="write the demo shop's offers and orders")
    command.add_argument("--reset", action="store_true", help="drop what is there first")
    command.set_defaults(run=_seed)

    command = commands.add_parser(
        "offers",
        help="take up the prices and stock of a feed",
        description="Take up the prices and stock that `python -m kg import` kept beside a "
        "version, or those of a file of the same form (JSON lines). A file with a fault in it "
        "changes nothing; taken up twice it changes nothing the second time.",
    )
    source = command.add_mutually_exclusive_group()
    source.add_argument("file", type=Path, nargs="?", help="default: that of the version")
    source.add_argument("--version", help="default: the version in force")
    command.set_defaults(run=_offers)

    command = commands.add_parser("refund", help="pay back a refund that is under way")
    command.add_argument("order", help="the order's number, such as QD2026110006")
    command.set_defaults(run=_refund)
    return parser


def _seed(options: argparse.Namespace) -> None:
    offers, orders = demo.seed(reset=options.reset)
    print(f"demo shop: {offers} offers and {orders} orders written")


def _refund(options: argparse.Namespace) -> None:
    create_tables()
    number = options.order.strip().upper()
    if not orders.refund(number):
        raise UnknownOrder(f"order {number!r}: expected one whose refund is under way")
    events.drain()
    print(f"order {number}: paid back and closed")


def _offers(options: argparse.Namespace) -> None:
    path = options.file or feed_offers.offers_of(options.version)
    loaded = feed_offers.load(path)
    print(
        f"prices and stock of {path}: {loaded.new} variants new, {loaded.changed} changed, "
        f"{loaded.same} as they were"
    )
    if loaded.removed:
        print(f"{loaded.removed} of variants that are no more were removed")
    if loaded.unknown_stock:
        print(f"{loaded.unknown_stock} came without a stock: sold out until one is told")


if __name__ == "__main__":
    sys.exit(main())
