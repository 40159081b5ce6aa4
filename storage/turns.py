"""Whose turn it is to write to an SQLite file: those who wait go before whoever has just written.

SQLite lets one write at a time, and the others ask again every so often; a process that writes
batch after batch is then always the first to ask, and the rest starve. Here a writer first stands
in a queue of one (`.queue`), takes the turn (`.turn`), and leaves the queue: whoever comes back
finds somebody in it. Threads of one process wait for each other's lock, and are woken; processes
for the kernel's (`flock`), which ends with its process.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

_ASK_SECONDS = 0.003


@contextmanager
def taken(database: Path, patience: float) -> Iterator[None]:
    """Hold the turn to write to that file.

    patience: seconds to wait for it; after them it goes on without, and SQLite decides.
    """
    end = time.monotonic() + patience
    with ExitStack() as held:
        with _place(f"{database}.queue").held(end) as mine:
            if mine:
                held.enter_context(_place(f"{database}.turn").held(end))
        yield


class _Place:
    """What one thread of one process has at a time."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._here = threading.Lock()

    @contextmanager
    def held(self, end: float) -> Iterator[bool]:
        """Have it; whether it came about before that time (monotonic, in seconds)."""
        if not self._here.acquire(timeout=max(0.0, end - time.monotonic())):
            yield False
            return
        try:
            file = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                yield _wait(file, end)
            finally:
                os.close(file)
        finally:
            self._here.release()


@lru_cache(maxsize=256)
def _place(file: str) -> _Place:
    return _Place(file)


# A child is not to wait for a thread that its parent has.
os.register_at_fork(after_in_child=_place.cache_clear)


def _wait(file: int, end: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
        time.sleep(_ASK_SECONDS)
