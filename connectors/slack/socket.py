"""Slack's Socket Mode: what it tells comes over a connection opened from here.

docs.slack.dev/apis/events-api/using-socket-mode. The library keeps the connection alive and opens
another when Slack asks for it, or when it breaks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from connectors.slack.app import App, NotGenuine

logger = logging.getLogger(__name__)

TYPES = ("events_api", "interactive", "slash_commands")
TIMEOUT_SECONDS = 8
TICKET_SECONDS = 20
# How soon a broken connection is noticed.
PING_SECONDS = 5

Hear = Callable[[dict], Awaitable["dict | None"]]


class _Terse(logging.LoggerAdapter):
    """What the library says in one line: it tries again every few seconds."""

    def process(self, msg, kwargs):
        return msg, {**kwargs, "exc_info": None}


class _Client(SocketModeClient):
    """Asks for a new address after a while of failing: one is good for half a minute, and the
    library would try the same one for ever."""

    async def connect(self) -> None:
        while not self.closed:
            try:
                return await asyncio.wait_for(super().connect(), TICKET_SECONDS)
            except asyncio.TimeoutError:
                self.wss_uri = None


class Socket:
    """`hear` keeps what was told and says what it is answered with; it is acknowledged only then,
    so that Slack brings again what could not be kept."""

    def __init__(self, app: App, hear: Hear) -> None:
        self._app = app
        self._hear = hear
        self._client: SocketModeClient | None = None
        self._connecting: asyncio.Task | None = None

    def start(self) -> None:
        """Begin to connect; nobody waits for Slack."""
        web = AsyncWebClient(base_url=self._app.api, timeout=TIMEOUT_SECONDS)
        self._client = _Client(
            self._app.app_token,
            logger=_Terse(logger, {}),
            web_client=web,
            ping_interval=PING_SECONDS,
        )
        self._client.socket_mode_request_listeners.append(self._told)
        self._connecting = asyncio.create_task(self._client.connect())

    async def stop(self) -> None:
        """Close the connection; Slack brings what was not acknowledged to the next one."""
        self._connecting.cancel()
        with suppress(asyncio.CancelledError):
            await self._connecting
        await self._client.close()

    async def _told(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        if request.type not in TYPES:
            logger.info("slack.socket.ignored type=%.40s", request.type)
            return
        answer = None
        try:
            answer = await self._hear(request.payload)
        except SQLAlchemyError:
            logger.exception("slack.message.not_kept")
            return
        except (NotGenuine, ValueError) as refused:
            # It would be no better the next time.
            logger.warning("slack.request.refused reason=%s", refused)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))
