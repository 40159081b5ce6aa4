"""Translations of the last hour, in memory alone: a shopper's words are not kept for this."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 5_000
LIFE_SECONDS = 3600.0

Key = tuple[str, str, str]


class Cache:
    """The newest `most` translations by (source, target, text), each for `life_seconds`.

    hits, misses: how often one was there when it was asked for, and how often not.
    """

    def __init__(
        self,
        most: int = MOST,
        life_seconds: float = LIFE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._life, self._clock = most, life_seconds, clock
        self._known: OrderedDict[Key, tuple[float, str]] = OrderedDict()
        self.hits = self.misses = 0

    def get(self, key: Key) -> str | None:
        """The translation, if there is one that is not too old."""
        found = self._known.get(key)
        if found is not None and self._clock() - found[0] > self._life:
            del self._known[key]
            found = None
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._known.move_to_end(key)
        return found[1]

    def put(self, key: Key, text: str) -> None:
        """Keep a translation, in place of the one used longest ago where there are too many."""
        self._known[key] = (self._clock(), text)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
