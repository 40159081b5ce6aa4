"""Empties the outbox of one channel: what the shop sends of itself (`cdp.messages`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from cdp.messages import outbox
from cdp.messages.outbox import Outgoing
from storage.alone import Alone
from storage.together import together

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# Messages taken, and so calls of the vendor's API, at once.
AT_ONCE = 20

Deliver = Callable[[Outgoing], Awaitable["str | None"]]


class NotSent(Exception):
    """It certainly was not sent, and may be tried again; `after`: no sooner than that."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Refused(Exception):
    """The vendor will never take it; the message says why."""


class Sender:
    """`deliver` hands one message to the vendor, and gives the vendor's number for it.

    It raises `NotSent` or `Refused`; anything else it raises means that nobody knows. One process
    sends at a time: another one waits until the first has ended.
    """

    def __init__(self, channel: str, deliver: Deliver) -> None:
        self._channel = channel
        self._deliver = deliver
        self._alone = Alone(f"outbox-{channel}")
        self._task: asyncio.Task | None = None
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._claimed: list[Outgoing] = []
        # Whether this process sends, and has nothing to send: what an answer's own transaction
        # claims (`outbox.claim_at`) then is sent at once.
        self.is_idle = False

    def start(self) -> None:
        """Begin; what an earlier process was sending when it ended is decided about first."""
        self._task = asyncio.create_task(self._run())

    def kick(self, claimed: Iterable[Outgoing] = ()) -> None:
        """There is something to send: do not wait until it is time to look again. claimed: some of
        it, which waits no longer in the outbox."""
        self._claimed.extend(claimed)
        self._wake.set()

    async def stop(self) -> None:
        """Come to the end of the message under way."""
        self._stopping.set()
        self.is_idle = False
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        left = None
        # What is claimed is nobody else's to send.
        while not self._stopping.is_set() or self._claimed:
            self._wake.clear()
            try:
                if left is None and self._alone.take():
                    left = await asyncio.to_thread(outbox.recover, self._channel)
                if left is not None:
                    await self._send_due()
            except Exception:
                logger.exception("%s.outbox.failed", self._channel)
            self.is_idle = left is not None and not self._stopping.is_set()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
            self.is_idle = False
        self._alone.let_go()

    async def _send_due(self) -> None:
        claimed, self._claimed = self._claimed, []
        taken = claimed or await asyncio.to_thread(outbox.claim, self._channel, AT_ONCE)
        await self._send_all(taken)
        if claimed or len(taken) == AT_ONCE:
            # There may be more.
            self._wake.set()

    async def _send_all(self, messages: list[Outgoing]) -> None:
        """One address's messages one after the other, different ones at once."""
        of: dict[str, list[Outgoing]] = {}
        for message in messages:
            of.setdefault(message.address, []).append(message)
        await asyncio.gather(*map(self._send_in_order, of.values()))

    async def _send_in_order(self, messages: list[Outgoing]) -> None:
        for place, message in enumerate(messages):
            # A later one may have gone with one before (`quota.together`).
            if place == 0 or await asyncio.to_thread(outbox.is_taken, message.id):
                await self._send(message)

    async def _send(self, message: Outgoing) -> None:
        try:
            vendor_id = await self._deliver(message)
        except NotSent as error:
            became = partial(outbox.not_sent, message.id, str(error), error.after)
        except Refused as error:
            became = partial(outbox.refused, message.id, str(error))
        except Exception as error:
            logger.exception("%s.outbox.unknown message=%d", self._channel, message.id)
            became = partial(outbox.perhaps_sent, message.id, type(error).__name__)
        else:
            became = partial(outbox.sent, message.id, vendor_id)
        await together(lambda session: became(session=session))
