"""How much a sender, and an address, may send to a vendor's channel.

    CHANNELS_LIMIT_SENDER     messages of one shopper; what is over is acknowledged and dropped (a
                              program that asks by REST is told)
    CHANNELS_LIMIT_ADDRESS    requests of one address; a vendor's own servers must get through
    CHANNELS_LIMIT_REFUSED    of these, such as were refused: who guesses is soon not looked at

In the notation of the `limits` library ("30/minute"); counted in Redis where `REDIS_URL` is set,
else in this process. Behind a proxy the address is the shopper's own only if Sanic is told of the
proxy (`SANIC_PROXIES_COUNT`). What cannot be counted is let through.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from functools import lru_cache

from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter
from sanic import Blueprint, HTTPResponse, Request, response

from storage.counts import counts

logger = logging.getLogger(__name__)

SENDER, ADDRESS, REFUSED = "SENDER", "ADDRESS", "REFUSED"
LIMITS = {SENDER: "30/minute", ADDRESS: "12000/minute", REFUSED: "120/minute"}
_REFUSALS = frozenset({400, 401, 403, 413})


class Floods:
    """The counts of one channel."""

    def __init__(self, channel: str, of_sender: str = LIMITS[SENDER]) -> None:
        self._channel = channel
        self._limits = {**LIMITS, SENDER: of_sender}
        self._shared = os.environ.get("REDIS_URL", "")
        # The limiter only refers to its storage weakly.
        self._counts = counts(self._shared)
        self._limiter = FixedWindowRateLimiter(self._counts)

    async def sender(self, who: str) -> bool:
        """Whether this shopper may send one more; it is counted."""
        return await self._asked(self._limiter.hit, SENDER, who)

    def watch(self, routes: Blueprint, most_bytes: int) -> None:
        """Refuse, before the routes are reached, addresses that flood and bodies too large."""

        @routes.middleware("request")
        async def before(request: Request) -> HTTPResponse | None:
            address = _address(request)
            few = await self._asked(self._limiter.hit, ADDRESS, address)
            if not few or not await self._asked(self._limiter.test, REFUSED, address):
                logger.warning("%s.request.refused reason=flood", self._channel)
                return response.text("too many requests", 429, {"Retry-After": "60"})
            if len(request.body) > most_bytes:
                return response.text(f"the body: expected at most {most_bytes} bytes", 413)
            return None

        @routes.middleware("response")
        async def after(request: Request, answer: HTTPResponse) -> None:
            if answer is not None and answer.status in _REFUSALS:
                await self._asked(self._limiter.hit, REFUSED, _address(request))

    async def _asked(self, ask, what: str, who: str) -> bool:
        item = _item(os.environ.get(f"CHANNELS_LIMIT_{what}") or self._limits[what])
        named = (item, "channel", self._channel, what, _hashed(who))
        try:
            # Only Redis is waited for.
            return await asyncio.to_thread(ask, *named) if self._shared else ask(*named)
        except Exception as error:
            logger.warning("%s.limits.unavailable error=%s", self._channel, type(error).__name__)
            return True


def _address(request: Request) -> str:
    return request.remote_addr or request.ip


@lru_cache(maxsize=1_000)
def _hashed(who: str) -> str:
    """Neither a shopper nor an address stands in the counts."""
    return hashlib.blake2b(who.encode(), digest_size=12).hexdigest()


@lru_cache(maxsize=16)
def _item(text: str) -> RateLimitItem:
    return parse(text)
