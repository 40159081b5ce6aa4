"""How much a vendor lets through after a shopper's own message, known before it has to say so.

What is to be sent at once and would not fit is sent as one message (`together`), and so is what has
a card where little would be left: words come before cards. An answer does not take the last place
while others are to come, as after a failure of ours: it waits for them, and goes with the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from cdp.messages import outbox
from cdp.messages.outbox import Outgoing
from connectors import plain, rooms
from connectors.sender import NotSent, Refused
from storage import read

# How the vendor's number begins of what went with another message.
WITH = "with "
# How many messages a card leaves for what there may be to say later.
SPARE = 2
# How often an answer lets others come before it takes the last place (`outbox` pauses ever longer).
PATIENT_TRIES = 6

Parts = Callable[[dict], "list[dict]"]
Shown = Callable[[Outgoing], Outgoing]


@dataclass(frozen=True)
class Quota:
    """So many messages within so long after a shopper's own; `free`: how the vendor's numbers of
    those begin that do not count."""

    most: int
    window: timedelta
    free: tuple[str, ...] = ()

    def left(self, session: Session, channel: str, address: str, parts: Parts) -> int:
        """How many more may be sent now."""
        free = (WITH, *self.free)
        used, silent = outbox.used(session, channel, address, free, lambda body: len(parts(body)))
        return 0 if silent > self.window else max(0, self.most - used)


@asynccontextmanager
async def together(
    channel: str, message: Outgoing, quota: Quota, parts: Parts, texts: Parts, shown: Shown
) -> AsyncIterator[tuple[list[dict], int]]:
    """The messages of the vendor's that a message makes, and how many are left; with it goes what
    else is being sent there now, if one after the other they would be more.

    parts: the messages of an answer, with a card where it has one; texts: the same without. shown:
    another message as the room shows it. What goes with a message has its outcome.
    """
    forms = (parts, texts)
    with_it, made, left = await asyncio.to_thread(_chosen, channel, message, quota, forms, shown)
    try:
        yield made, left
    except Exception as error:
        for one in with_it:
            await asyncio.to_thread(_not_through, one, error)
        raise
    for one in with_it:
        await asyncio.to_thread(outbox.sent, one.id, f"{WITH}{message.name}")


def _chosen(
    channel: str, message: Outgoing, quota: Quota, forms: tuple[Parts, Parts], shown: Shown
) -> tuple[list[Outgoing], list[dict], int]:
    parts, texts = forms
    with read() as session:
        left = quota.left(session, channel, message.address, parts)
        others = outbox.beside(session, channel, message) if left else []
        waiting = _waiting(session, channel, message, left, len(parts(message.body)))
    others = sorted([*others, *waiting], key=lambda one: one.id)
    bodies = [message.body, *(one.body for one in others)]
    made = [parts(body) for body in bodies]
    if _fits(made, [texts(body) for body in bodies], left, texts(plain.merged(bodies))):
        return [], made[0], left
    chosen: list[Outgoing] = []
    for one in map(shown, others):
        if len(texts(_as_one(message, [*chosen, one]))) > left:
            break
        chosen.append(one)
    if waiting:
        # One may have become the reply to a request meanwhile.
        gone = {one.id for one in waiting}
        gone -= outbox.take(one.id for one in chosen if one.id in gone)
        chosen = [one for one in chosen if one.id not in gone]
    told = texts(_as_one(message, chosen))
    if made[0] != texts(message.body) and len(told) <= left:
        # For good: it is counted, and tried again, as it is said now.
        outbox.reword(message.id, {**message.body, plain.AS_TEXT: True})
    return chosen, told, left


def _as_one(message: Outgoing, others: list[Outgoing]) -> dict:
    """What a message and others say, in the order in which they were put there."""
    if not others:
        return message.body
    return plain.merged(one.body for one in sorted([message, *others], key=lambda one: one.id))


def _waiting(
    session: Session, channel: str, message: Outgoing, left: int, wanted: int
) -> list[Outgoing]:
    """The answers that an answer in the last place takes with it; none, where there is place.

    Raises:
        NotSent: there are messages to be answered yet.
    """
    if message.person_id is not None or not left or wanted < left:
        return []
    patient = message.tries < PATIENT_TRIES
    if patient and rooms.is_unanswered(session, f"{channel}-{message.address}"):
        raise NotSent("the last place is for what is to come")
    return outbox.answers_waiting(session, channel, message.address)


def _fits(made: list[list[dict]], said: list[list[dict]], left: int, least: list[dict]) -> bool:
    """Whether messages may be sent as they are made; said: as texts; least: all of them as one."""
    wanted = sum(map(len, made))
    # Without a card, or if it costs no more than its words, nothing has to be left over.
    return wanted <= (left if made == said or wanted <= len(least) else left - SPARE)


def _not_through(one: Outgoing, error: Exception) -> None:
    if isinstance(error, (NotSent, Refused)):
        outbox.not_sent(one.id, str(error))
    else:
        outbox.perhaps_sent(one.id, type(error).__name__)
