"""Whose turn it is to write to an SQLite file: those who wait go before whoever has just written.

SQLite lets one write at a time, and the others ask again every so often; a process that writes
batch after batch is then always the first to ask, and the rest starve. Here a writer first stands
in a queue of one (`.queue`), takes the turn (`.turn`), and leaves the queue: whoever comes back
finds somebody in it. The locks are the kernel's (`flock`), so they end with their process.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ASK_SECONDS = 0.003


@contextmanager
def taken(database: Path, patience: float) -> Iterator[None]:
    """Hold the turn to write to that file.

    patience: seconds to wait for it; after them it goes on without, and SQLite decides.
    """
    end = time.monotonic() + patience
    with open(f"{database}.turn", "ab") as turn:
        with open(f"{database}.queue", "ab") as queue:
            if _wait(queue, end):
                _wait(turn, end)
        yield


def _wait(file: IO[bytes], end: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
        time.sleep(_ASK_SECONDS)
