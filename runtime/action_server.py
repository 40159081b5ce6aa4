"""The action server: rasa-sdk's own application, on loopback and behind a token.

    python -m runtime.action_server [--actions actions] [--host 127.0.0.1] [--port 5055]

rasa-sdk alone listens on every address and executes whatever tracker it is sent. Here every path
but `/health` wants `QUDAO_ACTION_TOKEN`, and the first shopper does not wait for the graph to open.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import sys
import time

from rasa_sdk.endpoint import create_app
from sanic import Sanic

from runtime.guard import guard
from runtime.serving import Unable, quiet_logs, refuse_taken_port, serve, without_cors
from storage import create_tables
from storage.secrets import MissingSecret, secret

logger = logging.getLogger("runtime.action_server")


def build_app(package: str, token: str) -> Sanic:
    """rasa-sdk's application for the actions of `package`, guarded.

    Raises:
        Unable: the package, or something it needs, cannot be imported.
    """
    try:
        app = create_app(package, cors_origins="")
    except ImportError as error:
        raise Unable(f"actions package {package!r}: cannot be imported ({error})") from error
    without_cors(app)
    # Longer than the assistant keeps a connection, so that none closes under a call.
    app.config.KEEP_ALIVE_TIMEOUT = 75
    guard(app, token, lambda path: path == "/health")

    @app.listener("before_server_start")
    async def prepare(_app, _loop) -> None:
        await asyncio.to_thread(create_tables)
        await _warm(package)

    return app


async def _warm(package: str) -> None:
    # The actions answer honestly while the graph is away, so that is no reason not to start.
    try:
        await importlib.import_module(f"{package}.knowledge").warm()
    except Exception as error:
        logger.warning("actions.graph.unavailable reason=%s", error)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 1 and one sentence if it cannot."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m runtime.action_server", description=__doc__)
    parser.add_argument("--actions", default="actions", help="package of the actions")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5055)
    options = parser.parse_args(arguments)
    quiet_logs()
    try:
        refuse_taken_port(options.host, options.port)
        app = build_app(options.actions, secret("QUDAO_ACTION_TOKEN"))
    except (Unable, MissingSecret) as error:
        print(f"action server: {error}", file=sys.stderr)
        return 1

    serve(app, "actions", options.host, options.port, begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
