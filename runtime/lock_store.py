"""A lock for each conversation that wakes its waiters at once.

Rasa's own in-memory store looks once a second whether the lock is free, so a second message sent at
once waits that long for nothing. This one keeps a queue of tickets for each conversation: messages
are taken in the order they came, and the next is woken the moment the one before it is done. It
lives in one process; several Rasa servers for the same conversations need Rasa's Redis lock store.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager

from rasa.core.lock import Ticket
from rasa.core.lock_store import LOCK_LIFETIME, LockError, LockStore


class _Waiting(Ticket):
    """A ticket that can be woken. `expires`: epoch seconds."""

    def __init__(self, number: int, lifetime: float) -> None:
        super().__init__(number, time.time() + lifetime)
        self.turn = asyncio.Event()


class WakingLockStore(LockStore):
    """`lock_store.type: runtime.lock_store.WakingLockStore` in `endpoints.yml`."""

    def __init__(self, endpoint_config=None) -> None:
        super().__init__()
        self._queues: dict[str, deque[_Waiting]] = {}

    @asynccontextmanager
    async def lock(
        self,
        conversation_id: str,
        lock_lifetime: float = LOCK_LIFETIME,
        wait_time_in_seconds: float = 1,
    ):
        """Hold the conversation's lock; `lock_lifetime` in seconds, from the asking.

        A holder that outlives its lifetime no longer keeps the others waiting. The waiting time of
        Rasa's interface has no use here: nobody polls.

        Raises:
            LockError: the lifetime ended before the ticket's turn came.
        """
        queue = self._queues.setdefault(conversation_id, deque())
        ticket = _Waiting(queue[-1].number + 1 if queue else 0, lock_lifetime)
        queue.append(ticket)
        try:
            await self._wait_for_turn(conversation_id, queue, ticket)
            yield ticket
        finally:
            self._leave(conversation_id, queue, ticket)

    def is_someone_waiting(self, conversation_id: str) -> bool:
        """Whether anyone holds or waits for the conversation's lock."""
        return bool(self._queues.get(conversation_id))

    @staticmethod
    async def _wait_for_turn(conversation_id: str, queue, ticket: _Waiting) -> None:
        while queue[0] is not ticket:
            first = min(queue[0].expires, ticket.expires)
            try:
                await asyncio.wait_for(ticket.turn.wait(), max(0.0, first - time.time()))
            except asyncio.TimeoutError:
                if ticket.has_expired():
                    raise LockError(
                        f"conversation {conversation_id!r}: the messages before this one took "
                        f"longer than the lock's lifetime"
                    ) from None
                if queue[0] is not ticket and queue[0].has_expired():
                    queue.popleft()
                    queue[0].turn.set()

    def _leave(self, conversation_id: str, queue, ticket: _Waiting) -> None:
        if ticket in queue:
            queue.remove(ticket)
        if queue:
            queue[0].turn.set()
        elif self._queues.get(conversation_id) is queue:
            del self._queues[conversation_id]
