"""The one path of every vendor's channel.

    limits → verify → parse → `take`: inbox and address → Rasa → room and outbox → `deliver`

A vendor's folder verifies and parses what it gets, gives `take` what came in (`Incoming`), and
sends what `deliver` is given within the vendor's quotas. Everything between is here, and alike.

The path has two halves. The outer one talks with the vendor: its requests, and what is sent. The
inner one (`connectors.answering`) takes kept messages to Rasa. Both run in the Rasa server, or the
outer one in a process of its own (`runtime.intake`), so that a vendor is answered in time however
busy Rasa is; then each tells the other where to look (`connectors.notices`). Of Rasa only the
inner half knows anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cdp.messages import addresses, answers
from cdp.messages.outbox import Outgoing
from connectors import manifest, plain, provenance, rooms, unknown
from connectors.floods import Floods
from connectors.incoming import Incoming, described, meaning
from connectors.notices import Notices
from connectors.rooms import Pending
from connectors.sender import NotSent, Sender
from storage import create_tables, utc_now
from storage.together import together

if TYPE_CHECKING:
    from connectors.answering import Answering

logger = logging.getLogger(__name__)

# Whether a person at the vendor's own desk may have this conversation.
MayHave = Callable[[Session, str], bool]
# What is done once something is kept.
Then = Callable[[], None]


class VendorInput:
    """A channel of a vendor, as Rasa's input channels are; a subclass names the kind of identifier
    its addresses are."""

    identifier: str
    # Until when an answer may be sent.
    good_for = timedelta(hours=48)
    # The other half of the path, where it runs in another process.
    other: Notices | None = None
    # Asked in the transaction that keeps a message; None: no person has shoppers at the vendor's.
    may_have_person: MayHave | None = None

    def __init__(self) -> None:
        self.is_off = False
        self._floods = Floods(self.name())
        self._taking: set[asyncio.Task] = set()
        self._answering: Answering | None = None
        self._sender: Sender | None = None

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/<name>`."""
        raise NotImplementedError

    def url_prefix(self) -> str:
        """Where Rasa mounts it, under `/webhooks/`."""
        return self.name()

    def get_output_channel(self) -> None:
        """Rasa sends nothing by itself: all goes through the outbox."""

    @property
    def manifest(self) -> manifest.Manifest:
        """What the vendor's folder says of itself."""
        return manifest.of_module(type(self).__module__)

    def off(self) -> str:
        """Why the channel is off; the line is logged."""
        self.is_off = True
        told = self.manifest.off(self.name())
        logger.info("%s.off: %s", self.name(), told)
        return told

    # What a vendor's folder does.

    def add_routes(self, routes: Blueprint) -> None:
        """Add what the vendor calls."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Make what calls the vendor, in whichever process; only where the channel is on."""

    async def disconnect(self) -> None:
        """Let go of it."""

    async def listen(self) -> None:
        """Begin with what brings messages beside the routes."""

    async def leave(self) -> None:
        """End it."""

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
        """Whether a person at the vendor's own desk answers this shopper now; asked where
        `may_have_person` says so."""
        return False

    def parts(self, body: dict) -> list[dict]:
        """An answer as the messages that the vendor takes one by one."""
        return [body]

    def held(self, received: datetime) -> timedelta:
        """How long an answer is kept back for the reply to the request that brought its message
        then."""
        return timedelta(0)

    async def answered(self, conversation: str) -> None:
        """Called when the answers to a message of a conversation stand in the outbox."""

    # What is alike.

    def answer_name(self, address: str, number: str) -> str:
        """The outbox's name for the answer to the vendor's message of that number."""
        told = f"{self.name()} {address} {number}"
        return told if len(told) <= 100 else hashlib.sha256(told.encode()).hexdigest()

    def conversation(self, address: str) -> str:
        """The conversation of an address."""
        return f"{self.name()}-{address}"

    def blueprint(self, on_new_message) -> Blueprint:
        """What Rasa, or the intake, serves. on_new_message: gives a message to Rasa; None where
        Rasa is not."""
        routes = Blueprint(f"{self.name()}_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "off" if self.is_off else "ok"})

        @routes.listener("before_server_start")
        async def connect(_app, _loop) -> None:
            await asyncio.to_thread(create_tables)
            if not self.is_off:
                await self.connect()

        @routes.listener("after_server_stop")
        async def disconnect(_app, _loop) -> None:
            await self.disconnect()
            if self.other is not None:
                await self.other.close()

        if on_new_message is not None:
            self._serve_inner(routes, on_new_message)
        if on_new_message is None or self.other is None:
            self._serve_outer(routes)
        return routes

    def _serve_outer(self, routes: Blueprint) -> None:
        """The outer half: the vendor's routes, floods kept from them, and the outbox."""
        self._floods.watch(routes, self.manifest.limits.body_bytes)
        self.add_routes(routes)

        @routes.listener("before_server_start")
        async def prepare(_app, _loop) -> None:
            self._sender = Sender(self.name(), self._send_out)

        @routes.listener("after_server_start")
        async def start(_app, _loop) -> None:
            # What is to be sent waits until the channel is on again, or is too late.
            if not self.is_off:
                self._sender.start()
                await self.listen()

        @routes.listener("before_server_stop")
        async def stop(_app, _loop) -> None:
            await self.leave()
            if self._sender:
                await self._sender.stop()

    def _serve_inner(self, routes: Blueprint, on_new_message) -> None:
        """The inner half; only it imports Rasa."""
        from connectors.answering import Answering

        @routes.listener("before_server_start")
        async def prepare(app, _loop) -> None:
            self._answering = Answering(self, on_new_message, app)

        @routes.listener("after_server_start")
        async def start(_app, _loop) -> None:
            await self._answering.start()

        @routes.listener("before_server_stop")
        async def stop(_app, _loop) -> None:
            if self._answering:
                await self._answering.stop()

    async def told(self, conversations: Iterable[str]) -> None:
        """The other half says where to look: kept messages, or answers in the outbox."""
        for conversation in conversations:
            if self._answering:
                self._answering.kick(conversation)
            else:
                await self.answered(conversation)
        if self._answering is None:
            self._sender.kick()

    async def has_answers(self, conversation: str, *then: Then) -> None:
        """There are answers in the outbox; then: see `into_box`."""
        if self._sender is None:
            self.other.tell(self.name(), conversation)
            return
        await self.answered(conversation)
        for one in then:
            one()

    async def take(self, incoming: Incoming) -> bool:
        """Keep what came in; when this returns it may be acknowledged. Whether it is new here.

        Raises:
            SQLAlchemyError: the database is away; nothing was kept, so let the vendor try again.
        """
        taking = asyncio.create_task(self._take(incoming))
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        # A vendor that waits no longer ends its request, and us, but not the write that keeps the
        # message: what is kept must be worked off.
        return await asyncio.shield(taking)

    async def _take(self, incoming: Incoming) -> bool:
        if incoming.kind == "left":
            await asyncio.to_thread(addresses.close, self.name(), incoming.address)
            return True
        if not await self._floods.sender(incoming.sender):
            logger.warning("%s.message.too_fast", self.name())
            return True
        if incoming.raw is not None:
            who = (self.identifier, incoming.sender)
            what = incoming.text or incoming.kind
            await asyncio.to_thread(unknown.keep, self.name(), what, incoming.raw, who)
        if incoming.kind == "strange":
            return True
        kept = await together(partial(self._keep, incoming, self.may_have_person))
        if kept is None:
            if await self.with_person(incoming):
                await asyncio.to_thread(self._note, incoming)
                return True
            kept = await together(partial(self._keep, incoming, None))
        is_new, then = kept
        await then()
        conversation, who = self.conversation(incoming.address), (self.identifier, incoming.sender)
        provenance.note_entry(conversation, self.name(), incoming.touch, identifier=who)
        return is_new

    def _keep(
        self, incoming: Incoming, ask: MayHave | None, session: Session
    ) -> tuple[bool, Callable[[], Awaitable[None]]] | None:
        """Into the inbox, with where its shopper is reached and what is answered at once, in one
        transaction; whether it is new, and what is to be called when it is kept. None: nothing is
        kept, since it has to be asked first whether a person has the shopper."""
        conversation = self.conversation(incoming.address)
        if ask and ask(session, conversation):
            return None
        who = (self.identifier, incoming.sender)
        context = {"address": f"{self.name()}:{incoming.sender}", "touch": incoming.touch}
        shown, text = meaning(conversation, incoming)
        if incoming.media and incoming.kind == "voice":
            # It is heard when its turn comes; without words of its own only that says any.
            context |= {"recording": incoming.media, "who": who}
            shown, text = described(incoming), text or ""

        def heard(session: Session) -> None:
            addresses.note(session, self.name(), incoming.address, who)

        if text is not None:
            kept = (self.name(), conversation, incoming.id, shown, text, context)
            accepted = rooms.accept(*kept, heard, None, None, session)
            return accepted.is_new, partial(self._to_rasa, conversation, accepted.following)
        # It stands in the room, where a person may look at it.
        said, at_once = described(incoming), {"text": shown}
        name = self.answer_name(incoming.address, incoming.id)
        then: list[Then] = []

        def reply(session: Session, shown: list[dict]) -> None:
            then.append(self.into_box(session, shown, incoming.address, name, utc_now()))

        kept = (self.name(), conversation, incoming.id, said, said, context)
        accepted = rooms.accept(*kept, heard, at_once, reply, session)
        return accepted.is_new, partial(self.has_answers, conversation, *then)

    async def _to_rasa(self, conversation: str, oldest: Pending | None) -> None:
        if self._answering is None:
            self.other.tell(self.name(), conversation)
        else:
            self._answering.kick(conversation, oldest)

    def _note(self, incoming: Incoming) -> None:
        """Keep what was said to a person in the room, and answer nothing."""
        rooms.note(self.conversation(incoming.address), described(incoming), incoming.id)

    def into_box(
        self, session: Session, shown: list[dict], address: str, name: str, received: datetime
    ) -> Then:
        """Put an answer into the outbox; what is to be called when it is kept there. Where the
        sender is here and idle, what may be sent now is claimed for it."""
        answer = self.as_answer(shown, address, name, received)
        claimed: list[Outgoing] = []
        if self._sender and self._sender.is_idle and not answer.held:
            claimed = answers.put_and_claim(session, answer)
        else:
            answers.put(session, answer)
        if answer.held or self._sender is None:
            return _nothing
        return partial(self._sender.kick, claimed)

    def as_answer(
        self, shown: list[dict], address: str, name: str, received: datetime
    ) -> answers.Answer:
        """What the room shows, as it is put into the outbox."""
        bodies = self.parts(plain.merged(shown))
        held = self.held(received)
        return answers.Answer(self.name(), address, bodies, name, held, self.good_for)

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


def _nothing() -> None:
    """What is held is not sent yet; what another process sends it is told of."""
