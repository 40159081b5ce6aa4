"""`python -m cdp <command>`: what an operator does with customer data from the command line.

Each file of `cdp/commands/` is a command: `HELP` (one line), `add_arguments(parser)` and
`run(options) -> int` (the exit code).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from storage import create_tables
from storage.secrets import MissingSecret

COMMANDS = Path(__file__).parent / "commands"


def names() -> list[str]:
    """The commands there are."""
    return sorted(path.stem for path in COMMANDS.glob("*.py") if not path.stem.startswith("_"))


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code, 2 if the call was wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m cdp", description="Customer data.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    # Only the command that was asked for is loaded in full: some bring large libraries.
    wanted = next((one for one in arguments if not one.startswith("-")), None)
    loaded = names() if wanted not in names() else [wanted]
    for name in loaded:
        module = importlib.import_module(f"cdp.commands.{name}")
        own = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        create_tables()
        return options.run(options)
    except MissingSecret as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
