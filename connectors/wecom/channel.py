"""WeCom's customer service (微信客服): a callback that only calls, and messages that are fetched.

The callback says that there is something; `kf/sync_msg` brings it, page by page from where we were.
The cursor moves when a page is kept, for messages within a second, so a crash in between brings it
once more, and twice is once.
Who asks for a person is moved into the pool of servicers, and is the bot's again when that ends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from sanic import Blueprint
from sqlalchemy import orm
from sqlalchemy.exc import SQLAlchemyError

from cdp import cases
from cdp.messages import addresses, outbox
from cdp.messages.outbox import Outgoing
from connectors import cards
from connectors.cards import Cards
from connectors.incoming import Incoming
from connectors.pictures import Pictures
from connectors.quota import Quota, together
from connectors.sender import NotSent, Refused
from connectors.tencent import ApiError, NoAnswer, NotReached
from connectors.vendor import VendorInput
from connectors.voice.formats import MAX_BYTES
from connectors.wecom import callback, cursors, outgoing, payloads
from connectors.wecom.client import Client, Corp
from connectors.wecom.payloads import Entered, Session, Undelivered

logger = logging.getLogger(__name__)

# How the outbox knows what was the answer to an event, which counts for no quota.
ON_EVENT = "event "
QUOTA = Quota(5, timedelta(hours=48), (ON_EVENT,))
PAGE = 1_000
CALLED = "kf_msg_or_event"
CODE_SECONDS = 18.0  # WeCom's 20, less the way there
PAUSES = (1.0, 5.0, 30.0)
FAILED_PAUSES = (0.0, 0.3, 0.7)
MOVE_SECONDS = 1.0
POOL, PERSON = 2, 3
_SEND, _ON_EVENT = "/cgi-bin/kf/send_msg", "/cgi-bin/kf/send_msg_on_event"
_WITH_A_PERSON, PERSON_PAUSE = 95018, timedelta(minutes=10)
_LATER = {45009: timedelta(minutes=1), -1: timedelta(seconds=10)}


class WeComInput(VendorInput):
    """The channel `wecom`; without an enterprise it is off and refuses everything."""

    identifier = "external_userid"

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/wecom`."""
        return "wecom"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> WeComInput:
        """Read the enterprise from the environment (`Corp.from_environment`)."""
        return cls(Corp.from_environment())

    def __init__(self, corp: Corp | None) -> None:
        super().__init__()
        self._corp = corp
        self._client: Client | None = None
        self._pictures: Pictures | None = None
        self._cards: Cards | None = None
        self._codes: dict[str, tuple[str, float]] = {}
        self._with_person: set[str] = set()
        self._syncing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # Accounts that will be asked soon, with the token of the newest callback.
        self._called: dict[str, str | None] = {}
        self._tasks: set[asyncio.Task] = set()
        # How far messages are taken, where that is known; of which accounts it will be noted soon.
        self._cursors: dict[str, str] = {}
        self._moving: set[str] = set()
        if corp is None:
            self.off()

    def add_routes(self, routes: Blueprint) -> None:
        """WeCom's callback."""
        callback.add_routes(routes, self.name(), self._corp, self._received)

    async def connect(self) -> None:
        """The enterprise's API, and how cards are shown by it."""
        self._client = Client(self._corp, shared=True)
        self._pictures = Pictures(self._client, f"wecom {self._corp.corp_id}")
        form = outgoing.card_form(self._corp.page)
        self._cards = Cards(self.name(), self._pictures, form)

    async def listen(self) -> None:
        """Take what came while nobody listened, and what an app's callback brings for us."""
        callback.takes(CALLED, self._received)
        for open_kfid in await asyncio.to_thread(cursors.accounts):
            self._sync_soon(open_kfid, None)

    async def leave(self) -> None:
        """Leave what is not fetched to the next start."""
        callback.takes(CALLED, None)
        for task in self._tasks:
            task.cancel()

    async def disconnect(self) -> None:
        """Let go of its connections."""
        if self._client:
            await self._pictures.close()
            await self._client.close()

    async def _received(self, told: dict) -> None:
        """WeCom keeps the messages for three days: nothing is lost if we end here."""
        if told.get("Event") == CALLED and isinstance(told.get("OpenKfId"), str):
            self._sync_soon(told["OpenKfId"], told.get("Token"))

    def _sync_soon(self, open_kfid: str, token: str | None) -> None:
        if open_kfid in self._called:
            # That it will be asked soon covers this call too, by the newer token.
            self._called[open_kfid] = token
            return
        self._called[open_kfid] = token
        self._begin(self._sync(open_kfid))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sync(self, open_kfid: str) -> None:
        """Take all there is of an account; after a failure again, and at the next callback."""
        async with self._syncing[open_kfid]:
            token = self._called.pop(open_kfid)
            for pause in (*PAUSES, None):
                try:
                    await self._take_pages(open_kfid, token)
                    return
                except (ApiError, NotReached, NoAnswer, SQLAlchemyError):
                    logger.exception("wecom.sync.failed")
                    if pause is None:
                        return
                await asyncio.sleep(pause)

    async def _take_pages(self, open_kfid: str, token: str | None) -> None:
        more = True
        while more:
            if open_kfid not in self._cursors:
                self._cursors[open_kfid] = await asyncio.to_thread(cursors.of, open_kfid)
            asked = {"cursor": self._cursors[open_kfid], "limit": PAGE, "open_kfid": open_kfid}
            told = await self._client.call(
                "/cgi-bin/kf/sync_msg", {**asked, "token": token} if token else asked
            )
            of: dict[object, list[dict]] = defaultdict(list)
            entries = told.get("msg_list") or ()
            for entry in entries:
                of[_shopper(entry)].append(entry)
            await asyncio.gather(*map(self._take_in_order, of.values()))
            if told.get("next_cursor"):
                self._cursors[open_kfid] = told["next_cursor"]
                if any(entry.get("msgtype") == "event" for entry in entries):
                    # What it says may be over by the time it comes once more.
                    await asyncio.to_thread(cursors.move, open_kfid, told["next_cursor"])
                elif open_kfid not in self._moving:
                    self._moving.add(open_kfid)
                    self._begin(self._move_soon(open_kfid))
            # A page may be empty though more follow.
            more = bool(told.get("has_more"))

    async def _move_soon(self, open_kfid: str) -> None:
        """Note how far messages are kept, out of the way of their answers."""
        await asyncio.sleep(MOVE_SECONDS)
        self._moving.discard(open_kfid)
        try:
            await asyncio.to_thread(cursors.move, open_kfid, self._cursors[open_kfid])
        except SQLAlchemyError:
            logger.exception("wecom.cursor.not_moved")

    async def _take_in_order(self, entries: list[dict]) -> None:
        """One shopper's; different ones' share the wait for the disk."""
        for entry in entries:
            await self._take_entry(entry)

    async def _take_entry(self, entry: dict) -> None:
        try:
            found = payloads.of_message(entry)
        except ValueError as refused:
            logger.warning("wecom.message.malformed reason=%s", refused)
            return
        if isinstance(found, Session):
            await self._changed(found)
        elif isinstance(found, Undelivered):
            await self._undelivered(found)
        elif isinstance(found, Entered):
            if found.code:
                end = time.monotonic() + CODE_SECONDS
                self._codes[found.incoming.address] = (found.code, end)
            await self.take(found.incoming)
        elif found is not None:
            await self.take(found)

    async def _changed(self, found: Session) -> None:
        conversation = self.conversation(found.address)
        if found.with_person:
            self._with_person.add(conversation)
        else:
            self._with_person.discard(conversation)
            await asyncio.to_thread(cases.end, conversation)

    async def _undelivered(self, found: Undelivered) -> None:
        """Note what WeCom had taken, and the shopper did not get."""
        logger.warning("wecom.message.undelivered type=%s", found.kind)
        if found.kind == payloads.REJECTED:
            await asyncio.to_thread(addresses.close, self.name(), found.address)
        failure = f"fail_type {found.kind}"
        # It may be told before its number is kept.
        for pause in FAILED_PAUSES if found.name else ():
            await asyncio.sleep(pause)
            for number in (found.name, f"{ON_EVENT}{found.name}"):
                if await asyncio.to_thread(outbox.became, self.name(), number, failure):
                    return

    def may_have_person(self, session: orm.Session, conversation: str) -> bool:
        """Whether one was asked for, or has the shopper; see `VendorInput.may_have_person`."""
        return conversation in self._with_person or cases.waits(conversation, session)

    async def with_person(self, incoming: Incoming) -> bool:
        """Whether a servicer has, or is about to have, the shopper.

        What they write comes in order with who has them, and may be fetched when that is over.
        """
        if self.conversation(incoming.address) in self._with_person:
            return True
        try:
            whose = _whose(incoming.address)
            told = await self._client.call("/cgi-bin/kf/service_state/get", whose)
        except (ApiError, NotReached, NoAnswer):
            logger.exception("wecom.state.unknown")
            return False
        return told.get("service_state") in (POOL, PERSON)

    def parts(self, body: dict) -> list[dict]:
        """In messages that WeCom takes."""
        return outgoing.parts(body)

    async def recording(self, media: str) -> bytes:
        """By `media/get`; see `VendorInput.recording`."""
        return await self._client.download(media, MAX_BYTES)

    async def deliver(self, message: Outgoing) -> str | None:
        """By `kf/send_msg`, or in the first seconds of a session by its welcome code."""
        if self._client is None:
            raise Refused("WECOM_CORP_ID is not set")
        forms = (outgoing.parts, outgoing.texts)
        code, end = self._codes.pop(message.address, ("", 0.0))
        in_time = bool(code) and time.monotonic() < end
        async with together(self.name(), message, QUOTA, *forms, self.in_room) as (parts, left):
            if len(parts) > left + in_time:
                # Known before WeCom has to say it.
                raise Refused(f"{left} of {QUOTA.most} left within {QUOTA.window}")
            for place, part in enumerate(parts, 1):
                number = {"msgid": f"{message.name}-{place}"}
                if in_time and place == 1:
                    await self._send(message, _ON_EVENT, {"code": code, **number}, part)
                else:
                    await self._send(message, _SEND, {**_to(message.address), **number}, part)
        await self._hand_over(message.address)
        return f"{ON_EVENT if in_time else ''}{message.name}"

    async def _send(self, message: Outgoing, path: str, to: dict, part: dict) -> None:
        async def call(content: dict) -> None:
            try:
                await self._client.call(path, {**to, **content})
            except ApiError as error:
                if message.tries < 2 or "msgid" not in str(error):
                    raise
                # It has this number already: an earlier try came through.

        # To an event WeCom takes no card.
        card = cards.of(part) if path == _SEND else None
        try:
            if card is None or not await self._cards.send(card, call):
                await call(outgoing.content(part))
        except NotReached as error:
            raise NotSent(str(error)) from error
        except ApiError as error:
            if error.code in _LATER:
                raise NotSent(str(error), _LATER[error.code]) from error
            if error.code == _WITH_A_PERSON and message.person_id is not None:
                # The shop's own words wait until the servicer is done.
                raise NotSent(str(error), PERSON_PAUSE) from error
            raise Refused(str(error)) from error

    async def _hand_over(self, address: str) -> None:
        """Into the pool, if the shopper has asked for a person; it is tried with every answer."""
        if not await asyncio.to_thread(cases.waits, self.conversation(address)):
            return
        try:
            moved = {**_whose(address), "service_state": POOL}
            await self._client.call("/cgi-bin/kf/service_state/trans", moved)
        except (ApiError, NotReached, NoAnswer):
            logger.exception("wecom.handover.failed")


def _shopper(entry: dict) -> str:
    # Events name theirs within.
    event = entry.get("event") if isinstance(entry.get("event"), dict) else {}
    return str(entry.get("external_userid") or event.get("external_userid"))


def _whose(address: str) -> dict[str, str]:
    open_kfid, _, user = address.partition("/")
    return {"open_kfid": open_kfid, "external_userid": user}


def _to(address: str) -> dict[str, str]:
    whose = _whose(address)
    return {"touser": whose["external_userid"], "open_kfid": whose["open_kfid"]}
