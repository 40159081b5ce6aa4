"""Rasa's HTTP application: its channels, its API behind our token, and a live agent.

Importing this imports Rasa's server; `runtime.server` first decides whether TensorFlow comes too.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.exposition import generate_latest
from rasa.core.brokers.broker import EventBroker
from rasa.core.run import configure_app, create_http_input_channels
from rasa.core.utils import AvailableEndpoints
from rasa.shared.exceptions import RasaException
from sanic import Sanic, response

from connectors.notices import Notices, receive
from connectors.translation.metrics import Translations
from connectors.vendor import VendorInput
from runtime.agent import load_agent
from runtime.erasures import Erasures
from runtime.guard import guard, is_public
from runtime.serving import Unable, channels_on, quiet_logs, without_cors


def build_app(model: Path, endpoints_file: Path, credentials: Path, token: str) -> Sanic:
    """The application, its model loaded.

    Raises:
        Unable: the model, the endpoints or a channel cannot be loaded.
    """
    endpoints = _read_endpoints(endpoints_file)
    channels = _channels(credentials)
    apart = _apart(channels, credentials, token)
    # The guard covers all of Rasa's routes, so Rasa's own check (?token= only) stays out of it.
    app = configure_app(channels, cors=[], enable_api=True, endpoints=endpoints)
    without_cors(app)
    quiet_logs()
    guard(app, token, is_public)
    if apart:
        receive(app, {channel.name(): channel.told for channel in apart})
    app.ctx.agent = load_agent(model, endpoints)

    @app.get("/healthz")
    async def healthz(_request):
        # A provider that rests is no reason to restart: native languages do without.
        translation = app.ctx.agent.translator.health()
        told = {"status": "ok", **({"translation": translation} if translation else {})}
        return response.json(told)

    figures = CollectorRegistry()
    ProcessCollector(registry=figures)
    figures.register(Translations(app.ctx.agent.translator))

    @app.get("/metrics")
    async def metrics(_request):
        return response.raw(generate_latest(figures), content_type=CONTENT_TYPE_LATEST)

    @app.listener("before_server_start")
    async def connect(app, loop) -> None:
        broker = await EventBroker.create(endpoints.event_broker, loop=loop)
        if broker is None and endpoints.event_broker is not None:
            # Rasa itself only warns, and all that is said would be lost to customer data.
            raise Unable(f"event_broker {endpoints.event_broker.type!r}: it cannot be made")
        app.ctx.agent.tracker_store.event_broker = broker

    @app.listener("after_server_start")
    async def watch_erasures(app, _loop) -> None:
        app.ctx.erasures = Erasures(app.ctx.agent)
        app.ctx.erasures.start()

    @app.listener("before_server_stop")
    async def leave_erasures(app, _loop) -> None:
        await app.ctx.erasures.stop()

    @app.listener("after_server_stop")
    async def close(app, _loop) -> None:
        await app.ctx.agent.close()

    return app


def _read_endpoints(path: Path) -> AvailableEndpoints:
    try:
        return AvailableEndpoints.read_endpoints(str(path))
    except RasaException as error:
        raise Unable(f"{path}: {error}") from error


def _channels(path: Path) -> list:
    try:
        return create_http_input_channels(None, str(path))
    except (RasaException, ValueError) as error:
        # Rasa reports an import error inside a channel as an unknown channel: show the cause.
        reason = error.__context__ or error
        raise Unable(f"{path}: {reason}") from error


def _apart(channels: list, credentials: Path, token: str) -> list[VendorInput]:
    """The channels whose webhooks the intake takes (`runtime.intake`), if there is one."""
    intake = os.environ.get("QUDAO_INTAKE_URL")
    if not intake:
        return []
    paths, notices = channels_on(credentials), Notices(intake, token)
    apart = [one for one in channels if f"{type(one).__module__}.{type(one).__name__}" in paths]
    for channel in apart:
        channel.other = notices
    return apart
