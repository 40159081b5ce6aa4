"""The Rasa server's part of an erasure: what was said, in the tracker store, memory and rooms.

Only this process holds live trackers, so it asks for erasures every few seconds and does its step.
A conversation that is being answered keeps its turn: its lock is waited for. What cannot be reached
now is tried again at the next round.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from cdp import erasure
from connectors import erasures as rooms

logger = logging.getLogger(__name__)

STEP = "talks"
EVERY_SECONDS = 5.0


class Erasures:
    """A task beside the server's own; `agent` is Rasa's agent with our tracker store."""

    def __init__(self, agent, every: float = EVERY_SECONDS) -> None:
        self._agent = agent
        self._every = every
        self._task: asyncio.Task | None = None

    def start(self) -> None:
        """Begin to ask; call on the server's event loop."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Stop asking; an erasure under way is taken up again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def run_due(self, now=None) -> int:
        """Do what is due; how many erasures."""
        due = await asyncio.to_thread(erasure.due_elsewhere, STEP, now)
        for number, subject in due:
            counts = await self._erase(subject)
            await asyncio.to_thread(erasure.done, number, STEP, counts)
            logger.info("erasure.talks.done conversations=%d", counts["conversations"])
        return len(due)

    async def _erase(self, subject) -> dict[str, int]:
        signed_in = await asyncio.to_thread(rooms.conversations_of, subject.shoppers)
        conversations = sorted({*subject.conversations, *signed_in})
        events = 0
        for conversation in conversations:
            async with self._agent.lock_store.lock(conversation):
                events += await self._agent.tracker_store.erase(conversation)
        counts = await asyncio.to_thread(rooms.erase_rooms, conversations)
        return {"conversations": len(conversations), "tracker_events": events, **counts}

    async def _watch(self) -> None:
        while True:
            try:
                await self.run_due()
            except Exception:
                # The database is away, or the tables are not made yet: there is a next round.
                logger.exception("erasure.talks.failed")
            await asyncio.sleep(self._every)
