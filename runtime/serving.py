"""What servers do at their start: quiet logs, one sentence when something is in the way."""

from __future__ import annotations

import gc
import logging
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import yaml

from connectors import manifest

if TYPE_CHECKING:
    from sanic import Sanic

logger = logging.getLogger(__name__)

_LOUD = (
    "rasa",
    "rasa_sdk",
    "sanic",
    "sanic.root",
    "sanic.error",
    "alembic",
    "apscheduler",
    "httpx",
    "matplotlib",
    "urllib3",
)


class Unable(RuntimeError):
    """The process cannot start; its message is the one sentence to show."""


def quiet_logs() -> None:
    """Our own events at INFO, everyone else's from WARNING on, one line each on stderr."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Rasa's second kind of log; unset, it prints every debug event, and with an exception the
    # values of all variables, shoppers' data among them.
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[structlog.processors.add_log_level, plain],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def refuse_taken_port(host: str, port: int) -> None:
    """Find out that the port is taken before the model is loaded.

    Raises:
        Unable: something else listens there, or the address is not this machine's.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unable(
                f"{host}:{port} cannot be listened on ({error.strerror}): stop what uses it, or "
                f"choose another with --port"
            ) from error


def channels_on(credentials: Path) -> dict[str, dict | None]:
    """Of the channels that a credentials file names, those of vendors that are configured: what it
    says to each, by the dotted path of its class.

    Raises:
        Unable: the file cannot be read.
    """
    try:
        named = yaml.safe_load(credentials.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unable(f"{credentials}: {' '.join(str(error).split())}") from error
    on = {
        told.path(folder, channel)
        for folder in manifest.folders()
        # Only vendors call, and want to hear soon that we have heard.
        if (told := manifest.of_folder(folder)).limits.acknowledge_seconds
        for channel in told.channels
        if not told.unset(channel)
    }
    return {path: told for path, told in named.items() if path in on}


def without_cors(app: Sanic) -> None:
    """Take out what lets other sites' pages ask Rasa's applications: here none may, and it looks
    at every request and answer only to find that out."""

    # It is put there as the server starts.
    @app.listener("before_server_start")
    async def take_out(app: Sanic, _loop) -> None:
        for chain in (app.request_middleware, app.response_middleware):
            for one in [one for one in chain if one.__module__.startswith("sanic_cors")]:
                chain.remove(one)


def serve(app: Sanic, name: str, host: str, port: int, begun: float) -> None:
    """Serve until SIGINT or SIGTERM; the log says `name`.ready, and how long after `begun` (s, of
    the monotonic clock)."""

    @app.listener("after_server_start")
    async def ready(_app, _loop) -> None:
        # What was loaded stays: no collection of garbage need walk through it again.
        gc.collect()
        gc.freeze()
        took = time.monotonic() - begun
        logger.info("%s.ready address=http://%s:%d after_s=%.1f", name, host, port, took)

    app.run(host, port, access_log=False, motd=False)
