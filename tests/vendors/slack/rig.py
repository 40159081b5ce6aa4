"""What the simulator's own tests share: a clock moved by hand, an app's HTTP side, blocks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from tests.vendors.slack import Simulator

START = 1_760_000_000.25


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class _Listening(ThreadingHTTPServer):
    # With the usual five, connections made at the same time wait for a second.
    request_queue_size = 128


class Receiver:
    """An app's HTTP side. `answers`: (status, headers, body, seconds to wait) for the next ones."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], str, float]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                status, headers, answer, wait = receiver.next(body)
                time.sleep(wait)
                try:
                    self.send_response(status)
                    told = {**headers, "Content-Length": str(len(answer.encode()))}
                    for name, value in told.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.encode())
                except OSError:
                    pass  # Slack has hung up.

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = _Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/slack"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def next(self, body: bytes) -> tuple[int, dict[str, str], str, float]:
        if self.answers:
            return self.answers.pop(0)
        challenge = json.loads(body).get("challenge", "") if body.startswith(b"{") else ""
        return 200, {}, challenge, 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def vendor(clock, app) -> Iterator[Simulator]:
    with Simulator(clock=clock, timeout=0.6) as made:
        made.app.events_url = made.app.interactivity_url = made.app.commands_url = app.url
        yield made


@pytest.fixture
def team(vendor):
    return vendor.team("T1")


@pytest.fixture
def web(vendor, team) -> WebClient:
    return WebClient(team.installation.token, base_url=vendor.api_url, retry_handlers=[])


def error(call: Callable, *args, **named) -> str:
    """The error name of a call that must fail."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **named)
    return caught.value.response["error"]


def section(text: str = "有42码", **more) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str = "buy", text: str = "买", **more) -> dict:
    told = {"type": "plain_text", "text": text}
    return {"type": "button", "action_id": action_id, "text": told, **more}


def actions(*elements: dict, **more) -> dict:
    return {"type": "actions", "elements": list(elements), **more}


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
