"""What the tests of vendors' channels share: a bot in Rasa's place, and what was kept."""

from __future__ import annotations

import asyncio
from collections import Counter

from sqlalchemy import select

from cdp.messages.tables import OutboxRow
from connectors.rooms import InboxRow
from storage import read


class Bot:
    """Stands for Rasa: answers with what it was told, after a while if it is told so."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.seconds = 0.0
        self.answer: dict = {}
        self.does = None
        # Closed, it lets nothing be answered.
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once: Counter[str] = Counter()
        self.most_at_once = 0

    async def __call__(self, message) -> None:
        self.heard.append(message.text)
        self.at_once[message.sender_id] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[message.sender_id])
        try:
            await self._answer(message)
        finally:
            self.at_once[message.sender_id] -= 1

    async def _answer(self, message) -> None:
        await self.gate.wait()
        await asyncio.sleep(self.seconds)
        if self.does:
            await asyncio.to_thread(self.does, message)
        answer = self.answer or {"text": f"听到：{message.text}"}
        await message.output_channel.send_response(message.sender_id, answer)


async def does(act, *given):
    """What a shopper does, in a thread: the vendor's pushes block until they are answered."""
    return await asyncio.to_thread(act, *given)


async def until(true, seconds: float = 60.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def inbox() -> list[str]:
    with read() as session:
        return list(session.scalars(select(InboxRow.text).order_by(InboxRow.id)))


def box() -> list[tuple[str, str | None]]:
    with read() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        return [(row.state, row.vendor_id) for row in rows]
