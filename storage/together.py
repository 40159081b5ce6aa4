"""Writes that come at once share one transaction, and so one wait for the disk.

A commit that outlives a power cut waits for the disk, and one waits for the other; what fifty
webhooks a second have to keep would soon be waiting for hours. While one transaction runs, what
comes meanwhile gathers, and goes into the next; alone, a write waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from storage.database import write

MOST = 50

T = TypeVar("T")
Work = Callable[[Session], Any]


async def together(work: Callable[[Session], T]) -> T:
    """What `work(session)` gives, once it is committed; for an event loop.

    Works are done in the order in which they came. One that raises is undone alone, and its error
    is raised here.

    Raises:
        SQLAlchemyError: the transaction failed, and nothing of it was kept.
    """
    loop = asyncio.get_running_loop()
    return await _writers.setdefault(loop, _Writer()).done(work)


class _Writer:
    """The writes of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Work, asyncio.Future]] = []
        self._running: asyncio.Task | None = None

    def done(self, work: Work) -> asyncio.Future:
        """The work's outcome."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            outcomes = await asyncio.to_thread(_write_all, [work for work, _ in taken])
            for (_, future), (result, error) in zip(taken, outcomes, strict=True):
                if future.cancelled():
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)


def _write_all(works: list[Work]) -> list[tuple[Any, Exception | None]]:
    try:
        with write() as session:
            if len(works) == 1:
                return [(works[0](session), None)]
            return [_apart(session, work) for work in works]
    except Exception as error:
        return [(None, error)] * len(works)


def _apart(session: Session, work: Work) -> tuple[Any, Exception | None]:
    try:
        with session.begin_nested():
            return work(session), None
    except Exception as error:
        return None, error


_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Writer] = WeakKeyDictionary()
