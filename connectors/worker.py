"""Takes kept messages to Rasa, one conversation's in order, and the answers back to the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rasa.core.channels.channel import UserMessage
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cdp import cases
from connectors import rooms
from connectors.answers import AnswerCollector, answers_after
from connectors.fixed_words import spoken_in, words
from connectors.rooms import Finished, Pending
from storage.together import together

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0
# After a failure of ours (the database was busy or away); after the last, the next message or the
# next start takes up what is kept.
PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)
# Messages under way at once: what waited while Rasa was away does not come all together, so that
# each is asked with its whole time before it.
AT_ONCE = 32
# How often it is looked for kept messages of which nobody told.
LOOK_SECONDS = 5.0

# What is said where there is no answer (fixed_words.yml).
UNANSWERED = "unanswered"

Handle = Callable[[UserMessage], Awaitable[None]]
Publish = Callable[[str, dict], Awaitable[None]]
Kept = Callable[[], Awaitable[None]]
Reply = Callable[[Pending, Session, "list[dict]"], Kept]
Prepare = Callable[[Pending], "Awaitable[Pending | list[dict]]"]


class Worker:
    """One task a conversation while it has something to do.

    `handle` gives a message to Rasa, `publish` shows a frame to a room, `retrieve_events` returns
    the events of a conversation's tracker; it is asked only about messages that may have been
    answered before: those found at start, and those whose answers could not be kept. `reply` puts
    what a room shows into an outbox, where a room alone reaches nobody, and gives what is to be
    called when it is kept there. `prepare` makes of a kept message the one that Rasa is given (a
    recording is heard), or the answers that need no Rasa.
    """

    def __init__(
        self,
        channel: str,
        handle: Handle,
        publish: Publish,
        retrieve_events,
        reply: Reply | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        self._channel = channel
        self._handle = handle
        self._publish = publish
        self._retrieve_events = retrieve_events
        self._reply = reply
        self._prepare = prepare
        self._tasks: dict[str, asyncio.Task] = {}
        self._again: set[str] = set()
        self._unsure: set[str] = set()
        # What is to be answered next in a conversation, where that is known.
        self._following: dict[str, Pending] = {}
        self._stopping = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._looking: asyncio.Task | None = None

    def kick(self, conversation: str, oldest: Pending | None = None) -> None:
        """See to it that the conversation's kept messages are worked off; oldest: the first of
        them, by whoever has just kept one."""
        if self._stopping.is_set():
            return
        if conversation in self._tasks:
            self._again.add(conversation)
            return
        if oldest is not None:
            self._following[conversation] = oldest
        task = asyncio.create_task(self._drain(conversation))
        self._tasks[conversation] = task

    async def keep(self, conversation: str, *message: Any) -> rooms.Accepted:
        """Keep a message (see `rooms.accept`), and see to it that it is worked off."""
        keep = partial(rooms.accept, self._channel, conversation, *message)
        accepted = await together(lambda session: keep(session=session))
        self.kick(conversation, accepted.following)
        return accepted

    async def recover(self) -> None:
        """Take up what an earlier process had acknowledged and not done."""
        waiting = await asyncio.to_thread(rooms.conversations_pending, self._channel)
        self._unsure.update(waiting)
        for conversation in waiting:
            self.kick(conversation)
        if waiting:
            logger.info("%s.inbox.recovering conversations=%d", self._channel, len(waiting))

    def look_regularly(self) -> None:
        """From now on, find by itself what other processes have kept."""
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while not self._stopping.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
                return
            try:
                waiting = await asyncio.to_thread(rooms.conversations_pending, self._channel)
            except SQLAlchemyError as error:
                logger.warning("%s.inbox.away error=%s", self._channel, type(error).__name__)
                continue
            for conversation in waiting:
                if conversation not in self._tasks:
                    self.kick(conversation)

    async def stop(self) -> None:
        """Let messages under way come to their end; take no new ones."""
        self._stopping.set()
        if self._looking:
            await self._looking
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=TIMEOUT_SECONDS)

    async def _drain(self, conversation: str) -> None:
        pauses = iter(PAUSES)
        try:
            while not self._stopping.is_set():
                self._again.discard(conversation)
                try:
                    async with self._places:
                        if self._stopping.is_set():
                            return
                        more = await self._process_next(conversation)
                    if not more:
                        return
                    pauses = iter(PAUSES)
                except Exception:
                    logger.exception("%s.inbox.failed", self._channel)
                    # Rasa may have answered already: the next try looks before it asks again.
                    self._unsure.add(conversation)
                    self._following.pop(conversation, None)
                    if not await self._pause(next(pauses, None)):
                        return
        finally:
            del self._tasks[conversation]
            if conversation in self._again:
                self.kick(conversation)

    async def _pause(self, seconds: float | None) -> bool:
        """Wait before another try; False where there is none: no pause left, or stopping."""
        if seconds is None:
            return False
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return not self._stopping.is_set()

    async def _process_next(self, conversation: str) -> bool:
        """Answer the conversation's oldest kept message; False where none is left."""
        message = self._following.pop(conversation, None)
        if message is None:
            message = await asyncio.to_thread(rooms.pending, conversation)
        if message is not None:
            await self._process(message)
        if conversation in self._following:
            return True
        self._unsure.discard(conversation)
        return conversation in self._again

    async def _process(self, message: Pending) -> None:
        await self._publish(message.conversation, {"type": "typing", "on": True})
        try:
            answers = await self._answers(message)
            done, kept = await together(partial(self._finish, message, answers))
        finally:
            await self._publish(message.conversation, {"type": "typing", "on": False})
        if done.following is not None:
            self._following[message.conversation] = done.following
        for one in kept:
            await one()
        for room_message in done.shown:
            await self._publish(message.conversation, {"type": "message", "message": room_message})

    def _finish(
        self, message: Pending, answers: list[dict], session: Session
    ) -> tuple[Finished, list[Kept]]:
        """What came of the answers, once they are kept, and what is to be called then."""
        kept: list[Kept] = []

        def reply(session: Session, shown: list[dict]) -> None:
            kept.append(self._reply(message, session, shown))

        done = rooms.finish(message, answers, reply if self._reply else None, session)
        return done, kept

    async def _answers(self, message: Pending) -> list[dict]:
        answers = None
        if message.conversation in self._unsure:
            events = await self._retrieve_events(message.conversation)
            answers = answers_after(events, message.message_id)
        # Seen and not answered is not unseen: asking again would act twice.
        if answers is None:
            ready = await self._prepare(message) if self._prepare else message
            answers = ready if isinstance(ready, list) else await self._ask_rasa(ready)
        if not answers:
            return [await asyncio.to_thread(_leave_to_a_person, message)]
        return answers

    async def _ask_rasa(self, message: Pending) -> list[dict]:
        output = AnswerCollector(self._channel)
        try:
            await asyncio.wait_for(
                self._handle(
                    UserMessage(
                        message.text,
                        output,
                        message.conversation,
                        input_channel=self._channel,
                        message_id=message.message_id,
                        metadata=message.context,
                    )
                ),
                TIMEOUT_SECONDS,
            )
        except Exception:
            logger.exception("%s.message.failed", self._channel)
        return output.answers


def events_of(app):
    """`retrieve_events` of a Rasa server's Sanic app: what a conversation's tracker holds."""

    async def retrieve(conversation: str):
        tracker = await app.ctx.agent.tracker_store.retrieve(conversation)
        return tracker.events if tracker else []

    return retrieve


def _leave_to_a_person(message: Pending) -> dict:
    transcript = [
        {"from": shown["from"], "text": shown["text"]}
        for shown in rooms.history(message.conversation)
    ]
    cases.request_person(
        message.conversation, "unanswered", transcript, message.context.get("shopper")
    )
    return {"text": words(UNANSWERED, spoken_in(message.conversation))}
