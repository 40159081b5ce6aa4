"""The web chat: a WebSocket channel bound to signed sessions, with a durable inbox.

A socket first says `hello` with a session's token, which names its one conversation. A message is
acknowledged only once it is kept; its answers reach every socket of the room and stay on the
server, so that a page that was away fetches what it missed by sequence number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, Request, response
from sanic.exceptions import WebsocketClosed
from sqlalchemy.exc import SQLAlchemyError

from cdp.messages import addresses
from cdp.messages.outbox import Outgoing
from cdp.session import InvalidSession, Session, read
from connectors import provenance, rooms
from connectors.fixed_words import CHINESE, language_of, spoken_in, words
from connectors.guard import TextRefused, plain_text, readable
from connectors.rooms import Pending
from connectors.sender import NotSent, Sender
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.web.payloads import BadFrame, Frame, error, parse
from connectors.web.voice import Sent, Voices
from connectors.worker import Worker, events_of
from storage import create_tables

logger = logging.getLogger(__name__)

HELLO_SECONDS = 10.0
DEFAULT_ORIGINS = "http://localhost:8000,http://127.0.0.1:8000"
BY_CONVERSATION = RateLimitItemPerMinute(60)
VOICES_BY_CONVERSATION = RateLimitItemPerMinute(10, namespace="VOICE")
_CORS = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Vary": "Origin",
}
BY_ADDRESS = RateLimitItemPerMinute(300)
# Sockets open at once: each takes memory and a file of the process, said hello or not.
MOST_SOCKETS, MOST_SOCKETS_OF_ADDRESS = 5_000, 500


class WebInput(InputChannel):
    """The channel `web`; `origins` are the pages that may open a socket."""

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/web`."""
        return "web"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WebInput:
        """Read `origins` from the credentials, else `WEB_ORIGINS` (comma-separated)."""
        listed = (credentials or {}).get("origins")
        if not listed:
            listed = (os.environ.get("WEB_ORIGINS") or DEFAULT_ORIGINS).split(",")
        return cls([origin.strip().rstrip("/") for origin in listed if origin.strip()])

    def __init__(self, origins: list[str]) -> None:
        self._origins = set(origins)
        self._sockets: dict[str, set] = defaultdict(set)
        self._open: Counter[str] = Counter()
        # The limiter only refers to its storage weakly.
        self._hits = MemoryStorage()
        # Of a moving window it would keep every key that ever was.
        self._limiter = FixedWindowRateLimiter(self._hits)
        self._worker: Worker | None = None
        self._sender: Sender | None = None
        self._hearing: Hearing | None = None
        self._voices: Voices | None = None
        self._keeping: set[asyncio.Task] = set()

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check and the socket."""
        routes = Blueprint("web_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok"})

        # Before the handler: by then the socket is open already.
        @routes.middleware("request")
        async def from_our_pages(request: Request):
            origin = request.headers.get("origin", "").rstrip("/")
            path = request.path.rstrip("/")
            if path.endswith(("/socket", "/voice")) and origin not in self._origins:
                logger.warning("web.socket.refused reason=origin")
                return response.text("this page may not open a chat here", 403)
            if path.endswith("/socket") and self._full(_address(request)):
                logger.warning("web.socket.refused reason=too_many")
                return response.text("too many chats are open", 503, {"Retry-After": "10"})
            return None

        @routes.route("/voice", methods=["POST", "OPTIONS"])
        async def voice(request: Request):
            # The page may be of another origin than the chat: it has to be told that it may.
            allowed = {**_CORS, "Access-Control-Allow-Origin": request.headers["origin"]}
            if request.method == "OPTIONS":
                return response.empty(headers=allowed)
            status, told = await self._voice(request)
            return response.json(told, status, allowed, ensure_ascii=False)

        @routes.websocket("/socket")
        async def socket(request: Request, ws) -> None:
            address = _address(request)
            self._open[address] += 1
            try:
                await self._serve(ws, address)
            finally:
                self._open -= Counter([address])

        @routes.listener("before_server_start")
        async def prepare(app, _loop) -> None:
            await asyncio.to_thread(create_tables)
            await asyncio.to_thread(rooms.drop_old_choices)

            self._hearing = hearing.of_loop()
            self._voices = Voices(self._hearing, self._allowed_voice, self._keep_voice)
            self._worker = Worker(
                self.name(), on_new_message, self._publish, events_of(app), prepare=self._with_mood
            )
            self._sender = Sender(self.name(), self._say)

        @routes.listener("after_server_start")
        async def recover(_app, _loop) -> None:
            await self._worker.recover()
            self._sender.start()

        @routes.listener("before_server_stop")
        async def stop(_app, _loop) -> None:
            if self._worker:
                await self._sender.stop()
                await self._worker.stop()
                await self._hearing.close()

        return routes

    async def _voice(self, request: Request) -> tuple[int, dict]:
        """Take a recording as a message: the status, and a frame as the socket would say it."""
        sent = Sent(
            token=request.headers.get("authorization", "").removeprefix("Bearer ").strip(),
            number=request.args.get("id", ""),
            language=request.args.get("lang", ""),
            content=request.body,
            address=_address(request),
        )
        return await self._voices.take(sent)

    async def _keep_voice(
        self, session: Session, sent: Sent, shown: str, text: str, voice: dict | None
    ) -> dict:
        context = self._context(session, sent.address, None) | {"voice": voice}
        message = await self._kept(session.conversation, sent.number, shown, text, context)
        await self._publish(session.conversation, {"type": "message", "message": message})
        return message

    def _allowed_voice(self, conversation: str, address: str) -> bool:
        return self._allowed(conversation, address, VOICES_BY_CONVERSATION)

    async def _with_mood(self, message: Pending) -> Pending:
        """With how the recording before it was said, if its words were not understood."""
        if message.context.get("voice"):
            return message
        voice = self._hearing.kept_mood(message.conversation)
        return replace(message, context={**message.context, "voice": voice}) if voice else message

    async def _serve(self, ws, address: str) -> None:
        session, after = await self._hello(ws)
        if session is None:
            return
        # In the room before the history is read: a message published in between comes twice, which
        # its sequence number shows, and not never.
        room = self._sockets[session.conversation]
        room.add(ws)
        self._note_entry(session)
        try:
            await self._ready(ws, session, after)
            await self._note_address(session)
            # What was kept when an earlier socket broke, or given up on, is taken up again.
            self._worker.kick(session.conversation)
            while (raw := await ws.recv()) is not None:
                await _send(ws, await self._answer(raw, session, address))
        except WebsocketClosed:
            pass
        finally:
            room.discard(ws)
            if not room:
                self._sockets.pop(session.conversation, None)

    def _note_entry(self, session: Session) -> None:
        """Where the conversation came from, as far as its page was allowed to say."""
        provenance.note_entry(
            session.conversation,
            self.name(),
            session.touch,
            session.shopper,
            session.anonymous_id,
            session.purposes,
        )

    async def _note_address(self, session: Session) -> None:
        """That this room is where its shopper can be reached; the talk does not depend on it."""
        who = ("conversation", session.conversation)
        try:
            await asyncio.to_thread(addresses.heard, self.name(), session.conversation, who)
        except SQLAlchemyError:
            logger.exception("web.address.not_kept")

    async def _say(self, message: Outgoing) -> None:
        """Deliver a message of the shop's own: it stays in the room until a page shows it."""
        try:
            shown = await asyncio.to_thread(rooms.say, message.address, message.body, message.name)
        except SQLAlchemyError as error:
            # Tried again it is put there once, whatever became of this try.
            raise NotSent(type(error).__name__) from error
        await self._publish(message.address, {"type": "message", "message": shown})

    async def _hello(self, ws) -> tuple[Session | None, int]:
        try:
            raw = await ws.recv(HELLO_SECONDS)
            if raw is None:
                raise BadFrame(f"expected hello within {HELLO_SECONDS:.0f} s")
            frame = parse(raw)
            if frame.type != "hello":
                raise BadFrame("the first frame: expected hello")
            return await asyncio.to_thread(read, frame.token), frame.after
        except InvalidSession as refused:
            code = "expired" if refused.expired else "bad_token"
            await self._refuse(ws, code, str(refused))
        except BadFrame as refused:
            await self._refuse(ws, "bad_frame", str(refused))
        except WebsocketClosed:
            pass
        return None, 0

    async def _ready(self, ws, session: Session, after: int) -> None:
        messages = await asyncio.to_thread(rooms.history, session.conversation, after)
        await _send(
            ws,
            {
                "type": "ready",
                "conversation": session.conversation,
                "messages": messages,
                "last": messages[-1]["seq"] if messages else after,
                "voice": await self._voices.readiness(session),
            },
        )

    @staticmethod
    async def _refuse(ws, code: str, text: str) -> None:
        logger.warning("web.socket.refused reason=%s", code)
        with suppress(WebsocketClosed):
            await _send(ws, error(code, text))
            await ws.close(code=4401, reason=code)

    async def _answer(self, raw: str, session: Session, address: str) -> dict:
        frame = None
        try:
            frame = parse(raw)
            if frame.type == "ping":
                return {"type": "pong"}
            if frame.type == "fetch":
                if not self._allowed(session.conversation, address):
                    return _in_language("rate_limited", "too_fast", frame)
                messages = await asyncio.to_thread(rooms.history, session.conversation, frame.after)
                last = messages[-1]["seq"] if messages else frame.after
                return {"type": "history", "messages": messages, "last": last}
            if frame.type == "hello":
                raise BadFrame("hello: it was already said")
            return await self._take(frame, session, address)
        except BadFrame as refused:
            return error("bad_frame", str(refused), frame.id if frame else None)
        except SQLAlchemyError:
            # Not acknowledged, so the page keeps it as pending and sends it again.
            logger.exception("web.message.not_kept")
            return _in_language("unavailable", "not_kept", frame)

    async def _take(self, frame: Frame, session: Session, address: str) -> dict:
        if not self._allowed(session.conversation, address):
            return _in_language("rate_limited", "too_fast", frame)
        if session.expires < time.time():
            return _in_language("expired", "expired", frame)
        if frame.type == "consent":
            state = await self._voices.decide(session, frame.granted, frame.id)
            return {"type": "voice", "id": frame.id, "voice": state}
        if frame.type == "choice":
            found = await asyncio.to_thread(rooms.choice, session.conversation, frame.token)
            if found is None:
                spoken = await asyncio.to_thread(spoken_in, session.conversation)
                return error("bad_choice", words("choice", spoken), frame.id)
            shown, text = found
        else:
            try:
                shown, text = readable(frame.text), plain_text(frame.text)
            except TextRefused as refused:
                return error("too_long", str(refused), frame.id)
        context = self._context(session, address, frame.product)
        message = await self._kept(session.conversation, frame.id, shown, text, context)
        return {"type": "ack", "id": frame.id, "message": message}

    @staticmethod
    def _context(session: Session, address: str, product: str | None) -> dict:
        return {
            "shopper": session.shopper,
            "address": address,
            "touch": session.touch,
            "product": product,
        }

    async def _kept(self, conversation: str, *message) -> dict:
        keeping = asyncio.create_task(self._worker.keep(conversation, *message))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        # A socket that breaks cancels us, but not the thread that keeps the message: what is kept
        # must be worked off.
        return (await asyncio.shield(keeping)).shown

    def _full(self, address: str) -> bool:
        open_in_all = sum(self._open.values())
        return open_in_all >= MOST_SOCKETS or self._open[address] >= MOST_SOCKETS_OF_ADDRESS

    def _allowed(self, conversation: str, address: str, most=BY_CONVERSATION) -> bool:
        few = self._limiter.hit(BY_ADDRESS, address)
        return few and self._limiter.hit(most, conversation)

    async def _publish(self, conversation: str, frame: dict) -> None:
        for ws in list(self._sockets.get(conversation, ())):
            try:
                await _send(ws, frame)
            except Exception:
                # A socket that is gone fetches what it missed when it comes back.
                logger.info("web.socket.gone")


def _address(request: Request) -> str:
    """Behind a proxy that Sanic is told of (SANIC_PROXIES_COUNT), the shopper's own."""
    return request.remote_addr or request.ip


async def _send(ws, frame: dict) -> None:
    await ws.send(json.dumps(frame, ensure_ascii=False))


def _in_language(code: str, key: str, frame: Frame) -> dict:
    """An error told in the language in which the frame is written."""
    return error(code, words(key, language_of(frame.text or "") or CHINESE), frame.id)
