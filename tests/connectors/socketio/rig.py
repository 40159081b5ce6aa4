"""The conformance suite's rig of Socket.IO: a widget that opens a socket for each thing it does.

It speaks the protocol itself (https://socket.io/docs/v4/engine-io-protocol/): "0" is the server's
greeting, "40" joins, "42" is an event, "42" with a number wants the answer "43" with that number.
"""

from __future__ import annotations

import asyncio
import itertools
import json

import websockets

from cdp.session import issue, new_conversation
from cdp.session import read as read_session
from connectors import rooms
from connectors.fixed_words import words
from connectors.socketio import channel, payloads
from connectors.socketio.channel import PATH, SocketInput
from tests.connectors.conformance.rig import FOREIGN, UNSIGNED, WRONG, Rig

PAGE = "https://widget.example"
STATUS = {words(channel.EXPIRED): 401, words(channel.UNAVAILABLE): 503}
TRIES = 3


class SocketRig(Rig):
    """Pages with a widget, one for each shopper."""

    vendor, channel = "socketio", "socketio"
    malformed = {}
    forgeries = (UNSIGNED, WRONG, FOREIGN)
    elsewhere = dict.fromkeys(
        ("malformed", "floods", "proactive", "provenance", "unconfigured"),
        "tests/connectors/test_socketio.py",
    )

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._acknowledged: list[bool] = []
        self._newest: tuple[str, dict] | None = None

    def __enter__(self) -> SocketRig:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was started."""

    def make(self) -> SocketInput:
        return SocketInput.from_credentials({"origins": [PAGE]})

    def unconfigured(self) -> SocketInput:
        return SocketInput.from_credentials(None)

    def point(self, url: str) -> None:
        host = url.removeprefix("http://").split("/")[0]
        self._url = f"ws://{host}{PATH}/?EIO=4&transport=websocket"

    def says(self, who: str, text: str) -> None:
        self._send(who, {"message": text, "id": f"m{next(self._numbers)}"})

    def presses(self, who: str, title: str) -> None:
        replies = [one for told in self._told(who) for one in told.get("quick_replies", [])]
        (token,) = [one["payload"] for one in replies if one["title"] == title]
        self.says(who, token)

    def seen(self, who: str) -> list[str]:
        history = rooms.history(self._room(who))
        messages = [one for one in history if one["from"] == "bot"]
        return ["\n".join(map(_shown, payloads.bot_messages(one))) for one in messages]

    def identifier(self, who: str) -> tuple[str, str]:
        return "conversation", self._room(who)

    def repeats(self) -> None:
        self._send(*self._newest)

    def acknowledged(self) -> list[bool]:
        return list(self._acknowledged)

    def forge(self, how: str, text: str) -> int:
        good = issue(new_conversation(), None)
        token = {UNSIGNED: good.rpartition(".")[0], WRONG: good[:-4] + "aaaa"}.get(how, good)
        page = "https://elsewhere.example" if how == FOREIGN else PAGE
        try:
            return asyncio.run(self._asked(token, {"message": text}, page))
        except websockets.InvalidStatusCode:
            # Engine.IO says 400 of a page that may not open it.
            return 403

    def post(self, body: bytes, inside: bool = False) -> int:
        return asyncio.run(self._asked(self._token("ann"), {"message": body.decode()}))

    def _send(self, who: str, told: dict) -> None:
        self._newest = who, told
        for _ in range(TRIES):
            status = asyncio.run(self._asked(self._token(who), told))
            if status != 503:
                break
        self._acknowledged.append(status == 200)

    def _told(self, who: str) -> list[dict]:
        return [one for shown in rooms.history(self._room(who)) for one in _wire(shown)]

    def _token(self, who: str) -> str:
        return self._tokens.setdefault(who, issue(new_conversation(), None))

    def _room(self, who: str) -> str:
        return channel._in_a_room_of_ours(read_session(self._token(who))).conversation

    async def _asked(self, token: str, told: dict, page: str = PAGE) -> int:
        """What a `user_uttered` is answered with, as a status."""
        async with websockets.connect(self._url, origin=page) as ws:
            await ws.send("40")
            await _until(ws, "40")
            said = ["user_uttered", {**told, "session_id": token}]
            await ws.send(f"421{json.dumps(said)}")
            answer = json.loads((await _until(ws, "431")).removeprefix("431"))
        return STATUS.get(answer[0]["error"], 400) if answer else 200


async def _until(ws, start: str) -> str:
    while True:
        frame = await asyncio.wait_for(ws.recv(), 20)
        if frame.startswith(start):
            return frame


def _wire(shown: dict) -> list[dict]:
    return payloads.bot_messages(shown) if shown["from"] == "bot" else []


def _shown(told: dict) -> str:
    lines = [told.get("text", ""), *(one["title"] for one in told.get("quick_replies", []))]
    for element in told.get("attachment", {}).get("payload", {}).get("elements", []):
        lines += [element["title"], element["subtitle"], json.dumps(element, ensure_ascii=False)]
    return "\n".join(line for line in lines if line)


RIGS = (SocketRig,)
