"""Calls to a provider: with a time limit, tried again with jitter, and not at all for a while when
it keeps failing (a breaker for each provider)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pybreaker
import tenacity

from connectors.translation.base import (
    Provider,
    Refused,
    Throttled,
    TranslationError,
    Unavailable,
    Unchanged,
)

logger = logging.getLogger(__name__)

# Of one try. A shopper waits, twice a turn, and a channel waits 30 s for the whole of it.
TRY_SECONDS = 4.0
TRIES = 2
PAUSE_SECONDS = 0.2
FAILURES = 5
REST_SECONDS = 60.0


class Calls:
    """One provider, called with care."""

    def __init__(
        self,
        provider: Provider,
        try_seconds: float = TRY_SECONDS,
        tries: int = TRIES,
        pause_seconds: float = PAUSE_SECONDS,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """tries: of one call; pause_seconds: before the second, with jitter; failures: in a row,
        after which nothing is called for `rest_seconds`."""
        self.provider = provider
        self._try_seconds = try_seconds
        self._tries = tries
        self._wait = tenacity.wait_random_exponential(multiplier=pause_seconds, max=2.0)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures, reset_timeout=rest_seconds, exclude=[Refused]
        )
        self._made = self._failed = 0

    async def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The texts in the other language.

        Raises:
            Unavailable: no good answer after all tries, or the provider rests.
            Unchanged or Refused.
        """
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._tries),
            wait=self._wait,
            retry=tenacity.retry_if_exception(_worth_another),
            reraise=True,
        )
        try:
            return await retrying(self._once, texts, source, target)
        except pybreaker.CircuitBreakerError as error:
            raise Unavailable(f"{self.provider.name}: it failed too often and rests") from error

    def health(self) -> dict[str, Any]:
        """The provider's name, whether it is abroad, its state and how often it was called."""
        resting = self._breaker.current_state == pybreaker.STATE_OPEN
        return {
            "provider": self.provider.name,
            "abroad": self.provider.abroad,
            "state": "resting" if resting else "ok",
            "calls": self._made,
            "failures": self._failed,
        }

    async def _once(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        with self._breaker.calling():
            self._made += 1
            try:
                return await self._answer(texts, source, target)
            except TranslationError as error:
                self._failed += 1
                logger.warning(
                    "translation.failed provider=%s kind=%s reason=%s",
                    self.provider.name,
                    type(error).__name__,
                    error,
                )
                raise

    async def _answer(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        name = self.provider.name
        try:
            answer = await asyncio.wait_for(
                self.provider.translate(texts, source, target), self._try_seconds
            )
        except asyncio.TimeoutError as error:
            raise Unavailable(f"{name}: no answer in {self._try_seconds:g} s") from error
        if len(answer) != len(texts):
            raise Unavailable(f"{name}: {len(answer)} texts for {len(texts)}")
        for text, told in zip(texts, answer, strict=True):
            if not told.strip():
                raise Unavailable(f"{name}: an empty text")
            # What googletrans does when it is throttled, and what a page in the way looks like.
            if told.strip().casefold() == text.strip().casefold():
                raise Unchanged(f"{name}: a text came back as it was")
        return answer


def _worth_another(error: BaseException) -> bool:
    return isinstance(error, Unavailable) and not isinstance(error, Throttled)
