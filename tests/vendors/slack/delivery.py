"""How Slack brings events and interactions to the app: signed, within three seconds, retried.

docs.slack.dev/apis/events-api (error handling, graceful retries): anything but 2xx within 3 s is a
failure; up to three retries, "nearly immediately", "after 1 minute", "after 5 minutes", with
x-slack-retry-num and x-slack-retry-reason, unless the failing answer says x-slack-no-retry: 1.
More than two redirects are a failure. Interactions are never retried. From memory: minutes count
from the first attempt; a retry is signed anew; an interaction wants a 200.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.vendors.slack import payloads

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator

RETRIES = (0, 60, 300)
AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
EVENT, INTERACTIVE, COMMAND = "events_api", "interactive", "slash_commands"


@dataclass
class Delivery:
    """One attempt. `kind`: events_api, interactive, slash_commands or url_verification.

    `attempt`: 0 is the first. `status` is None when no answer came (and in Socket Mode).
    `failure`: "" or http_timeout, http_error, connection_failed, too_many_redirects, ssl_error;
    in Socket Mode timeout, connection_closed or no_connection.
    """

    kind: str
    url: str
    payload: dict[str, Any]
    attempt: int
    at: float
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    answer: bytes = b""
    answer_headers: dict[str, str] = field(default_factory=dict)
    failure: str = ""
    envelope_id: str = ""
    connection: int | None = None

    @property
    def ok(self) -> bool:
        """Whether Slack takes it as received."""
        return not self.failure

    @property
    def event_id(self) -> str:
        """The event's id, "" of an interaction."""
        return self.payload.get("event_id", "")

    @property
    def event(self) -> dict[str, Any]:
        """The event inside, {} of an interaction."""
        return self.payload.get("event", {})

    def json(self) -> dict[str, Any]:
        """The answer as JSON, {} if it is none."""
        try:
            told = json.loads(self.answer)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


@dataclass
class Waiting:
    """A retry that is due later."""

    due: float
    payload: dict[str, Any]
    attempt: int
    reason: str
    first_at: float
    connection: int | None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """X-Slack-Signature: v0=HMAC-SHA256 of `v0:timestamp:body`."""
    told = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()


class Courier:
    """Delivers on the simulator's loop; state is touched under the simulator's lock only."""

    def __init__(self, vendor: Simulator) -> None:
        self.vendor = vendor
        self.waiting: list[Waiting] = []
        self.held: list[dict[str, Any]] = []
        self.lost: list[str] = []

    async def event(self, payload: dict[str, Any]) -> None:
        """Deliver an event, as often as the simulator was told to repeat it."""
        if self.vendor.holding:
            self.held.append(payload)
            return
        times = 2 if self.vendor.duplicates > 0 else 1
        self.vendor.duplicates -= times - 1
        for _ in range(times):
            await self.attempt(Waiting(0, payload, 0, "", self.vendor.clock(), None))

    async def attempt(self, one: Waiting) -> None:
        """Deliver once; upon failure retry at once or later, or give the event up."""
        made = await self.send(EVENT, one.payload, one.attempt, one.reason, one.connection)
        if made.ok or made.answer_headers.get("x-slack-no-retry") == "1":
            return
        if one.attempt == len(RETRIES):
            self.lost.append(made.event_id)
            return
        later = Waiting(
            one.first_at + RETRIES[one.attempt],
            one.payload,
            one.attempt + 1,
            made.failure,
            one.first_at,
            made.connection,
        )
        if later.attempt == 1 and self.vendor.retries_at_once:
            await self.attempt(later)
        else:
            self.waiting.append(later)

    async def due(self) -> None:
        """Deliver the retries whose time has come."""
        now = self.vendor.clock()
        ready = sorted((one for one in self.waiting if one.due <= now), key=lambda one: one.due)
        for one in ready:
            self.waiting.remove(one)
            await self.attempt(one)

    async def send(
        self,
        kind: str,
        payload: dict[str, Any],
        attempt: int = 0,
        reason: str = "",
        avoid: int | None = None,
    ) -> Delivery:
        """One attempt over HTTP or, if the app is set so, over a socket."""
        payload = payload | self.vendor.unknown_fields
        if self.vendor.app.socket_mode:
            made = Delivery(kind, "", payload, attempt, self.vendor.clock())
            self.vendor.deliveries.append(made)
            await self.vendor.sockets.deliver(made, reason, avoid)
            return made
        app = self.vendor.app
        address = {INTERACTIVE: app.interactivity_url, COMMAND: app.commands_url}
        url = address.get(kind, app.events_url)
        body, content = self._body(kind, payload)
        retry = (
            {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        )
        made = Delivery(kind, url, payload, attempt, self.vendor.clock(), body)
        made.headers = {"Content-Type": content, **self.signed(body), **retry}
        self.vendor.deliveries.append(made)
        await self.post(made)
        return made

    def signed(self, body: bytes, at: float | None = None, secret: str = "") -> dict[str, str]:
        """The headers every request of Slack has."""
        timestamp = str(int(self.vendor.clock() if at is None else at))
        secret = secret or self.vendor.app.signing_secret
        return {
            "User-Agent": AGENT,
            "Accept": "*/*",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret, timestamp, body),
        }

    def _body(self, kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
        # Slack escapes what is not ASCII, and slashes, and leaves no blanks.
        encoded = json.dumps(payload, separators=(",", ":")).replace("/", "\\/")
        if kind in (INTERACTIVE, COMMAND):
            return payloads.form(kind, payload, encoded), "application/x-www-form-urlencoded"
        return encoded.encode(), "application/json"

    async def post(self, made: Delivery) -> None:
        """Send a prepared delivery and note what became of it."""
        if not made.url:
            made.failure = "connection_failed"
            return
        limit = aiohttp.ClientTimeout(total=self.vendor.timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(
                    made.url, data=made.body, headers=made.headers, max_redirects=3
                ) as answer,
            ):
                made.status = answer.status
                made.answer_headers = {name.lower(): one for name, one in answer.headers.items()}
                made.answer = await answer.read()
        except asyncio.TimeoutError:
            made.failure = "http_timeout"
        except aiohttp.TooManyRedirects:
            made.failure = "too_many_redirects"
        except aiohttp.ClientSSLError:
            made.failure = "ssl_error"
        except aiohttp.ClientError:
            made.failure = "connection_failed"
        else:
            wanted = range(200, 300) if made.kind == EVENT else (200,)
            made.failure = "" if made.status in wanted else "http_error"

    async def verify(self) -> Delivery:
        """The `url_verification` handshake; `failure` is challenge_failed for a wrong answer."""
        challenge = uuid.uuid4().hex
        payload = {
            "token": self.vendor.app.verification_token,
            "challenge": challenge,
            "type": "url_verification",
        }
        made = await self.send("url_verification", payload)
        given = made.answer.decode(errors="replace").strip()
        told = (given, made.json().get("challenge"), given.removeprefix("challenge="))
        if made.ok and challenge not in told:
            made.failure = "challenge_failed"
        return made
