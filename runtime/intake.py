"""The vendors' webhooks in a process of their own: acknowledged in time however busy Rasa is.

    python -m runtime.intake [--host 127.0.0.1] [--port 5006] [--credentials credentials.yml]

It is the outer half of the vendors' path (`connectors.vendor`) and imports nothing of Rasa, so it
is up within seconds, and goes on while the Rasa server is away. It serves the channels that are
configured, and their outboxes. The Rasa server does the rest, and tells and is told where to look;
it has to know of the intake (`QUDAO_INTAKE_URL`), or it takes the webhooks itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

from sanic import Sanic, response
from sqlalchemy.orm import configure_mappers

from connectors.notices import Notices, receive
from connectors.vendor import VendorInput
from runtime.guard import guard, is_public
from runtime.serving import Unable, channels_on, quiet_logs, refuse_taken_port, serve
from storage.secrets import MissingSecret, secret

# Vendors call again and again.
KEEP_ALIVE_SECONDS = 75


def build_app(credentials: Path, token: str, rasa: str) -> Sanic:
    """The application; `rasa`: where the Rasa server is told of what was kept.

    Raises:
        Unable: no channel is configured, or one cannot be made.
    """
    channels = [_made(path, told) for path, told in channels_on(credentials).items()]
    if not channels:
        raise Unable("no vendor's channel is configured; docs/channels.md has their variables")
    app = Sanic("qudao_intake", configure_logging=False)
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_SECONDS
    quiet_logs()
    guard(app, token, is_public)
    notices = Notices(rasa, token)
    for channel in channels:
        channel.other = notices
        prefix = f"/webhooks/{channel.url_prefix()}"
        app.blueprint(channel.blueprint(None), url_prefix=prefix)
    receive(app, {channel.name(): channel.told for channel in channels})

    @app.listener("before_server_start")
    async def warm(_app, _loop) -> None:
        # Else the first requests wait for it, and by then many may.
        await asyncio.to_thread(configure_mappers)

    @app.get("/healthz")
    async def healthz(_request):
        return response.json({"status": "ok", "channels": [one.name() for one in channels]})

    return app


def _made(path: str, told: dict | None) -> VendorInput:
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name).from_credentials(told)
    except (ImportError, AttributeError, ValueError) as error:
        raise Unable(f"{path}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 1 and one sentence if it cannot."""
    begun = time.monotonic()
    options = _options(arguments)
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    warnings.simplefilter("ignore", DeprecationWarning)
    quiet_logs()
    try:
        refuse_taken_port(options.host, options.port)
        app = build_app(options.credentials, secret("RASA_TOKEN"), options.rasa)
    except (Unable, MissingSecret) as error:
        print(f"intake: {error}", file=sys.stderr)
        return 1

    serve(app, "intake", options.host, options.port, begun)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m runtime.intake", description=__doc__)
    port = os.environ.get("QUDAO_RASA_PORT") or "5005"
    rasa = os.environ.get("QUDAO_RASA_URL") or f"http://127.0.0.1:{port}"
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5006)
    parser.add_argument("--credentials", type=Path, default=Path("credentials.yml"))
    parser.add_argument("--rasa", default=rasa, help="where the Rasa server is")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
