"""Who is in which room: sockets, the sessions they showed, and what they may not have got."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from weakref import WeakValueDictionary

from cdp.session import Session

# More than goes out to one room within a ping.
_KEPT = 50


class Audience:
    """A socket is in one room at a time."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        # Who is in a room, and since when (monotonic time).
        self._present: dict[str, dict[str, float]] = defaultdict(dict)
        # What went out to a room of late: monotonic time, number.
        self._told: dict[str, deque[tuple[float, int]]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def arrive(self, sid: str, address: str) -> None:
        """A socket was opened from an address."""
        self._addresses[sid] = address

    def address(self, sid: str) -> str | None:
        """Where a socket was opened from; None if it is gone."""
        return self._addresses.get(sid)

    def session(self, sid: str) -> Session | None:
        """The session that a socket showed."""
        return self._sessions.get(sid)

    def enter(self, sid: str, session: Session) -> str | None:
        """A socket enters its session's room; the room it left for it, if any."""
        before = self._sessions.get(sid)
        moved = before is not None and before.conversation != session.conversation
        if moved:
            self._leave_room(sid)
        self._sessions[sid] = session
        self._present[session.conversation].setdefault(sid, time.monotonic())
        return before.conversation if moved else None

    def leave(self, sid: str, doubtful: float = 0) -> list[int]:
        """A socket is gone. The numbers that were told in its room within the last `doubtful`
        seconds, and to nobody who is still there."""
        self._addresses.pop(sid, None)
        return self._leave_room(sid, doubtful)

    def is_there(self, conversation: str) -> bool:
        """Whether anybody is in a room."""
        return bool(self._present.get(conversation))

    def told(self, conversation: str, number: int) -> None:
        """A message went out to a room."""
        told = self._told.setdefault(conversation, deque(maxlen=_KEPT))
        told.append((time.monotonic(), number))

    def turn(self, conversation: str) -> asyncio.Lock:
        """Whoever tells something to a room takes turns, so that nothing is told twice."""
        return self._turns.setdefault(conversation, asyncio.Lock())

    def _leave_room(self, sid: str, doubtful: float = 0) -> list[int]:
        session = self._sessions.pop(sid, None)
        if session is None:
            return []
        others = self._present[session.conversation]
        others.pop(sid, None)
        told = self._told.get(session.conversation, ())
        if not others:
            del self._present[session.conversation]
            self._told.pop(session.conversation, None)
        since, till = time.monotonic() - doubtful, min(others.values(), default=math.inf)
        return [number for at, number in told if since < at < till]
