"""The database's commands: `python -m storage --help`."""

from __future__ import annotations

import argparse
import sys

from storage import migrate


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 if `check` finds a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m storage", description="Migrations of the database (DATABASE_URL)."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("upgrade", help="bring the tables up to date")
    commands.add_parser("check", help="compare the tables with what the code declares")
    new = commands.add_parser("revision", help="write a migration for what has changed in the code")
    new.add_argument("message")
    options = parser.parse_args(arguments)
    if options.command == "revision":
        migrate.revision(options.message)
        return 0
    migrate.upgrade()
    found = migrate.differences() if options.command == "check" else []
    for difference in found:
        print(difference, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
