"""The demo shop's command: `python -m shop seed [--reset]`."""

from __future__ import annotations

import argparse

from shop import demo


def main() -> None:
    """Seed the demo shop."""
    parser = argparse.ArgumentParser(prog="python -m shop", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    seed = commands.add_parser("seed", help="write the demo shop's offers and orders")
    seed.add_argument("--reset", action="store_true", help="drop what is there first")
    arguments = parser.parse_args()
    offers, orders = demo.seed(reset=arguments.reset)
    print(f"demo shop: {offers} offers and {orders} orders written")


if __name__ == "__main__":
    main()
