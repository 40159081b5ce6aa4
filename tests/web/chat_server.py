"""A chat server for tests: the widget's protocol over WebSocket, with faults on request."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from datetime import datetime, timezone
from typing import Any

import websockets

from cdp import session as sessions

# Asyncio loops take turns in threads of their own: every call from a test goes through `_run`.


class ChatServer:
    """Rooms by conversation. `frames` is everything clients said, in order.

    Faults: `silent` keeps messages without acknowledging them; `deaf` does not even keep them;
    `refuse` maps a text to the (code, words) of an error.
    """

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.rooms: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.sockets: dict[Any, str] = {}
        self.silent = False
        self.deaf = False
        self.refuse: dict[str, tuple[str, str]] = {}
        self.refuse_hello: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._port = 0
        self._server: Any = None

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self._port}/webhooks/web/socket"

    def start(self) -> None:
        """Listen; after `stop_listening` on the same port again."""
        if not self._loop.is_running():
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = self._run(self._listen())
        self._port = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> Any:
        return await websockets.serve(self._serve, "127.0.0.1", self._port)

    def stop_listening(self) -> None:
        """Close every socket and refuse new ones."""
        self._server.close()
        self._run(self._server.wait_closed())

    def stop(self) -> None:
        self.stop_listening()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def bot(self, text: str = "", sender: str = "bot", quiet: bool = False, **more: Any) -> dict:
        """Say something in the only room; `quiet` keeps it without telling anybody."""
        message = self._keep(self.only_room, {"from": sender, "text": text, **more})
        if not quiet:
            self.tell({"type": "message", "message": message})
        return message

    def tell(self, frame: dict[str, Any]) -> None:
        """Send a frame to every socket."""
        self._run(self._tell(self.only_room, frame))

    def drop(self) -> None:
        """Cut every socket without a word."""
        self._run(self._drop())

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What clients said of one type."""
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def only_room(self) -> str:
        """The one conversation there is; waits for it."""
        self.until(lambda: len(self.sockets) > 0 or len(self.rooms) == 1, "a conversation")
        names = set(self.sockets.values()) or set(self.rooms)
        assert len(names) == 1, f"one conversation expected, found {names}"
        return names.pop()

    def until(self, holds, what: str, seconds: float = 60) -> None:
        """Wait until `holds()`."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds} s for {what}; heard {self.frames}")
            time.sleep(0.02)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    async def _drop(self) -> None:
        for ws in list(self.sockets):
            ws.transport.abort()

    async def _serve(self, ws: Any, _path: str) -> None:
        try:
            hello = json.loads(await ws.recv())
            self.frames.append(hello)
            if self.refuse_hello:
                code = self.refuse_hello.pop(0)
                await self._send(ws, {"type": "error", "code": code, "id": None, "text": ""})
                await ws.close(code=4401)
                return
            room = sessions.read(hello["token"]).conversation
            self.sockets[ws] = room
            history = self._history(room, hello["after"])
            await self._send(ws, {"type": "ready", "conversation": room, **history})
            async for raw in ws:
                await self._answer(ws, room, json.loads(raw))
        except websockets.ConnectionClosed:
            pass
        finally:
            self.sockets.pop(ws, None)

    async def _answer(self, ws: Any, room: str, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        if frame["type"] == "ping":
            await self._send(ws, {"type": "pong"})
        elif frame["type"] == "fetch":
            await self._send(ws, {"type": "history", **self._history(room, frame["after"])})
        elif not self.deaf:
            await self._take(ws, room, frame)

    async def _take(self, ws: Any, room: str, frame: dict[str, Any]) -> None:
        text = frame.get("text", "")
        if text in self.refuse:
            code, words = self.refuse[text]
            await self._send(ws, {"type": "error", "code": code, "id": frame["id"], "text": words})
            return
        kept = next((one for one in self.rooms[room] if one.get("id") == frame["id"]), None)
        if kept is None:
            title = text or self._title(room, frame.get("token"))
            kept = self._keep(room, {"from": "user", "id": frame["id"], "text": title})
        if not self.silent:
            await self._send(ws, {"type": "ack", "id": frame["id"], "message": kept})

    def _title(self, room: str, token: str | None) -> str:
        for message in self.rooms[room]:
            for part in (message, *message["cards"]):
                for button in part.get("buttons", []):
                    if button["token"] == token:
                        return button["title"]
        raise AssertionError(f"no button with the token {token!r}")

    def _keep(self, room: str, message: dict[str, Any]) -> dict[str, Any]:
        seq = len(self.rooms[room]) + 1
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        kept = {"seq": seq, "at": now, "buttons": [], "cards": [], "links": [], **message}
        self.rooms[room].append(kept)
        return kept

    def _history(self, room: str, after: int) -> dict[str, Any]:
        messages = [one for one in self.rooms[room] if one["seq"] > after][-200:]
        return {"messages": messages, "last": messages[-1]["seq"] if messages else after}

    async def _tell(self, room: str, frame: dict[str, Any]) -> None:
        for ws, joined in list(self.sockets.items()):
            if joined == room:
                await self._send(ws, frame)

    @staticmethod
    async def _send(ws: Any, frame: dict[str, Any]) -> None:
        await ws.send(json.dumps(frame, ensure_ascii=False))
