"""Counts of what may come in: in Redis, where several processes share them, or in this one.

For the limiters of the `limits` library. Redis is named by `REDIS_URL`.
"""

from __future__ import annotations

import threading
import time

from limits.storage import MemoryStorage, Storage, storage_from_string

REDIS_SECONDS = 1.0
_MOST_COUNTS = 100_000


def counts(redis: str = "") -> Storage:
    """Counts in that Redis, or, where none is named, in this process."""
    if not redis:
        return CountsInMemory()
    # Redis that does not answer must not keep anybody waiting.
    return storage_from_string(
        redis, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )


class CountsInMemory(MemoryStorage):
    """The library's counts in memory, for many threads: its own ones race with each other, and
    start a timer thread every ten milliseconds to forget what is over."""

    STORAGE_SCHEME = ["qudao-memory"]

    def __init__(self, uri: str | None = None, **options):
        super().__init__(uri, **options)
        self._guard = threading.Lock()

    def incr(self, key: str, expiry: int, elastic_expiry: bool = False, amount: int = 1) -> int:
        """Add to a count that is over `expiry` seconds after its first; the count."""
        with self._guard:
            if len(self.storage) > _MOST_COUNTS:
                for one in [one for one in self.storage if self.get_expiry(one) <= time.time()]:
                    self.clear(one)
            found = self.get(key) + amount
            self.storage[key] = found
            if found == amount:
                self.expirations[key] = time.time() + expiry
            return found
