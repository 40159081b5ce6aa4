"""How many requests a source, and one address of a browser source, may send.

`CDP_LIMIT_SOURCE` and `CDP_LIMIT_ADDRESS` in the notation of the `limits` library; counted in
Redis where `REDIS_URL` is set (several processes), else in this process. Only browser sources are
limited by address: everybody knows their key, while a server sends for all its shoppers.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from functools import lru_cache

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from cdp.sources import Source
from storage.counts import counts

PER_SOURCE = "60000/minute"
PER_ADDRESS = "1200/minute"

logger = logging.getLogger(__name__)


def wait_for(source: Source, address: str) -> int | None:
    """Seconds until this source, or this address of it, may send again; None: it may now.

    Takes a place in the count. An address is counted by its hash and forgotten after the window.
    """
    limiter, _ = _limiter(os.environ.get("REDIS_URL", ""))
    asked = [(_item(os.environ.get("CDP_LIMIT_SOURCE") or PER_SOURCE), f"source:{source.id}")]
    if source.kind == "web":
        hashed = hashlib.blake2b(address.encode(), digest_size=12).hexdigest()
        item = _item(os.environ.get("CDP_LIMIT_ADDRESS") or PER_ADDRESS)
        asked.append((item, f"address:{source.id}:{hashed}"))
    try:
        waits = [
            _seconds_left(limiter, item, name)
            for item, name in asked
            if not limiter.hit(item, "intake", name)
        ]
    except Exception as error:
        # A limit that cannot be counted must not lose events.
        logger.warning("intake.limits.unavailable error=%s", type(error).__name__)
        return None
    return max(waits, default=None)


def _seconds_left(limiter: FixedWindowRateLimiter, item: RateLimitItem, name: str) -> int:
    reset_at = limiter.get_window_stats(item, "intake", name)[0]
    return max(1, math.ceil(reset_at - time.time()))


@lru_cache(maxsize=8)
def _item(text: str) -> RateLimitItem:
    return parse(text)


@lru_cache(maxsize=4)
def _limiter(redis: str) -> tuple[FixedWindowRateLimiter, Storage]:
    storage = counts(redis)
    # The limiter itself only holds it weakly.
    return FixedWindowRateLimiter(storage), storage
