"""`python -m cdp.backup backup [FILE]` and `… restore FILE`, even where no database can be opened.

`python -m cdp backup` and `restore` are the same, but bring the tables up to date first.
"""

from __future__ import annotations

import argparse
import sys

from cdp.commands import backup, restore


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cdp.backup")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, module in (("backup", backup), ("restore", restore)):
        own = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
