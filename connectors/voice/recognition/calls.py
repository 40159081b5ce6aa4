"""Calls to a recognition service: tried twice, and not at all for a while when it keeps failing."""

from __future__ import annotations

import logging

import pybreaker
import tenacity

from connectors.voice.recognition.base import Provider, RecognitionError, Refused, Unavailable

logger = logging.getLogger(__name__)

TRIES = 2
PAUSE_SECONDS = 0.3
FAILURES, REST_SECONDS = 5, 60.0


class Calls:
    """One service, called with care."""

    def __init__(self, provider: Provider, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.provider = provider
        self._wait = tenacity.wait_random_exponential(multiplier=pause_seconds, max=2.0)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES, reset_timeout=REST_SECONDS, exclude=[Refused]
        )

    async def words(self, wav: bytes) -> str:
        """What is said in a WAV.

        Raises:
            Unavailable: no good answer after all tries, or the service rests. Refused.
        """
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(Unavailable),
            reraise=True,
        )
        try:
            return await retrying(self._once, wav)
        except pybreaker.CircuitBreakerError as error:
            raise Unavailable(f"{self.provider.name}: it failed too often and rests") from error

    async def _once(self, wav: bytes) -> str:
        with self._breaker.calling():
            try:
                return await self.provider.words(wav)
            except RecognitionError as error:
                logger.warning("voice.recognition.failed reason=%s", error)
                raise
