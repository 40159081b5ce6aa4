"""What the two halves of the vendors' path tell each other where they run in two processes.

    intake → Rasa       these conversations have a kept message
    Rasa → intake       these have an answer in the outbox

A notice only says where to look: what it is about stands in the database, and whoever missed one
finds it by looking now and then. While a request is under way, what is to be told gathers, and goes
with the next. The receiving application wants the token (`runtime.guard`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
from sanic import Request, Sanic, response

logger = logging.getLogger(__name__)

PATH = "/told"
TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=1.0)
# Between the tries to tell somebody who is away.
REST_SECONDS = 0.5
# Conversations in one request.
MOST = 500

Told = Callable[["list[str]"], Awaitable[None]]


class Notices:
    """Tells the process at `url`; of one event loop."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}{PATH}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._waiting: dict[tuple[str, str], None] = {}
        self._telling: asyncio.Task | None = None
        self._http: aiohttp.ClientSession | None = None
        # Whether the last one could not be told.
        self.away = False

    def tell(self, channel: str, conversation: str) -> None:
        """There is something in that conversation; nobody waits until it is told."""
        self._waiting[channel, conversation] = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def close(self) -> None:
        """Tell no more."""
        self._waiting.clear()
        if self._telling is not None:
            self._telling.cancel()
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _tell_all(self) -> None:
        while self._waiting:
            taken = list(self._waiting)[:MOST]
            told: dict[str, list[str]] = defaultdict(list)
            for channel, conversation in taken:
                del self._waiting[channel, conversation]
                told[channel].append(conversation)
            try:
                await self._post(told)
            except (aiohttp.ClientError, asyncio.TimeoutError) as error:
                # Who is away looks for itself when it is back.
                self._note(type(error).__name__)
                await asyncio.sleep(REST_SECONDS)
            else:
                self._note("")

    async def _post(self, told: dict[str, list[str]]) -> None:
        if self._http is None:
            self._http = aiohttp.ClientSession(headers=self._headers, timeout=TIMEOUT)
        async with self._http.post(self._url, json=told) as answer:
            answer.raise_for_status()

    def _note(self, failure: str) -> None:
        """Say once that somebody is away, and once that they are back."""
        if failure and not self.away:
            logger.warning("notices.away url=%s error=%s", self._url, failure)
        elif self.away and not failure:
            logger.info("notices.back url=%s", self._url)
        self.away = bool(failure)


def receive(app: Sanic, channels: Mapping[str, Told]) -> None:
    """Let the other process tell these channels of an application whose guard asks for the token.

    The body is {channel: [conversation, …]}; a channel that is not here is nobody's concern.
    """

    @app.post(PATH)
    async def told(request: Request):
        body = request.json
        if not isinstance(body, dict) or not all(map(_are_names, body.values())):
            return response.text('expected {"channel": ["conversation", …]}', 400)
        for channel, conversations in body.items():
            if channel in channels:
                await channels[channel](conversations)
        return response.empty()


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
