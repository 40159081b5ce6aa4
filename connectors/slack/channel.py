"""Slack: the Events API and buttons; direct messages, mentions, and threads that began with one.

Slack waits three seconds for an answer, which is given as soon as a message is kept; what Rasa
answers goes by `chat.postMessage` from the outbox.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from sanic import Blueprint, Request, response
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from cdp.messages import addresses
from cdp.messages.outbox import Outgoing
from connectors import plain, rooms
from connectors.sender import NotSent, Refused
from connectors.slack import blocks, payloads
from connectors.slack.payloads import Address
from connectors.vendor import Incoming, VendorInput

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 8
_OFF = "the channel is off"
# Errors after which there is nobody to write to.
_CLOSED = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "account_inactive", "user_not_found"}
)
_LATER = frozenset({"ratelimited", "rate_limited", "service_unavailable", "internal_error"})


@dataclass(frozen=True)
class App:
    """An app in one workspace: its signing secret, its bot token, and its own id."""

    secret: str
    token: str
    app_id: str | None = None
    api: str = "https://slack.com/api/"

    @classmethod
    def from_environment(cls) -> App | None:
        """From `SLACK_SIGNING_SECRET`, `SLACK_BOT_TOKEN` and `SLACK_APP_ID` (which only then is
        looked at); None if the first two are not set."""
        secret, token = os.environ.get("SLACK_SIGNING_SECRET"), os.environ.get("SLACK_BOT_TOKEN")
        if not secret or not token:
            return None
        api = os.environ.get("SLACK_API_URL") or cls.api
        return cls(secret, token, os.environ.get("SLACK_APP_ID") or None, api)


class NotGenuine(Exception):
    """The request is not Slack's, not fresh, or of another app."""


class SlackInput(VendorInput):
    """The channel `slack`; without an app it is off and refuses everything."""

    identifier = "slack_id"

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/slack`."""
        return "slack"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> SlackInput:
        """Read the app from the environment (`App.from_environment`)."""
        return cls(App.from_environment())

    def __init__(self, app: App | None) -> None:
        super().__init__()
        self._app = app
        self._verifier = SignatureVerifier(app.secret) if app else None
        self._web: AsyncWebClient | None = None
        if app is None:
            self.off()

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check, events, and interactivity."""
        routes = Blueprint("slack_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok" if self._app else "off"})

        @routes.route("/webhook", methods=["POST"])
        async def webhook(request: Request):
            return await self._webhook(request)

        self.listen(routes, on_new_message)

        @routes.listener("before_server_start")
        async def connect(_app, _loop) -> None:
            if self._app:
                # Its own retries know nothing of the outbox.
                self._web = AsyncWebClient(
                    self._app.token,
                    base_url=self._app.api,
                    timeout=TIMEOUT_SECONDS,
                    retry_handlers=[],
                )

        return routes

    async def _webhook(self, request: Request):
        try:
            self._verify(request)
            told = _read(request)
            if told.get("type") == "url_verification":
                return response.text(str(told.get("challenge", "")))
            if self._app.app_id and told.get("api_app_id") != self._app.app_id:
                raise NotGenuine("api_app_id is another app's")
            incoming = await self._incoming(told)
        except NotGenuine as refused:
            logger.warning("slack.request.refused reason=%s", refused)
            return response.text("not from Slack", 403)
        except ValueError as refused:
            logger.warning("slack.request.malformed reason=%s", refused)
            return response.text("the request cannot be read", 400)
        try:
            if incoming is not None:
                await self.take(incoming)
        except SQLAlchemyError:
            logger.exception("slack.message.not_kept")
            return response.text("not now", 503)
        return response.text("")

    def _verify(self, request: Request) -> None:
        if self._verifier is None:
            raise NotGenuine(_OFF)
        told = {name: request.headers.get(name, "") for name in ("x-slack-signature", _STAMP)}
        stamp = told[_STAMP]
        plain_stamp = stamp.isascii() and stamp.isdigit()
        readable = all(value.isascii() for value in told.values())
        if not (plain_stamp and readable and self._verifier.is_valid_request(request.body, told)):
            raise NotGenuine("the signature is missing, wrong or older than five minutes")

    async def _incoming(self, told: dict) -> Incoming | None:
        if told.get("type") == "event_callback":
            if (told.get("event") or {}).get("type") in ("app_uninstalled", "tokens_revoked"):
                logger.warning("slack.app.removed team=%.20s", told.get("team_id"))
            return await asyncio.to_thread(payloads.of_event, told, self._is_ours)
        return payloads.of_action(told)

    def _is_ours(self, address: str) -> bool:
        return bool(rooms.history(self.conversation(address), limit=1))

    async def deliver(self, message: Outgoing) -> str | None:
        """By `chat.postMessage`; see `VendorInput.deliver`."""
        if self._web is None:
            raise Refused(_OFF)
        to = Address.read(message.address)
        text = message.body.get("text") or plain.as_text(message.body)
        try:
            told = await self._web.chat_postMessage(
                channel=to.channel,
                thread_ts=to.thread or None,
                # What is read out, and shown in a notification.
                text=blocks.escaped(text[: blocks.MOST_TEXT]),
                blocks=blocks.blocks_of(message.body),
                unfurl_links=False,
            )
        except SlackApiError as error:
            raise await self._failed(error, message.address) from error
        except aiohttp.ClientConnectorError as error:
            raise NotSent(type(error).__name__) from error
        return told["ts"]

    async def _failed(self, error: SlackApiError, address: str) -> Exception:
        name = str(error.response.get("error") or error.response.status_code)
        if name in _LATER or error.response.status_code == 429:
            seconds = error.response.headers.get("Retry-After") or "1"
            return NotSent(name, timedelta(seconds=int(seconds)))
        if name in _CLOSED:
            await asyncio.to_thread(addresses.close, self.name(), address)
        return Refused(name)


_STAMP = "x-slack-request-timestamp"


def _read(request: Request) -> dict:
    """The JSON of an event, or of an interaction's field `payload`."""
    try:
        text = request.body.decode()
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text).get("payload", [""])[0]
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the body: expected JSON") from None
    if not isinstance(told, dict):
        raise ValueError("the body: expected an object")
    return told
