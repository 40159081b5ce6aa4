"""How much a vendor lets through after a shopper's own message, known before it has to say so.

What is to be sent at once and would not fit is sent as one message (`together`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from cdp.messages import outbox
from cdp.messages.outbox import Outgoing
from connectors import plain
from connectors.sender import NotSent, Refused

# How the vendor's number begins of what went with another message.
WITH = "with "

Parts = Callable[[dict], "list[dict]"]
Shown = Callable[[Outgoing], Outgoing]


@dataclass(frozen=True)
class Quota:
    """So many messages within so long after a shopper's own; `free`: how the vendor's numbers of
    those begin that do not count."""

    most: int
    window: timedelta
    free: tuple[str, ...] = ()

    def left(self, channel: str, address: str, parts: Parts) -> int:
        """How many more may be sent now."""
        used, silent = outbox.used(
            channel, address, (WITH, *self.free), lambda body: len(parts(body))
        )
        return 0 if silent > self.window else max(0, self.most - used)


@asynccontextmanager
async def together(
    channel: str, message: Outgoing, left: int, parts: Parts, shown: Shown
) -> AsyncIterator[list[dict]]:
    """The messages of the vendor's that a message makes; with it goes what else is being sent
    there now, if one after the other they would be more than are left.

    shown: another message as the room shows it. What goes with a message has its outcome.
    """
    with_it, made = await asyncio.to_thread(_chosen, channel, message, left, parts, shown)
    try:
        yield made
    except Exception as error:
        for one in with_it:
            await asyncio.to_thread(_not_through, one, error)
        raise
    for one in with_it:
        await asyncio.to_thread(outbox.sent, one.id, f"{WITH}{message.name}")


def _chosen(
    channel: str, message: Outgoing, left: int, parts: Parts, shown: Shown
) -> tuple[list[Outgoing], list[dict]]:
    made = parts(message.body)
    others = outbox.beside(channel, message) if left else []
    if len(made) + sum(len(parts(one.body)) for one in others) <= left:
        return [], made
    chosen: list[Outgoing] = []
    for one in map(shown, others):
        longer = parts(plain.merged([message.body, *(each.body for each in chosen), one.body]))
        if len(longer) > left:
            break
        chosen, made = [*chosen, one], longer
    return chosen, made


def _not_through(one: Outgoing, error: Exception) -> None:
    if isinstance(error, (NotSent, Refused)):
        outbox.not_sent(one.id, str(error))
    else:
        outbox.perhaps_sent(one.id, type(error).__name__)
