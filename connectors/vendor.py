"""The one path of every vendor's channel.

    limits → verify → parse → `take`: inbox and address → Rasa → room and outbox → `deliver`

A vendor's folder verifies and parses what it gets, gives `take` what came in (`Incoming`), and
sends what `deliver` is given within the vendor's quotas. Everything between is here, and alike.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from rasa.core.channels.channel import InputChannel
from sanic import Blueprint
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cdp.messages import addresses, outbox
from cdp.messages.outbox import Outgoing
from connectors import manifest, plain, provenance, rooms, unknown
from connectors.fixed_words import HEARD, spoken_in, words
from connectors.floods import Floods
from connectors.guard import MAX_TEXT, TextRefused, plain_text, readable
from connectors.rooms import Pending
from connectors.sender import NotSent, Sender
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.worker import Worker, events_of
from storage import create_tables
from storage.together import together

logger = logging.getLogger(__name__)

# What is no text, as a reader of the room sees it; what the shopper reads instead of an answer is
# under the same names in fixed_words.yml.
NAMES = {
    "image": "图片",
    "voice": "语音",
    "location": "位置",
    "video": "视频",
    "file": "文件",
    "link": "链接",
    "entry": "进入会话",
    "choice": "选项",
    "unknown": "其他消息",
}
GREETING = "/greet"


@dataclass(frozen=True)
class Incoming:
    """One thing that a vendor brought.

    id: the vendor's own, by which it is known when it comes again. address: whose it is, and where
    an answer goes. kind: "text", "image", "voice", "location", "video", "file", "link", "unknown";
    "entry" (followed, scanned, came in: `touch` says from where) or "left"; "choice", whose text is
    its token; "strange", an event that nobody here knows and that wants no answer. text: what was
    written or recognised, or what there is to say of something else (a picture's address, a place's
    name). who: the shopper's identifier, where the address is not it. raw: the whole of what is not
    known. media: the vendor's number of a recording.
    """

    id: str
    address: str
    kind: str
    text: str = ""
    touch: Mapping[str, Any] | None = None
    who: str = ""
    raw: Mapping[str, Any] | None = None
    media: str = ""

    @property
    def sender(self) -> str:
        """Whose it is, on whatever address."""
        return self.who or self.address


class VendorInput(InputChannel):
    """A channel of a vendor; a subclass names the kind of identifier its addresses are."""

    identifier: str
    # Until when an answer may be sent.
    good_for = timedelta(hours=48)

    def __init__(self) -> None:
        self._floods = Floods(self.name())
        self._taking: set[asyncio.Task] = set()
        # Conversations with an answer that the sender may take.
        self._due: set[str] = set()
        self._worker: Worker | None = None
        self._sender: Sender | None = None
        self._hearing: Hearing | None = None

    @property
    def manifest(self) -> manifest.Manifest:
        """What the vendor's folder says of itself."""
        return manifest.of_module(type(self).__module__)

    def off(self) -> str:
        """Why the channel is off; the line is logged."""
        told = self.manifest.off(self.name())
        logger.info("%s.off: %s", self.name(), told)
        return told

    async def deliver(self, message: Outgoing) -> str | None:
        """Send a message; the vendor's number for it.

        Raises:
            NotSent: not now. Refused: never. Anything else: nobody knows.
        """
        raise NotImplementedError

    async def recording(self, media: str) -> bytes:
        """A recording that a shopper sent, by the vendor's number of it."""
        raise NotImplementedError

    async def with_person(self, incoming: Incoming) -> bool:
        """Whether a person at the vendor's own desk answers this shopper now."""
        return False

    def parts(self, body: dict) -> list[dict]:
        """An answer as the messages that the vendor takes one by one."""
        return [body]

    def held(self, name: str) -> timedelta:
        """How long the answer of that name is kept back for the reply to the vendor's request."""
        return timedelta(0)

    async def answered(self, conversation: str) -> None:
        """Called when the answers to a message of a conversation stand in the outbox."""

    def answer_name(self, address: str, number: str) -> str:
        """The outbox's name for the answer to the vendor's message of that number."""
        told = f"{self.name()} {address} {number}"
        return told if len(told) <= 100 else hashlib.sha256(told.encode()).hexdigest()

    def conversation(self, address: str) -> str:
        """The conversation of an address."""
        return f"{self.name()}-{address}"

    def listen(self, routes: Blueprint, on_new_message) -> None:
        """Start and stop what works beside the routes, and keep floods from them."""
        self._floods.watch(routes, self.manifest.limits.body_bytes)

        @routes.listener("before_server_start")
        async def prepare(app, _loop) -> None:
            await asyncio.to_thread(create_tables)

            self._hearing = hearing.of_loop()
            self._worker = Worker(
                self.name(),
                on_new_message,
                self._publish,
                events_of(app),
                self._into_outbox,
                self._heard,
            )
            self._sender = Sender(self.name(), self._send_out)

        @routes.listener("after_server_start")
        async def recover(_app, _loop) -> None:
            await self._worker.recover()
            self._sender.start()

        @routes.listener("before_server_stop")
        async def stop(_app, _loop) -> None:
            if self._worker:
                await self._worker.stop()
                await self._sender.stop()
                await self._hearing.close()

    async def take(self, incoming: Incoming) -> None:
        """Keep what came in; when this returns it may be acknowledged.

        Raises:
            SQLAlchemyError: the database is away; nothing was kept, so let the vendor try again.
        """
        taking = asyncio.create_task(self._take(incoming))
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        # A vendor that waits no longer ends its request, and us, but not the write that keeps the
        # message: what is kept must be worked off.
        await asyncio.shield(taking)

    async def _take(self, incoming: Incoming) -> None:
        if incoming.kind == "left":
            await asyncio.to_thread(addresses.close, self.name(), incoming.address)
            return
        if not await self._floods.sender(incoming.sender):
            logger.warning("%s.message.too_fast", self.name())
            return
        if incoming.raw is not None:
            who = (self.identifier, incoming.sender)
            what = incoming.text or incoming.kind
            await asyncio.to_thread(unknown.keep, self.name(), what, incoming.raw, who)
        if incoming.kind == "strange":
            return
        if await self.with_person(incoming):
            await asyncio.to_thread(self._note, incoming)
            return
        if await together(partial(self._keep, incoming)):
            self._sender.kick()
        conversation = self.conversation(incoming.address)
        who = (self.identifier, incoming.sender)
        provenance.note_entry(conversation, self.name(), incoming.touch, identifier=who)
        self._worker.kick(conversation)

    def _keep(self, incoming: Incoming, session: Session) -> bool:
        """Into the inbox, with where its shopper is reached and what is answered at once, in one
        transaction; whether that is all."""
        conversation = self.conversation(incoming.address)
        who = (self.identifier, incoming.sender)
        context = {"address": f"{self.name()}:{incoming.sender}", "touch": incoming.touch}
        shown, text = self._meaning(conversation, incoming)
        if incoming.media and incoming.kind == "voice":
            # It is heard when its turn comes; without words of its own only that says any.
            context |= {"recording": incoming.media, "who": who}
            shown, text = _described(incoming), text or ""
        heard = partial(
            addresses.note, channel=self.name(), address=incoming.address, identifier=who
        )
        if text is not None:
            kept = (self.name(), conversation, incoming.id, shown, text, context)
            rooms.accept(*kept, heard, None, None, session)
            return False
        # It stands in the room, where a person may look at it.
        said, at_once = _described(incoming), {"text": shown}
        name = self.answer_name(incoming.address, incoming.id)
        reply = partial(self._into_box, address=incoming.address, name=name)
        kept = (self.name(), conversation, incoming.id, said, said, context)
        rooms.accept(*kept, heard, at_once, reply, session)
        return True

    async def _heard(self, message: Pending) -> Pending | list[dict]:
        """What Rasa is given of a message: of a recording its words, and how they were said."""
        context, conversation = message.context, message.conversation
        if not context.get("recording"):
            voice = self._hearing.kept_mood(conversation)
            return replace(message, context={**context, "voice": voice}) if voice else message
        try:
            content = await self.recording(context["recording"])
        except Exception as error:
            # Its words may have come with it.
            logger.warning("%s.recording.missing error=%s", self.name(), type(error).__name__)
            content = b""
        ids = [("conversation", conversation), tuple(context["who"])]
        heard = await self._hearing.hear(content, ids, message.text)
        try:
            # What came with its words was looked at when it was kept; they may be a choice.
            text = message.text or plain_text(heard.text)
        except TextRefused:
            self._hearing.keep_mood(conversation, heard)
            why = "too_long" if heard.text else "voice"
            return [{"text": await asyncio.to_thread(_not_read, conversation, why)}]
        if not message.text:
            told = f"{HEARD}{readable(heard.text)}"
            await asyncio.to_thread(rooms.reword, conversation, message.client_id, told)
        return replace(message, text=text, context={**context, "voice": heard.voice})

    def _note(self, incoming: Incoming) -> None:
        """Keep what was said to a person in the room, and answer nothing."""
        rooms.note(self.conversation(incoming.address), _described(incoming), incoming.id)

    def _meaning(self, conversation: str, incoming: Incoming) -> tuple[str, str | None]:
        """What a reader of the room sees, and what Rasa gets; no text: what is answered at once."""
        if incoming.kind == "entry":
            return "（进入会话）", GREETING
        if incoming.kind == "choice":
            chosen = rooms.choice(conversation, incoming.text)
            return chosen or (_not_read(conversation, "choice"), None)
        if incoming.kind not in ("text", "voice") or not incoming.text.strip():
            return _not_read(conversation, incoming.kind), None
        chosen = _chosen(conversation, incoming.text)
        if chosen:
            return chosen
        try:
            return readable(incoming.text), plain_text(incoming.text)
        except TextRefused:
            return _not_read(conversation, "too_long"), None

    def _into_outbox(self, message: Pending, session, shown: list[dict]) -> None:
        address = message.conversation.removeprefix(f"{self.name()}-")
        name = self.answer_name(address, message.client_id)
        if not self._into_box(session, shown, address, name):
            self._due.add(message.conversation)

    def _into_box(self, session, shown: list[dict], address: str, name: str) -> timedelta:
        """Put an answer into the outbox; for how long it is held there."""
        held = self.held(name)
        for place, body in enumerate(self.parts(plain.merged(shown)), 1):
            one = name if place == 1 else f"{name} part {place}"
            # The parts of an answer leave in their order, the later ones by themselves.
            outbox.answer(session, self.name(), address, body, one, held, self.good_for)
        return held

    def in_room(self, message: Outgoing) -> Outgoing:
        """The message as its room shows it: the shop's own are put there before they are sent, so
        that their choices can be chosen; answers stand there already."""
        if message.person_id is None:
            return message
        shown = rooms.say(self.conversation(message.address), message.body, message.name)
        said = {part: shown[part] for part in ("text", "buttons", "cards", "links")}
        return replace(message, body={**message.body, **said})

    async def _send_out(self, message: Outgoing) -> str | None:
        if message.person_id is None:
            return await self.deliver(message)
        try:
            shown = await asyncio.to_thread(self.in_room, message)
        except SQLAlchemyError as error:
            raise NotSent(type(error).__name__) from error
        return await self.deliver(shown)

    async def _publish(self, conversation: str, frame: dict) -> None:
        if frame["type"] == "message":
            await self.answered(conversation)
            if conversation in self._due:
                self._due.discard(conversation)
                self._sender.kick()


def _described(incoming: Incoming) -> str:
    """What a reader of the room sees of what is no text."""
    said = readable(incoming.text)[:MAX_TEXT]
    if incoming.kind == "text" and said:
        return said
    name = NAMES.get(incoming.kind, NAMES["unknown"])
    return f"[{name}] {said}" if said and incoming.kind != "choice" else f"[{name}]"


def _chosen(conversation: str, typed: str) -> tuple[str, str] | None:
    """Title and payload of the choice whose number was written, if choices were offered."""
    number = plain.number_of(typed)
    if number is None:
        return None
    choices = plain.choices_of(plain.merged(rooms.offered(conversation)))
    if number > len(choices):
        return None
    return rooms.choice(conversation, choices[number - 1]["token"])


def _not_read(conversation: str, kind: str) -> str:
    """What is said to a message that is no text."""
    return words(kind if kind in (*NAMES, "too_long") else "unknown", spoken_in(conversation))
