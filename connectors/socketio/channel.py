"""Rasa's Socket.IO channel for widgets of others (rasa-webchat), mended for sessions that last.

A session id is a signed token (`cdp.session`), drawn here: whoever holds it is in its room, and
nobody can name another's. A message is kept before Rasa sees it; its answers stay in the room, and
what came while nobody was there is told when the session is asked for again. What Rasa's own
channel does of this is broken with the python-socketio that installs (RasaHQ/rasa #13027), and its
JWT is not bound to the session.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from rasa.core.channels.channel import OutputChannel
from rasa.core.channels.socketio import SocketBlueprint, SocketIOInput
from sanic import Blueprint, Request, response
from socketio import AsyncServer
from sqlalchemy.exc import SQLAlchemyError

from cdp import session as sessions
from cdp.messages import addresses
from cdp.messages.outbox import Outgoing
from cdp.session import InvalidSession, Session
from connectors import manifest, provenance, rooms
from connectors.answers import AnswerCollector, to_answer
from connectors.fixed_words import CHINESE, language_of, words
from connectors.guard import TextRefused, plain_text, readable
from connectors.sender import NotSent, Sender
from connectors.socketio import payloads, shown
from connectors.socketio.audience import Audience
from connectors.worker import Worker, events_of
from storage import create_tables

logger = logging.getLogger(__name__)

PATH = "/webhooks/socketio/socket.io"
MOST_BODY = 16_000
PING_SECONDS, PONG_SECONDS = 25.0, 20.0
BY_CONVERSATION = RateLimitItemPerMinute(60)
BY_ADDRESS = RateLimitItemPerMinute(300)
# What is not kept is answered at once, to who said it alone (fixed_words.yml).
UNAVAILABLE, TOO_FAST = "not_kept", "too_fast"
EXPIRED, UNREADABLE = "session_over", "unreadable"


class SocketInput(SocketIOInput):
    """The channel `socketio`; without pages that may open it, it is off."""

    origins: frozenset[str] = frozenset()

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> SocketInput:
        """Rasa's own options; the pages from `origins` or `SOCKETIO_ORIGINS` (comma-separated)."""
        told = {"socketio_path": PATH, **(credentials or {}), "session_persistence": True}
        made = super().from_credentials(told)
        listed = told.get("origins") or (os.environ.get("SOCKETIO_ORIGINS") or "").split(",")
        made.origins = frozenset(one.strip().rstrip("/") for one in listed if one.strip())
        if not made.origins:
            logger.info("socketio.off: %s", manifest.of_module(__name__).off(cls.name()))
        return made

    def __init__(self, *options: Any) -> None:
        super().__init__(*options)
        # The limiter only refers to its storage weakly.
        self._hits = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._hits)
        self._worker: Worker | None = None
        self._sender: Sender | None = None
        self._keeping: set[asyncio.Task] = set()
        self._audience = Audience()

    def get_output_channel(self) -> OutputChannel:
        """What Rasa says outside a turn is kept in the room as well."""
        return _Spontaneous(self)

    def blueprint(self, on_new_message) -> Blueprint:
        """A health check, the socket, and what works beside it."""
        if not self.origins:
            return _off()
        self.sio = AsyncServer(
            async_mode="sanic",
            cors_allowed_origins=sorted(self.origins),
            cors_credentials=False,
            max_http_buffer_size=MOST_BODY,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            # One socket's messages are kept in the order they were said.
            async_handlers=False,
        )
        routes = SocketBlueprint(self.sio, self.socketio_path, "socketio_webhook", __name__)

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok"})

        self.sio.on("connect", self._connected)
        self.sio.on("disconnect", self._gone)
        self.sio.on("session_request", self._asked)
        self.sio.on(self.user_message_evt, self._said)
        self._listen(routes, on_new_message)
        return routes

    def _listen(self, routes: Blueprint, on_new_message) -> None:
        @routes.listener("before_server_start")
        async def prepare(app, _loop) -> None:
            await asyncio.to_thread(create_tables)
            self._worker = Worker(self.name(), on_new_message, self._publish, events_of(app))
            self._sender = Sender(self.name(), self._deliver)

        @routes.listener("after_server_start")
        async def recover(_app, _loop) -> None:
            await self._worker.recover()
            self._sender.start()

        @routes.listener("before_server_stop")
        async def stop(_app, _loop) -> None:
            await self.sio.shutdown()
            if self._worker:
                await self._sender.stop()
                await self._worker.stop()

    async def _connected(self, sid: str, environ: dict, _auth: Any = None) -> bool:
        request = environ["sanic.request"]
        # Behind a proxy that Sanic is told of (SANIC_PROXIES_COUNT), the shopper's own address.
        address = request.remote_addr or request.ip
        origin = request.headers.get("origin", "").rstrip("/")
        # A page of this very host says no origin when it polls, and its browser says so.
        ours = not origin and request.headers.get("sec-fetch-site") == "same-origin"
        if not ours and origin not in self.origins:
            logger.warning("socketio.refused reason=origin")
            return False
        if not self._limiter.hit(BY_ADDRESS, address):
            logger.warning("socketio.refused reason=too_fast")
            return False
        self._audience.arrive(sid, address)
        return True

    async def _gone(self, sid: str, reason: str = "") -> None:
        # With its connection we may be ended, but not what is noted of it.
        await self._through(self._left(sid, reason))

    async def _left(self, sid: str, reason: str) -> None:
        # Silent since its last pong: what went out in between is told again. Engine.IO waits
        # for the next ping and its pong, and looks once in a pong's time.
        silent = self._silent(sid, reason)
        doubtful = PING_SECONDS + max(2 * PONG_SECONDS, silent) if silent else 0
        session = self._audience.session(sid)
        if session is None:
            self._audience.leave(sid)
            return
        conversation = session.conversation
        # Its page may be back already, or come back meanwhile.
        async with self._audience.turn(conversation):
            lost = self._audience.leave(sid, doubtful)
            if lost and self._audience.is_there(conversation):
                await self._tell_again(conversation, lost)
            elif lost:
                await self._note_shown(conversation, lost[0] - 1)

    def _silent(self, sid: str, reason: str) -> float:
        """For how many seconds a ping to a socket was without its pong, if that is why it ended:
        Engine.IO says so, or calls it closed where its wait for a frame ends first."""
        socket = self.sio.eio.sockets.get(self.sio.manager.eio_sid_from_sid(sid, "/"))
        pinged = socket.last_ping if socket else None
        silent = time.time() - pinged if pinged is not None else 0.0
        if reason == self.sio.reason.PING_TIMEOUT:
            return max(silent, PONG_SECONDS)
        return silent if silent > PONG_SECONDS / 2 else 0.0

    async def _asked(self, sid: str, data: Any = None) -> None:
        """`session_request`: confirm the session named, or a new one where none, or none that
        holds, is named; then tell what was missed."""
        if not self._allowed(sid):
            await self._refuse(sid, TOO_FAST)
            return
        token = payloads.token_of(data)
        try:
            session = await self._read(token or "")
        except InvalidSession:
            new = sessions.new_conversation()
            token = await asyncio.to_thread(sessions.issue, new, None)
            session = await self._read(token)
        await self._enter(sid, session, confirm=token)

    async def _read(self, token: str) -> Session:
        return _in_a_room_of_ours(await asyncio.to_thread(sessions.read, token))

    async def _enter(self, sid: str, session: Session, confirm: str | None = None) -> None:
        conversation = session.conversation
        async with self._audience.turn(conversation):
            if self._audience.address(sid) is None:
                return
            left = self._audience.enter(sid, session)
            if left:
                await self.sio.leave_room(sid, left)
            await self.sio.enter_room(sid, conversation)
            if confirm:
                # First: a widget begins anew with a session it did not know.
                await self.sio.emit("session_confirm", confirm, to=sid)
            await self._tell(conversation, sid)
        # What was kept when an earlier socket broke, or given up on, is taken up again.
        self._worker.kick(conversation)

    async def _said(self, sid: str, data: Any = None) -> dict | None:
        """`user_uttered`; gives an error to clients that ask whether it was taken."""
        if not isinstance(data, dict):
            return {"error": "expected an object"}
        if not self._allowed(sid):
            return await self._refuse(sid, TOO_FAST, data)
        try:
            session = await self._session_of(sid, data)
            conversation = session.conversation
            if not self._limiter.hit(BY_CONVERSATION, conversation):
                return await self._refuse(sid, TOO_FAST, data)
            title, text = await asyncio.to_thread(_meaning, conversation, payloads.text_of(data))
            context = {
                "shopper": session.shopper,
                "address": self._audience.address(sid),
                "touch": session.touch,
            }
            number = payloads.id_of(data) or uuid.uuid4().hex
            await self._keep(session, number, title, text, context)
        except InvalidSession:
            return await self._refuse(sid, EXPIRED, data)
        except TextRefused:
            return await self._refuse(sid, UNREADABLE, data)
        except SQLAlchemyError:
            logger.exception("socketio.message.not_kept")
            return await self._refuse(sid, UNAVAILABLE, data)
        return None

    async def _session_of(self, sid: str, data: dict) -> Session:
        """The session that a message names; if none, the one its socket asked for."""
        token, known = payloads.token_of(data), self._audience.session(sid)
        if token is None:
            if known is None or known.expires < time.time():
                raise InvalidSession("no session was asked for")
            return known
        session = await self._read(token)
        if known is None or known.conversation != session.conversation:
            await self._enter(sid, session)
        return session

    async def _keep(self, session: Session, *message) -> None:
        # A socket that breaks must not keep what is kept from being worked off.
        await self._through(self._kept(session, message))

    async def _through(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it to its end, even if we are ended."""
        doing = asyncio.create_task(work)
        self._keeping.add(doing)
        doing.add_done_callback(self._keeping.discard)
        await asyncio.shield(doing)

    async def _kept(self, session: Session, message: tuple) -> None:
        conversation = session.conversation
        await self._worker.keep(conversation, *message)
        who = (session.shopper, session.anonymous_id, session.purposes)
        provenance.note_entry(conversation, self.name(), session.touch, *who)
        try:
            named = ("conversation", conversation)
            await asyncio.to_thread(addresses.heard, self.name(), conversation, named)
        except SQLAlchemyError:
            # The talk does not depend on it.
            logger.exception("socketio.address.not_kept")

    def _allowed(self, sid: str) -> bool:
        return self._limiter.hit(BY_ADDRESS, self._audience.address(sid) or "")

    async def _refuse(self, sid: str, key: str, data: Any = None) -> dict:
        written = data.get("message") if isinstance(data, dict) else None
        text = words(key, language_of(str(written or "")) or CHINESE)
        await self.sio.emit(self.bot_message_evt, {"text": text}, to=sid)
        return {"error": text}

    async def _deliver(self, message: Outgoing) -> None:
        """A message of the shop's own: it stays in the room until a page shows it."""
        await self.say(message.address, message.body, message.name)

    async def say(self, conversation: str, body: dict, name: str) -> None:
        """Put a message into a room, once for each `name`, and show it to who is there.

        Raises:
            NotSent: it could not be kept; tried again it is put there once.
        """
        try:
            message = await asyncio.to_thread(rooms.say, conversation, body, name)
        except SQLAlchemyError as error:
            raise NotSent(type(error).__name__) from error
        await self._publish(conversation, {"type": "message", "message": message})

    async def _publish(self, conversation: str, frame: dict) -> None:
        if frame["type"] != "message":
            return
        async with self._audience.turn(conversation):
            if self._audience.is_there(conversation):
                # Not this one alone: one that was written before it may come after it.
                await self._tell(conversation, conversation)

    async def _tell(self, conversation: str, to: str) -> None:
        """Tell what a room was not told yet, in its order: to all of it, or to one socket."""
        try:
            missed = await asyncio.to_thread(_missed, conversation)
        except SQLAlchemyError:
            # It is told with the next message.
            logger.exception("socketio.room.not_read")
            return
        for message in missed:
            await self._emit(conversation, message, to)
        if missed:
            await self._note_shown(conversation, missed[-1]["seq"])

    async def _tell_again(self, conversation: str, numbers: list[int]) -> None:
        try:
            kept = await asyncio.to_thread(rooms.history, conversation, numbers[0] - 1)
        except SQLAlchemyError:
            logger.exception("socketio.room.not_read")
            return
        for message in kept:
            if message["seq"] in numbers:
                await self._emit(conversation, message, conversation)

    async def _emit(self, conversation: str, message: dict, to: str) -> None:
        for told in payloads.bot_messages(message):
            await self.sio.emit(self.bot_message_evt, told, to=to)
        self._audience.told(conversation, message["seq"])

    @staticmethod
    async def _note_shown(conversation: str, number: int) -> None:
        try:
            await asyncio.to_thread(shown.move, conversation, number)
        except SQLAlchemyError:
            # It is told again the next time.
            logger.exception("socketio.shown.not_noted")


class _Spontaneous(AnswerCollector):
    """What Rasa says without being asked: a reminder, an intent triggered from outside."""

    def __init__(self, channel: SocketInput) -> None:
        super().__init__(channel.name())
        self._rooms = channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Put one bot message into the room."""
        await self._rooms.say(recipient_id, to_answer(message), f"rasa-{uuid.uuid4().hex}")

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Put a bare text into the room."""
        await self.send_response(recipient_id, {"text": text})


def _in_a_room_of_ours(session: Session) -> Session:
    """The session with this channel's room: the storefront's chat has one of its own."""
    own = session.conversation.removeprefix("web-")
    return replace(session, conversation=f"socketio-{own}")


def _missed(conversation: str) -> list[dict]:
    told = rooms.history(conversation, shown.of(conversation))
    return [message for message in told if message["from"] == "bot"]


def _meaning(conversation: str, typed: str) -> tuple[str, str]:
    """What a reader of the room sees, and what Rasa gets: a choice by its token, else the text.

    Raises:
        TextRefused: nothing is left of the text, or it is too long.
    """
    return rooms.choice(conversation, typed) or (readable(typed), plain_text(typed))


def _off() -> Blueprint:
    routes = Blueprint("socketio_webhook")

    @routes.route("/", methods=["GET"])
    async def health(_: Request):
        return response.json({"status": "off"})

    return routes
