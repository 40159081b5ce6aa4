"""The inner half of a vendor's path: kept messages go to Rasa, and the answers into the outbox."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from connectors import rooms
from connectors.fixed_words import HEARD
from connectors.guard import TextRefused, plain_text, readable
from connectors.incoming import not_read
from connectors.rooms import Pending
from connectors.voice import hearing
from connectors.worker import Handle, Kept, Worker, events_of

if TYPE_CHECKING:
    from connectors.vendor import VendorInput

logger = logging.getLogger(__name__)


class Answering:
    """Works off a channel's inbox; `handle` gives a message to the Rasa of a Sanic app."""

    def __init__(self, channel: VendorInput, handle: Handle, app) -> None:
        self._channel = channel
        self._hearing = hearing.of_loop()
        self._worker = Worker(
            channel.name(),
            handle,
            _nobody_looks,
            events_of(app),
            self._into_outbox,
            self._heard,
        )

    async def start(self) -> None:
        """Take up what is left of before, and look now and then for what nobody told of."""
        await self._worker.recover()
        if not self._channel.is_off:
            self._worker.look_regularly()

    def kick(self, conversation: str, oldest: Pending | None = None) -> None:
        """There is a kept message of that conversation; see `Worker.kick`."""
        self._worker.kick(conversation, oldest)

    async def stop(self) -> None:
        """Come to the end of the messages under way."""
        await self._worker.stop()
        await self._hearing.close()

    async def _heard(self, message: Pending) -> Pending | list[dict]:
        """What Rasa is given of a message: of a recording its words, and how they were said."""
        context, conversation = message.context, message.conversation
        if not context.get("recording"):
            voice = self._hearing.kept_mood(conversation)
            return replace(message, context={**context, "voice": voice}) if voice else message
        try:
            content = await self._channel.recording(context["recording"])
        except Exception as error:
            # Its words may have come with it.
            name = type(error).__name__
            logger.warning("%s.recording.missing error=%s", self._channel.name(), name)
            content = b""
        ids = [("conversation", conversation), tuple(context["who"])]
        heard = await self._hearing.hear(content, ids, message.text)
        try:
            # What came with its words was looked at when it was kept; they may be a choice.
            text = message.text or plain_text(heard.text)
        except TextRefused:
            self._hearing.keep_mood(conversation, heard)
            why = "too_long" if heard.text else "voice"
            return [{"text": await asyncio.to_thread(not_read, conversation, why)}]
        if not message.text:
            told = f"{HEARD}{readable(heard.text)}"
            await asyncio.to_thread(rooms.reword, conversation, message.client_id, told)
        return replace(message, text=text, context={**context, "voice": heard.voice})

    def _into_outbox(self, message: Pending, session: Session, shown: list[dict]) -> Kept:
        channel = self._channel
        address = message.conversation.removeprefix(f"{channel.name()}-")
        name = channel.answer_name(address, message.client_id)
        then = channel.into_box(session, shown, address, name, message.received_at)
        return partial(channel.has_answers, message.conversation, then)


async def _nobody_looks(_conversation: str, _frame: dict) -> None:
    """A vendor's rooms are seen by what is sent."""
