"""Shoppers who talk to an assistant over REST, one after the other or many at once."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

CONVERSATIONS = Path(__file__).parent / "conversations.yml"
_TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass
class Answer:
    """What was answered: texts, titles of cards and of buttons, and what the buttons send."""

    texts: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Shopper:
    """One conversation; `key` is for our REST channel, Rasa's own has none."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str | None) -> None:
        self._session, self._url = session, f"{url}/webhooks/rest/webhook"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._sender = uuid.uuid4().hex
        self.last = Answer()

    async def turn(self, step: str | dict[str, str]) -> Answer | None:
        """Type a text or click a button; None if the last answer has no such button."""
        message = step if isinstance(step, str) else self._button(step["choose"])
        if message is None:
            return None
        self.last = await self.say(message)
        return self.last

    async def say(self, message: str) -> Answer:
        """What is answered to a message.

        Raises:
            aiohttp.ClientResponseError: the server did not answer with 200.
        """
        body = {"sender": self._sender, "message": message, "metadata": {"shopper": "demo"}}
        async with self._session.post(self._url, json=body, headers=self._headers) as response:
            response.raise_for_status()
            return _read(await response.json())

    def _button(self, title: str) -> str | None:
        return next((sent for shown, sent in self.last.buttons if title in shown), None)


def conversations() -> dict[str, list]:
    """The steps of each conversation, by its name."""
    return yaml.safe_load(CONVERSATIONS.read_text(encoding="utf-8"))


async def transcript(url: str, key: str | None) -> dict[str, list[Answer | None]]:
    """Every conversation held once, and all that was answered."""
    found: dict[str, list[Answer | None]] = {}
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for name, steps in conversations().items():
            shopper = Shopper(session, url, key)
            found[name] = [await shopper.turn(step) for step in steps]
    return found


async def together(url: str, key: str | None, shoppers: int, seconds: float) -> list[float]:
    """Seconds that each answer took while `shoppers` talked at once for `seconds`."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    talks = list(conversations().values())

    async def shop(session: aiohttp.ClientSession, number: int) -> None:
        while True:
            shopper = Shopper(session, url, key)
            for step in talks[number % len(talks)]:
                begun = time.perf_counter()
                if begun >= until:
                    return
                if await shopper.turn(step) is not None:
                    took.append(time.perf_counter() - begun)
            number += 1

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector) as session:
        await asyncio.gather(*(shop(session, number) for number in range(shoppers)))
    return took


async def one_long(url: str, key: str | None, messages: int) -> list[float]:
    """Seconds that each of `messages` questions of one conversation took."""
    questions = ("有什么优惠活动", "支持七天无理由吗", "运费怎么算", "可以用花呗吗", "谢谢")
    took = []
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        shopper = Shopper(session, url, key)
        for number in range(messages):
            begun = time.perf_counter()
            await shopper.say(questions[number % len(questions)])
            took.append(time.perf_counter() - begun)
    return took


async def two_at_once(url: str, key: str | None, times: int) -> list[float]:
    """Seconds from the first answer to the second, when a shopper sends two messages at once."""
    waits = []
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for _ in range(times):
            shopper = Shopper(session, url, key)
            await shopper.say("你好")
            ends = await asyncio.gather(
                _ended(shopper.say("运费怎么算")), _ended(shopper.say("谢谢"))
            )
            waits.append(abs(ends[1] - ends[0]))
    return waits


async def _ended(answer) -> float:
    await answer
    return time.perf_counter()


def _read(messages: list[dict[str, Any]]) -> Answer:
    answer = Answer()
    for message in messages:
        if message.get("text"):
            answer.texts.append(message["text"])
        for button in message.get("buttons") or []:
            answer.buttons.append((button["title"], button["payload"]))
        for card in (message.get("custom") or {}).get("cards", []):
            answer.cards.append(card["title"])
            for button in card.get("buttons", []):
                answer.buttons.append((f"{card['title']} {button['title']}", button["payload"]))
    return answer
