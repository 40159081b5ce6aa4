"""What many events have in common is standardised once.

The context of a visitor's events on one page is the same, and so are the properties of the views
of one product. Results are held by a digest of what they were made from, so nothing that an event
said in clear stays in memory but what is kept anyway; they are shared and must not be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import orjson

MOST = 5_000
LONGEST = 3_000


class Common:
    """`make(*arguments)`, remembered by the content of its arguments (JSON values)."""

    def __init__(self, make: Callable):
        self._make = make
        self._held: dict[bytes, object] = {}

    def __call__(self, *arguments):
        """The result for these arguments, new or held; what `make` raises is not held."""
        dumped = orjson.dumps(arguments)
        if len(dumped) > LONGEST:
            return self._make(*arguments)
        key = blake2b(dumped, digest_size=16).digest()
        found = self._held.get(key)
        if found is None:
            found = self._make(*arguments)
            if len(self._held) >= MOST:
                self._held.clear()
            self._held[key] = found
        return found
