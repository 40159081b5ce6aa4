"""The web application over a tiny shop, a chat server to talk to, and a browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.testclient import TestClient

from tests.web import fakes
from tests.web.chat_server import ChatServer
from web.app import create_app
from web.settings import Settings

BASE = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """Secrets made up for a test stay in its own folder."""
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("QUDAO_SECRET", "a secret for tests, 32 characters")


@pytest.fixture
def shop_sources():
    return fakes.sources()


@pytest.fixture
def client(shop_sources) -> Iterator[TestClient]:
    """A client of the application in demo mode."""
    app = create_app(Settings(demo=True), shop_sources, fakes.SHOPPERS)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """A chat server that speaks the widget's protocol."""
    server = ChatServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def site(chat) -> Iterator[str]:
    """The application served over HTTP, its chat socket being `chat`; gives its address."""
    settings = Settings(demo=True, socket=chat.address)
    app = create_app(settings, fakes.sources(), fakes.SHOPPERS)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        _wait_until(lambda: server.started, "the web application to start")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def open_page(browser, site):
    """Open a page of the site in a browser context of its own; faults on it fail the test."""
    contexts, faults = [], []

    def open_one(path: str = "/", **options):
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "zh-CN", **options}
        context = options.pop("context", None) or browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: _note(said, faults))
        page.goto(site + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults, f"faults on the page: {faults}"


def _note(said, faults: list[str]) -> None:
    """Breaches of the policy and errors, but not the refused connections that tests provoke."""
    if said.type == "error" and "WebSocket connection" not in said.text:
        faults.append(said.text)


def _wait_until(holds, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)
