"""`python -m web`: serve the application on loopback; `python -m web users …`: the console's."""

from __future__ import annotations

import argparse
import sys

import uvicorn

from web.app import create_app
from web.commands import users
from web.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted (port: `QUDAO_WEB_PORT`), or do what a command says."""
    parser = argparse.ArgumentParser(prog="python -m web", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    users.add_arguments(commands.add_parser("users", help=users.HELP))
    options = parser.parse_args(arguments)
    if options.command == "users":
        return users.run(options)
    serve()
    return 0


def serve() -> None:
    """Serve until interrupted."""
    settings = Settings.from_env()
    # No access log: it would keep addresses, search words and click ids.
    uvicorn.run(
        create_app(settings, working=True),
        host="127.0.0.1",
        port=settings.port,
        server_header=False,
        access_log=False,
    )


if __name__ == "__main__":
    sys.exit(main())
