"""Slack on 127.0.0.1, for tests.

    with Simulator(clock=lambda: now[0], timeout=0.5) as vendor:
        team = vendor.team("T1")                        # the app is installed there
        vendor.app.events_url = "http://127.0.0.1:5005/webhooks/slack/events"
        team.user("U1").says("跑鞋有42码吗", channel="C1")  # delivered and, if need be, retried
        team.channel("C1").texts()                      # what stands there
        now[0] += 60; vendor.tick()                     # retries that are due

A person's methods wait for the app's answer: if the app runs on the test's own asyncio loop, call
them with `asyncio.to_thread`. `vendor.api_url` is the Web API's base (slack_sdk: base_url),
`vendor.authorize_url` OAuth's page. Everything the app sent is in `vendor.sent`, every attempt to
reach it in `vendor.deliveries`.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.vendors.slack import payloads
from tests.vendors.slack.delivery import Courier, Delivery
from tests.vendors.slack.limits import Limits
from tests.vendors.slack.oauth import OAuth
from tests.vendors.slack.responses import Responses
from tests.vendors.slack.server import Fault, Server
from tests.vendors.slack.sockets import Sockets
from tests.vendors.slack.team import Team
from tests.vendors.slack.world import App, Installation

_LONGEST_WAIT = 60


class UrlNotVerified(Exception):
    """The request URL did not give the challenge back: "Your URL didn't respond …"."""


@dataclass
class Sent:
    """A call of the app. `performed`: it took effect, even if its answer was lost.

    `method` is "response_url" for a post to one.
    """

    method: str
    team: str
    args: dict[str, Any]
    at: float
    status: int
    answer: dict[str, Any]
    performed: bool


@dataclass
class Trigger:
    """A trigger_id: good for three seconds and one view."""

    team: str
    user: str
    at: float
    used: bool = False


class Simulator:
    """Slack and one app. `timeout`: real seconds an answer may take (Slack: 3).

    Misbehaviour: `holding` keeps events back until `release`; `duplicates` delivers the next so
    many events twice; `retries_at_once` False leaves the first retry to `tick`; `unknown_fields`
    stand in every payload; `fails` and `answers_slowly` spoil the next calls.
    """

    def __init__(self, clock: Callable[[], float] = time.time, timeout: float = 3.0) -> None:
        self.clock = clock
        self.timeout = timeout
        self.lock = threading.RLock()
        self.app = App()
        self.teams: dict[str, Team] = {}
        self.tokens: dict[str, tuple[Team, Installation]] = {}
        self.triggers: dict[str, Trigger] = {}
        self.sent: list[Sent] = []
        self.deliveries: list[Delivery] = []
        self.holding = False
        self.duplicates = 0
        self.retries_at_once = True
        self.unknown_fields: dict[str, Any] = {}
        self.browser_team, self.browser_user = "", "U1"
        self.limits = Limits(lambda: self.clock())
        self.courier = Courier(self)
        self.sockets = Sockets(self)
        self.responses = Responses(self)
        self.oauth = OAuth(self)
        self.server = Server(self)
        self.url = ""
        self._made = 0
        self._loop = asyncio.new_event_loop()
        self._background: set[Future] = set()

    def __enter__(self) -> Simulator:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = self.wait_for(self._listen())
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> web.AppRunner:
        # Open sockets would hold a stop up for a minute otherwise.
        runner = web.AppRunner(self.server.application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _close(self) -> None:
        for one in list(self.sockets.connections.values()):
            await one.ws.close()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """The Web API's base, with the slash slack_sdk wants."""
        return f"{self.url}/api/"

    @property
    def authorize_url(self) -> str:
        """Where an installation begins."""
        return f"{self.url}/oauth/v2/authorize"

    def team(
        self,
        id: str,
        name: str = "",
        installed: bool = True,
        enterprise: dict[str, str] | None = None,
    ) -> Team:
        """A workspace, made when first named."""
        if id not in self.teams:
            self.teams[id] = Team(self, id, name or f"Shop {id}", enterprise)
            self.browser_team = self.browser_team or id
            if installed:
                self.teams[id].install()
        return self.teams[id]

    def set_events_url(self, url: str) -> Delivery:
        """Enter a request URL on the app's page: it must give the challenge back.

        Raises:
            UrlNotVerified: it did not; the address stays as it was.
        """
        before, self.app.events_url = self.app.events_url, url
        made = self.wait_for(self.courier.verify())
        if not made.ok:
            self.app.events_url = before
            raise UrlNotVerified(f"{url}: {made.failure}, {made.status}, {made.answer[:200]!r}")
        return made

    def forge(self, body: bytes, secret: str = "", at: float | None = None, **headers) -> Delivery:
        """Somebody posts to the events URL; `secret`, `at` and headers may be wrong ones.

        A header given as "" is left out; `_` in its name stands for `-`.
        """
        made = Delivery("url_verification", self.app.events_url, {}, 0, self.clock(), body)
        made.headers = {"Content-Type": "application/json"}
        made.headers |= self.courier.signed(body, at, secret)
        for name, value in headers.items():
            for known in [one for one in made.headers if one.lower() == name.replace("_", "-")]:
                del made.headers[known]
            if value:
                made.headers[name.replace("_", "-")] = value
        self.deliveries.append(made)
        self.wait_for(self.courier.post(made))
        return made

    def tick(self) -> list[Delivery]:
        """Deliver the retries that are due by the clock; gives the attempts made."""
        before = len(self.deliveries)
        self.wait_for(self.courier.due())
        return self.deliveries[before:]

    def release(self, reverse: bool = False) -> None:
        """Deliver one after the other what `holding` kept back, and hold no longer."""
        self.holding = False
        held, self.courier.held = self.courier.held, []
        for payload in reversed(held) if reverse else held:
            self.wait_for(self.courier.event(payload))

    def redeliver(self, made: Delivery) -> None:
        """The same event once more, as the real one sometimes does without saying retry."""
        self.wait_for(self.courier.event(made.payload))

    def settle(self) -> None:
        """Wait until the app has heard of everything its own calls caused."""
        while self._background:
            for one in list(self._background):
                one.result(_LONGEST_WAIT)

    def fails(
        self,
        method: str = "",
        times: int = 1,
        status: int = 200,
        error: str = "",
        retry_after: int = 0,
        performed: bool = False,
    ) -> None:
        """Spoil the next calls: 429 with Retry-After, 5xx, or `ok: false` with an error."""
        if status == 200 and not error:
            raise ValueError("say a status other than 200, or an error")
        self.server.faults.append(Fault(method, times, status, error, retry_after, 0, performed))

    def answers_slowly(self, seconds: float, method: str = "", times: int = 1) -> None:
        """Let the next calls wait for so many real seconds."""
        self.server.faults.append(Fault(method, times, delay=seconds))

    def calls(self, method: str) -> list[Sent]:
        """What was sent to one method."""
        return [one for one in self.sent if one.method == method]

    def events(self, type: str = "") -> list[Delivery]:
        """Attempts that brought an event, of one type if named."""
        return [one for one in self.deliveries if one.event and type in ("", one.event["type"])]

    # What follows is for the simulator's own parts.

    def wait_for(self, work: Coroutine) -> Any:
        """Run on the loop, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_LONGEST_WAIT)

    def wrap(self, team: Team, event: dict[str, Any]) -> dict[str, Any]:
        """An event in its envelope, with an id of its own."""
        return payloads.wrapped(self.app, team, event, self.new_id("Ev"), self.clock())

    def deliver(self, kind: str, payload: dict[str, Any]) -> Delivery:
        """Bring an interaction or slash command."""
        return self.wait_for(self.courier.send(kind, payload))

    def deliver_events(self, events: list[dict[str, Any]]) -> None:
        """Bring events at the same time, as Slack does."""
        self.wait_for(self._all(events))

    def later(self, events: list[dict[str, Any]]) -> None:
        """Bring events without waiting: the app's own call is still being answered."""
        future = asyncio.run_coroutine_threadsafe(self._all(events), self._loop)
        self._background.add(future)
        future.add_done_callback(self._background.discard)

    async def _all(self, events: list[dict[str, Any]]) -> None:
        await asyncio.gather(*(self.courier.event(one) for one in events))

    def note(
        self, method: str, team: str, args: dict, status: int, answer: dict, did: bool
    ) -> None:
        """Write a call down."""
        self.sent.append(Sent(method, team, args, self.clock(), status, answer, did))

    def trigger(self, team: Team, user: str) -> str:
        """A new trigger_id."""
        id = f"{self.new_id('')}.{self.new_id('')}.{uuid.uuid4().hex}"
        self.triggers[id] = Trigger(team.id, user, self.clock())
        return id

    def new_id(self, prefix: str) -> str:
        """An id in Slack's manner."""
        with self.lock:
            self._made += 1
            return f"{prefix}{self._made:09d}"

    def new_uuid(self) -> str:
        """A random id."""
        return str(uuid.uuid4())
