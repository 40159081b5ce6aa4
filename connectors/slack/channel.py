"""Slack: direct messages, mentions and threads that began with one, buttons, slash commands.

They come by the Events API or, without an address of our own, by Socket Mode. Slack waits three
seconds for an answer, which is given as soon as a message is kept; what Rasa answers goes by
`chat.postMessage` from the outbox, with the token of the workspace it goes to.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from sanic import Blueprint, Request, response
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from cdp.keys import UnknownKey
from cdp.messages import addresses, outbox
from cdp.messages.outbox import Outgoing
from connectors import plain, rooms
from connectors.fixed_words import CHINESE, language_of, words
from connectors.sender import NotSent, Refused
from connectors.slack import blocks, installs, payloads
from connectors.slack.app import App, NotGenuine, reason_of
from connectors.slack.oauth import add_pages
from connectors.slack.payloads import Address
from connectors.slack.socket import Socket
from connectors.slack.tokens import Tokens
from connectors.vendor import VendorInput
from storage import utc_now

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 8
# Of the three seconds that Slack waits for the answer to a command.
OPENING_SECONDS = 2
IN_PRIVATE, NOT_OPENED = "in_private", "not_opened"
# Errors after which there is nobody to write to.
_CLOSED = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "account_inactive", "user_not_found"}
)
# Errors after which a token will never do again.
_ENDED = frozenset({"account_inactive", "token_revoked"})
_LATER = frozenset(
    {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "token_expired"}
)
# "It's possible some aspect of the operation succeeded."
_PERHAPS = frozenset({"internal_error", "fatal_error"})
_NOT_NOW = (SlackApiError, NotSent, UnknownKey, aiohttp.ClientError, asyncio.TimeoutError)
_STAMP = "x-slack-request-timestamp"


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
        self._verifier = SignatureVerifier(app.secret) if app and app.secret else None
        self._http: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        self._tokens: Tokens | None = None
        self._socket: Socket | None = None
        # Until when (monotonic) Slack takes nothing in a channel.
        self._full: dict[str, float] = {}
        # What came that is known and no message, by its type.
        self.ignored: Counter[str] = Counter()
        if app is None:
            self.off()

    def add_routes(self, routes: Blueprint) -> None:
        """Events, interactivity and commands; installing."""

        @routes.route("/webhook", methods=["POST"])
        async def webhook(request: Request):
            return await self._webhook(request)

        if self._app and self._app.is_installable:
            add_pages(routes, self._app, lambda code: self._tokens.exchange(code))

    async def connect(self) -> None:
        """Slack's Web API, and the tokens of the workspaces."""
        # By itself it would connect anew for each call.
        limit, jar = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), aiohttp.DummyCookieJar()
        self._http = aiohttp.ClientSession(timeout=limit, cookie_jar=jar)
        # Its own retries know nothing of the outbox.
        api = self._app.api
        self._web = AsyncWebClient(base_url=api, session=self._http, retry_handlers=[])
        self._tokens = Tokens(self._app, self._web)

    async def disconnect(self) -> None:
        """Let go of its connections."""
        if self._http:
            await self._http.close()

    async def listen(self) -> None:
        """Open Socket Mode, if it is to be."""
        if self._app.app_token:
            self._socket = Socket(self._app, self.hear)
            self._socket.start()

    async def leave(self) -> None:
        """Close it."""
        if self._socket:
            await self._socket.stop()

    async def _webhook(self, request: Request):
        try:
            self._verify(request)
            told = _read(request)
            if told.get("type") == "url_verification":
                return response.text(str(told.get("challenge", "")))
            answer = await self.hear(told)
        except NotGenuine as refused:
            logger.warning("slack.request.refused reason=%s", refused)
            return response.text("not from Slack", 403)
        except ValueError as refused:
            logger.warning("slack.request.malformed reason=%s", refused)
            return response.text("the request cannot be read", 400)
        except SQLAlchemyError:
            logger.exception("slack.message.not_kept")
            return response.text("not now", 503)
        return response.json(answer, ensure_ascii=False) if answer else response.text("")

    def _verify(self, request: Request) -> None:
        if self._verifier is None:
            raise NotGenuine("SLACK_SIGNING_SECRET is not set")
        told = {name: request.headers.get(name, "") for name in ("x-slack-signature", _STAMP)}
        stamp = told[_STAMP]
        plain_stamp = stamp.isascii() and stamp.isdigit()
        readable = all(value.isascii() for value in told.values())
        if not (plain_stamp and readable and self._verifier.is_valid_request(request.body, told)):
            raise NotGenuine("the signature is missing, wrong or older than five minutes")

    async def hear(self, told: dict) -> dict | None:
        """Keep what Slack tells by whichever way; what it is answered with, if anything.

        Raises:
            NotGenuine: it is another app's. ValueError: it cannot be read. SQLAlchemyError: it
                could not be kept, so let Slack try again.
        """
        # Shortcuts do not name their app.
        if self._app.app_id and told.get("api_app_id", self._app.app_id) != self._app.app_id:
            raise NotGenuine("api_app_id is another app's")
        kind = payloads.kind_of(told)
        if kind == "command":
            return await self._command(told)
        if kind in payloads.REMOVED:
            removed = payloads.removal(told)
            if removed:
                await asyncio.to_thread(self._forget, *removed)
            return None
        if told.get("type") == "event_callback":
            if payloads.is_direct(told):
                # Without a look into the database.
                incoming = payloads.of_event(told, None)
            else:
                incoming = await asyncio.to_thread(payloads.of_event, told, self._is_ours)
        else:
            incoming = payloads.of_action(told)
        if incoming is not None:
            await self.take(incoming)
        elif kind in payloads.NOT_FOR_US:
            self.ignored[kind] += 1
            logger.info("slack.ignored kind=%s count=%d", kind, self.ignored[kind])
        elif kind not in payloads.SAID:
            await self.take(payloads.strange(told))
        return None

    async def _command(self, told: dict) -> dict | None:
        """A slash command is a message to us, answered in private wherever it was typed: what is
        said of orders is nobody else's."""
        team, org = payloads.place_of(told)
        direct = await self._direct(org or team, str(told.get("user_id")))
        if direct is None:
            return _only_to_them(_fixed(NOT_OPENED, told))
        await self.take(payloads.of_command(told, direct))
        return None if direct == told.get("channel_id") else _only_to_them(_fixed(IN_PRIVATE, told))

    async def _direct(self, place: str, user: str) -> str | None:
        """Our direct messages with somebody; None if they cannot be opened now."""
        try:
            return await asyncio.wait_for(self._opened(place, user), OPENING_SECONDS)
        except _NOT_NOW as error:
            logger.warning("slack.direct.not_opened reason=%s", type(error).__name__)
            return None

    async def _opened(self, place: str, user: str) -> str | None:
        token = await self._tokens.of(place)
        if token is None:
            return None
        told = await self._web.conversations_open(token=token, users=user)
        return told["channel"]["id"]

    def _forget(self, place: str, when: datetime) -> None:
        """The token that a workspace or organisation had then, and that anybody is reached
        there."""
        known = installs.remove(place, when)
        if known:
            where = {"ends": f"/{place}"} if place.startswith("E") else {"begins": f"{place}/"}
            addresses.close_all(self.name(), **where)
        logger.warning("slack.app.removed place=%s known=%s", place, known)

    def _is_ours(self, address: str) -> bool:
        return bool(rooms.history(self.conversation(address), limit=1))

    def parts(self, body: dict) -> list[dict]:
        """An answer as messages of at most fifty blocks."""
        return blocks.messages(body)

    async def deliver(self, message: Outgoing) -> str | None:
        """By `chat.postMessage`; see `VendorInput.deliver`."""
        if self._tokens is None:
            raise Refused("the channel is off")
        to = Address.read(message.address)
        wait = self._full.get(to.channel, 0) - time.monotonic()
        if wait > 0:
            # Behind the one that found it full.
            raise NotSent("ratelimited before", timedelta(seconds=wait) + outbox.FIRST_PAUSE)
        token = await self._token(to.place, message.address)
        text = message.body.get("text") or plain.as_text(message.body)
        try:
            told = await self._web.chat_postMessage(
                token=token,
                channel=to.channel,
                thread_ts=to.thread or None,
                # What is read out, and shown in a notification.
                text=blocks.escaped(text[: blocks.MOST_TEXT]),
                blocks=blocks.blocks_of(message.body),
                unfurl_links=False,
            )
        except SlackApiError as error:
            raise await self._failed(error, to, message.address) from error
        except aiohttp.ClientConnectorError as error:
            raise NotSent(type(error).__name__) from error
        self._full.pop(to.channel, None)
        return told["ts"]

    async def _token(self, place: str, address: str) -> str:
        try:
            token = await self._tokens.of(place)
        except (SQLAlchemyError, UnknownKey) as error:
            raise NotSent(type(error).__name__) from error
        if token is None:
            await asyncio.to_thread(addresses.close, self.name(), address)
            raise Refused("the app is not installed there")
        return token

    async def _failed(self, error: SlackApiError, to: Address, address: str) -> Exception:
        told, name = error.response, reason_of(error)
        if told.status_code >= 500 or name in _PERHAPS:
            return error
        if name in _LATER or told.status_code == 429:
            seconds = int(told.headers.get("Retry-After") or "1")
            if told.status_code == 429:
                self._full[to.channel] = time.monotonic() + seconds
            return NotSent(name, timedelta(seconds=seconds))
        if name in _ENDED:
            await asyncio.to_thread(self._forget, to.place, utc_now())
        if name in _CLOSED or name in _ENDED:
            await asyncio.to_thread(addresses.close, self.name(), address)
        return Refused(name)


def _only_to_them(text: str) -> dict:
    return {"response_type": "ephemeral", "text": text}


def _read(request: Request) -> dict:
    """The JSON of an event or of an interaction's field `payload`, or a command's fields."""
    try:
        text = request.body.decode()
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields = dict(parse_qsl(text, max_num_fields=100))
            if "command" in fields:
                return fields
            text = fields.get("payload", "")
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the body: expected JSON") from None
    if not isinstance(told, dict):
        raise ValueError("the body: expected an object")
    return told


def _fixed(key: str, told: dict) -> str:
    """What is said to a command by the channel itself, in the language of what was typed."""
    return words(key, language_of(str(told.get("text") or "")) or CHINESE)
