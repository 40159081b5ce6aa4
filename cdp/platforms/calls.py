"""Calls to a platform: with time limits, tried again a few times with jitter, and not at all for a
while when the platform is down (a breaker for each host)."""

from __future__ import annotations

import logging

import httpx
import pybreaker
import tenacity

from cdp.platforms.base import Rejected, Unavailable

logger = logging.getLogger(__name__)
# It tells whole addresses, and some platforms take tokens in them.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LIMITS = httpx.Timeout(15.0, connect=5.0)
_LARGEST = 20 * 1024 * 1024
_LONGEST_PAUSE_S = 60.0


class Caller:
    """Calls to one host."""

    def __init__(
        self,
        base_url: str,
        attempts: int = 4,
        pause_s: float = 0.5,
        failures: int = 5,
        rest_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ):
        """attempts: of one call; pause_s: before the second, then doubled, each with jitter;
        failures: in a row, after which nothing is called for `rest_s`."""
        # No redirects: a token is for this host and no other.
        self._client = httpx.Client(
            base_url=base_url, timeout=_LIMITS, transport=transport, follow_redirects=False
        )
        self._attempts = attempts
        self._jitter = tenacity.wait_random_exponential(multiplier=pause_s, max=10.0)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures, reset_timeout=rest_s, exclude=[Rejected]
        )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def json(self, method: str, path: str, judge, **arguments) -> dict:
        """The JSON object of an answer, once `judge(answer)` lets it pass.

        judge: raises Unavailable or Rejected for what the platform says in its own codes.

        Raises:
            Unavailable: no good answer after all attempts, or the host rests.
            Rejected: the call itself is refused.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(Unavailable),
            reraise=True,
        )
        try:
            return retrying(self._breaker.call, self._once, method, path, judge, **arguments)
        except pybreaker.CircuitBreakerError as error:
            raise Unavailable(
                f"{path}: it failed too often and is left alone for a while"
            ) from error

    def _once(self, method: str, path: str, judge, **arguments) -> dict:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise Unavailable(f"{path}: {type(error).__name__}") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(f"{path}: HTTP {answer.status_code}", _after(answer))
        if answer.status_code != 200:
            raise Rejected(f"{path}: HTTP {answer.status_code}")
        if len(answer.content) > _LARGEST:
            raise Rejected(f"{path}: an answer of {len(answer.content):,} bytes")
        try:
            told = answer.json()
        except ValueError as error:
            raise Unavailable(f"{path}: an answer that is not JSON") from error
        if not isinstance(told, dict):
            raise Rejected(f"{path}: expected a JSON object")
        judge(told)
        return told

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception()
        asked = getattr(error, "after_s", None) or 0.0
        logger.info("platform.retry attempt=%d reason=%s", state.attempt_number, error)
        return max(self._jitter(state), min(asked, _LONGEST_PAUSE_S))


def _after(answer: httpx.Response) -> float | None:
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdigit() else None
