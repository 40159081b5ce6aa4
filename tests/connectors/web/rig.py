"""The conformance suite's rig of the web chat: a page that opens a socket for each thing it does,
as one on a bad line would."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import websockets

from cdp.session import issue, new_conversation
from connectors import plain, rooms
from connectors.web.channel import WebInput
from tests.connectors.conformance.rig import FOREIGN, UNSIGNED, WRONG, Rig

PAGE = "http://localhost:8000"
STATUS = {"bad_token": 401, "bad_frame": 400, "too_large": 413, "unavailable": 503}
TRIES = 3


class WebRig(Rig):
    """Pages of the shop, one for each shopper."""

    vendor, channel = "web", "web"
    malformed = {
        "broken": b"{",
        "a list": b"[]",
        "unknown": b'{"type": "drop"}',
        "deep": b"[" * 9_000,
    }
    forgeries = (UNSIGNED, WRONG, FOREIGN)
    elsewhere = {
        "floods": "tests/connectors/test_web_channel.py",
        "proactive": "tests/connectors/test_web_channel.py",
        "provenance": "tests/connectors/test_web_channel.py",
    }

    def __init__(self) -> None:
        self._rooms: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._acknowledged: list[bool] = []
        self._newest: tuple[str, dict] | None = None

    def __enter__(self) -> WebRig:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was started."""

    def make(self) -> WebInput:
        return WebInput([PAGE])

    def unconfigured(self) -> WebInput:
        return WebInput.from_credentials(None)

    def point(self, url: str) -> None:
        self._url = url.replace("http://", "ws://") + "/socket"

    def says(self, who: str, text: str) -> None:
        self._send(who, {"type": "message", "id": f"m{next(self._numbers)}", "text": text})

    def presses(self, who: str, title: str) -> None:
        buttons = self._messages(who)[-1]["buttons"]
        (token,) = [one["token"] for one in buttons if one["title"] == title]
        self._send(who, {"type": "choice", "id": f"m{next(self._numbers)}", "token": token})

    def seen(self, who: str) -> list[str]:
        return [_shown(one) for one in self._messages(who) if one["from"] == "bot"]

    def identifier(self, who: str) -> tuple[str, str]:
        return "conversation", self._room(who)

    def repeats(self) -> None:
        self._send(*self._newest)

    def acknowledged(self) -> list[bool]:
        return list(self._acknowledged)

    def forge(self, how: str, text: str) -> int:
        good = issue("c1", None)
        token = {UNSIGNED: good.rpartition(".")[0], WRONG: good[:-4] + "aaaa"}.get(how, good)
        page = "http://elsewhere.example" if how == FOREIGN else PAGE
        hello = {"type": "hello", "token": token}
        frames = [{"type": "message", "id": "f1", "text": text}]
        return self._status(asyncio.run(self._asked(hello, frames, page)))

    def replay(self) -> int:
        self.repeats()
        return 200

    def post(self, body: bytes, inside: bool = False) -> int:
        return self._status(asyncio.run(self._asked(self._hello("ann"), [body.decode()])))

    def _send(self, who: str, frame: dict) -> None:
        self._newest = who, frame
        for _ in range(TRIES):
            told = asyncio.run(self._asked(self._hello(who), [frame]))
            if told["type"] != "error" or told["code"] != "unavailable":
                break
        self._acknowledged.append(told["type"] == "ack")

    def _messages(self, who: str) -> list[dict]:
        # As `ready` and `fetch` give them; a test looks from the loop that serves the socket.
        return rooms.history(self._room(who))

    def _room(self, who: str) -> str:
        return self._rooms.setdefault(who, new_conversation())

    def _hello(self, who: str) -> dict:
        return {"type": "hello", "token": issue(self._room(who), None)}

    async def _asked(self, hello: dict, frames: list, page: str = PAGE) -> dict[str, Any]:
        """The answer to the last frame: ready, ack or error."""
        try:
            async with websockets.connect(self._url, origin=page) as ws:
                for frame in [hello, *frames]:
                    await ws.send(frame if isinstance(frame, str) else json.dumps(frame))
                    told = await _answer(ws)
                    if told["type"] == "error":
                        break
                return told
        except websockets.InvalidStatusCode as refused:
            return {"type": "error", "code": refused.status_code}

    @staticmethod
    def _status(told: dict) -> int:
        return 200 if told["type"] != "error" else STATUS.get(told["code"], told["code"])


async def _answer(ws) -> dict:
    while True:
        told = json.loads(await asyncio.wait_for(ws.recv(), 20))
        if told["type"] in ("ready", "ack", "error"):
            return told


def _shown(message: dict) -> str:
    cards = message["cards"]
    lines = [message["text"], *(one["title"] for one in message["buttons"])]
    lines += [str(value) for card in cards for name, value in card.items() if name != "buttons"]
    lines += [plain.absolute(card["url"]) for card in cards if card.get("url")]
    lines += [link["title"] for link in message["links"]]
    return "\n".join(line for line in lines if line)


RIGS = (WebRig,)
