"""The shop's pictures as vendors of chats take them: JPG or PNG, at a public address or uploaded.

The web application serves its drawings as PNG too (`/media/products/{id}.png`). A vendor that
fetches pictures itself is given the address, once it was seen that there is a picture; one that
does not is given a copy, whose number is kept for its life (`media`). Whatever fails is
`NoPicture`: then the card is said as text.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import httpx
import pybreaker
import tenacity
from sqlalchemy.exc import SQLAlchemyError

from connectors import media, plain
from connectors.tencent import ApiClient, ApiError, NoAnswer, NotReached

# Of one try, and of all that a card waits for.
TRY_SECONDS, TOTAL_SECONDS = 3.0, 10.0
TRIES, PAUSE_SECONDS = 2, 0.2
FAILURES, REST_SECONDS = 5, 60.0
MOST_BYTES = 2 * 1024 * 1024  # WeChat and WeCom take ten times that
# For how long a picture that was there is believed to be there, and how many of them.
SEEN_SECONDS, _MOST_SEEN = 600.0, 1_000
_KINDS = {b"\xff\xd8\xff": ("jpg", "image/jpeg"), b"\x89PNG\r\n\x1a\n": ("png", "image/png")}
# The vendor is busy; other refusals say the same again.
_BUSY = -1


class NoPicture(Exception):
    """There is no picture that the vendor would take; the message says why."""


class _Again(Exception):
    """It failed, and may succeed at the next try."""


class Pictures:
    """Pictures for one account of a vendor's; `account` names it among all. Of one event loop."""

    def __init__(self, client: ApiClient, account: str) -> None:
        self._client = client
        self._account = account
        self._http = httpx.AsyncClient(timeout=TRY_SECONDS, trust_env=False)
        self._seen: dict[str, float] = {}
        rests = {"fail_max": FAILURES, "reset_timeout": REST_SECONDS, "exclude": [NoPicture]}
        self._fetching = pybreaker.CircuitBreaker(**rests)
        self._uploading = pybreaker.CircuitBreaker(**rests)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def address(self, image: str, shape: str) -> str:
        """Where the vendor fetches a card's picture.

        Raises:
            NoPicture: there is none.
        """
        place = _place(image, shape)
        if self._seen.get(place, 0.0) < time.monotonic():
            await self._in_time(self._fetched(place))
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen[place] = time.monotonic() + SEEN_SECONDS
        return place

    async def number(self, image: str, shape: str) -> str:
        """The vendor's number of its copy of a card's picture.

        Raises:
            NoPicture: there is none, or the vendor does not take it.
        """
        return await self._in_time(self._numbered(_place(image, shape)))

    async def forget(self, number: str) -> None:
        """The vendor does not know that number any more."""
        await asyncio.to_thread(media.forget, self._account, number)

    async def _in_time(self, work):
        try:
            return await asyncio.wait_for(work, TOTAL_SECONDS)
        except asyncio.TimeoutError:
            raise NoPicture(f"no picture in {TOTAL_SECONDS:g} s") from None
        except pybreaker.CircuitBreakerError:
            raise NoPicture("it failed too often and rests") from None
        except (_Again, ApiError, SQLAlchemyError) as error:
            raise NoPicture(f"{type(error).__name__} {error}"[:200]) from error

    async def _numbered(self, place: str) -> str:
        found = await asyncio.to_thread(media.number_of, self._account, place)
        if found is not None:
            return found
        content = await self._fetched(place)
        number = await _retrying()(self._uploaded, content)
        await asyncio.to_thread(media.keep, self._account, place, number)
        return number

    async def _fetched(self, place: str) -> bytes:
        return await _retrying()(self._fetch, place)

    async def _fetch(self, place: str) -> bytes:
        with self._fetching.calling():
            try:
                # The library's time is that between two bytes.
                content = await asyncio.wait_for(self._read(place), TRY_SECONDS)
            except (httpx.TransportError, asyncio.TimeoutError) as error:
                raise _Again(f"{place}: {type(error).__name__}") from error
        if _kind(content) is None:
            raise NoPicture(f"{place}: expected a JPG or PNG")
        return content

    async def _read(self, place: str) -> bytes:
        async with self._http.stream("GET", place) as answer:
            if answer.status_code >= 500:
                raise _Again(f"{place}: HTTP {answer.status_code}")
            if answer.status_code != 200:
                raise NoPicture(f"{place}: HTTP {answer.status_code}")
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise NoPicture(f"{place}: expected at most {MOST_BYTES} bytes")
            return content

    async def _uploaded(self, content: bytes) -> str:
        ending, mime = _kind(content)
        with self._uploading.calling():
            try:
                return await self._client.upload(f"picture.{ending}", content, mime)
            except (NotReached, NoAnswer) as error:
                raise _Again(type(error).__name__) from error
            except ApiError as error:
                if error.code == _BUSY:
                    raise _Again(str(error)) from error
                raise


def _retrying() -> tenacity.AsyncRetrying:
    return tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(TRIES),
        wait=tenacity.wait_random_exponential(multiplier=PAUSE_SECONDS, max=1.0),
        retry=tenacity.retry_if_exception_type(_Again),
        reraise=True,
    )


def _place(image: str, shape: str) -> str:
    """The public address of the shop's picture as JPG or PNG.

    Raises:
        NoPicture: it is none of the shop's own, or in another form.
    """
    place = plain.absolute(image)
    # Nobody lets this process fetch from somewhere else.
    if urlsplit(place)[:2] != urlsplit(plain.absolute("/"))[:2]:
        raise NoPicture(f"{image[:100]!r}: expected a picture of the shop's own")
    ending = PurePosixPath(urlsplit(place).path).suffix
    if ending == ".svg":
        return f"{place.removesuffix(ending)}.png?shape={shape}"
    if ending not in (".png", ".jpg", ".jpeg"):
        raise NoPicture(f"{image[:100]!r}: expected a JPG or PNG")
    return place


def _kind(content: bytes) -> tuple[str, str] | None:
    return next((kind for head, kind in _KINDS.items() if content.startswith(head)), None)
