"""Socket Mode: tickets, connections, envelopes and their acknowledgement.

docs.slack.dev/apis/events-api/using-socket-mode: at most ten connections, each envelope goes to any
of them and must be acknowledged by its `envelope_id`. From memory: a ticket lives 30 s and works
once; an eleventh connection gets `disconnect` with `too_many_websockets`; a retry has an envelope
id of its own, `retry_attempt` and `retry_reason` "timeout", and follows the HTTP schedule;
interactions are not retried.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.vendors.slack.delivery import EVENT, Delivery

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator

MOST_CONNECTIONS = 10
TICKET_SECONDS = 30
_HOST = "applink-of-the-tests"


@dataclass
class Connection:
    """An open socket; `leaving`: it was told to reconnect and gets nothing more."""

    number: int
    ws: web.WebSocketResponse
    request: web.Request
    leaving: bool = False
    pending: dict[str, asyncio.Future] = field(default_factory=dict)


class Sockets:
    """Every connection of the app. `stray`: frames that acknowledged nothing open."""

    def __init__(self, vendor: Simulator) -> None:
        self.vendor = vendor
        self.connections: dict[int, Connection] = {}
        self.stray: list[str] = []
        self._tickets: dict[str, float] = {}
        self._made = 0
        self._turn = 0

    def ticket(self) -> str:
        """A new address for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets[ticket] = self.vendor.clock()
        address = self.vendor.url.replace("http://", "ws://")
        return f"{address}/link/?ticket={ticket}&app_id={self.vendor.app.id}"

    @property
    def count(self) -> int:
        """Connections that take envelopes."""
        return sum(not one.leaving for one in self.connections.values())

    def warn(self) -> None:
        """Tell every connection that it will be closed in about ten seconds."""
        self.vendor.wait_for(self._tell("warning", False))

    def refresh(self) -> None:
        """Ask every connection to reconnect, and close it."""
        self.vendor.wait_for(self._tell("refresh_requested", True))

    def disable(self) -> None:
        """Socket Mode is switched off: `link_disabled`, and closed."""
        self.vendor.app.socket_mode = False
        self.vendor.wait_for(self._tell("link_disabled", True))

    def drop(self, number: int | None = None) -> None:
        """Cut one connection, or every one, without a word."""

        async def cut() -> None:
            for one in list(self.connections.values()):
                if number not in (None, one.number):
                    continue
                if one.request.transport is not None:
                    one.request.transport.abort()

        self.vendor.wait_for(cut())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket at /link/."""
        made_at = self._tickets.pop(request.query.get("ticket", ""), None)
        if made_at is None or self.vendor.clock() - made_at > TICKET_SECONDS:
            return web.Response(status=403, text="invalid_ticket")
        ws = web.WebSocketResponse(heartbeat=30)
        await ws.prepare(request)
        if self.count >= MOST_CONNECTIONS:
            await ws.send_json(self._goodbye("too_many_websockets"))
            await ws.close()
            return ws
        self._made += 1
        mine = self.connections[self._made] = Connection(self._made, ws, request)
        await ws.send_json(self._hello())
        try:
            async for frame in ws:
                if frame.type == WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            del self.connections[mine.number]
            for future in mine.pending.values():
                if not future.done():
                    future.set_result(None)
        return ws

    async def deliver(self, made: Delivery, reason: str, avoid: int | None) -> None:
        """Send an envelope, over another connection than `avoid` if there is one, and wait."""
        one = self._next(avoid)
        if one is None:
            made.failure = "no_connection"
            return
        made.connection = one.number
        made.envelope_id = str(uuid.uuid4())
        envelope: dict[str, Any] = {
            "envelope_id": made.envelope_id,
            "payload": made.payload,
            "type": made.kind,
            "accepts_response_payload": made.kind != EVENT,
        }
        if made.kind == EVENT:
            told = "timeout" if made.attempt else ""
            envelope |= {"retry_attempt": made.attempt, "retry_reason": told}
        made.body = json.dumps(envelope).encode()
        future = asyncio.get_running_loop().create_future()
        one.pending[made.envelope_id] = future
        try:
            await one.ws.send_str(made.body.decode())
            answer = await asyncio.wait_for(future, self.vendor.timeout)
        except asyncio.TimeoutError:
            made.failure = "timeout"
        except ConnectionError:
            made.failure = "connection_closed"
        else:
            self._note(made, answer)
        finally:
            one.pending.pop(made.envelope_id, None)

    def _note(self, made: Delivery, answer: dict | None) -> None:
        if answer is None:
            made.failure = "connection_closed"
        elif "payload" in answer and made.kind != EVENT:
            made.answer = json.dumps(answer["payload"]).encode()

    def _next(self, avoid: int | None) -> Connection | None:
        ready = [one for one in self.connections.values() if not one.leaving]
        others = [one for one in ready if one.number != avoid] or ready
        if not others:
            return None
        self._turn += 1
        return others[self._turn % len(others)]

    def _acknowledged(self, data: str) -> None:
        try:
            answer = json.loads(data)
            envelope_id = answer["envelope_id"]
        except (ValueError, KeyError, TypeError):
            self.stray.append(data)
            return
        # Any connection may acknowledge: a client may have just replaced its own.
        for one in self.connections.values():
            future = one.pending.get(envelope_id)
            if future is not None and not future.done():
                future.set_result(answer)
                return
        self.stray.append(data)

    async def _tell(self, reason: str, close: bool) -> None:
        for one in list(self.connections.values()):
            one.leaving = close
            await one.ws.send_json(self._goodbye(reason))
            if close:
                await one.ws.close(code=WSCloseCode.GOING_AWAY)

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": {
                "host": _HOST,
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self.vendor.app.id},
        }

    def _goodbye(self, reason: str) -> dict[str, Any]:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
