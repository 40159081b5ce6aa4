"""rasa-webchat of npm, unchanged, in a real browser, on the Socket.IO channel."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from cdp.session import read as read_session
from connectors import rooms
from connectors.socketio.channel import PATH, SocketInput, _in_a_room_of_ours
from tests.connectors.served import served
from tests.connectors.talks import Bot
from tests.web import customers
from tests.web.customers import until

VERSION = "1.0.1"
# Kept between runs; the package alone, whose bundle has all it needs.
CACHE = Path("var") / "npm" / f"rasa-webchat-{VERSION}"
PAGE = """<!doctype html><meta charset="utf-8"><title>Another shop</title>
<div id="chat"></div><script src="/library/index.js"></script><script>
window.WebChat.default({{
  selector: "#chat", socketUrl: "{socket}", socketPath: "{path}", initPayload: "你好",
  embedded: true, customMessageDelay: () => 0, params: {{ storage: "local" }},
}}, null);</script>"""
SESSION = "() => JSON.parse(localStorage.getItem('chat_session')).session_id"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library() -> Path:
    """The folder of the bundle as npm brings it."""
    found = CACHE / "package" / "lib"
    if not found.exists():
        npm = shutil.which("npm")
        if npm is None:
            return _missing("npm is not installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", f"rasa-webchat@{VERSION}", "--pack-destination", str(CACHE)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=120)
        packed = CACHE / f"rasa-webchat-{VERSION}.tgz"
        if made.returncode or not packed.exists():
            return _missing(f"npm could not fetch the widget: {made.stderr.strip()[-300:]}")
        with tarfile.open(packed) as archive:
            archive.extractall(CACHE, filter="data")
    return found.resolve()


def _missing(why: str):
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def site(library) -> Iterator[SimpleNamespace]:
    """A page of another origin with the widget on it; `socket` says where the channel is."""
    foreign, told = FastAPI(), SimpleNamespace(socket="")
    foreign.mount("/library", StaticFiles(directory=library))

    @foreign.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(PAGE.format(socket=told.socket, path=f"{PATH}/"))

    with customers.served(foreign) as told.origin:
        yield told


@pytest.fixture
def bot(state, site) -> Iterator[Bot]:
    """The channel for that page on a loop of its own, with a bot in Rasa's place."""
    made, started = Bot(), threading.Event()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        channel = SocketInput.from_credentials({"origins": [site.origin]})
        async with served(channel, made) as place:
            site.socket = f"http://{place}"
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(20)
    yield made
    loop.call_soon_threadsafe(ended.set)
    thread.join(20)
    loop.close()


def test_a_widget_of_others_talks_and_finds_its_talk_again(browser, site, bot):
    buttons = [{"title": "退货", "payload": "/request_return"}]
    card = {"title": "疾风3", "price": "¥499", "buttons": [{"title": "选尺码", "payload": "/size"}]}
    bot.answer = {"text": "您好，看看这双：", "custom": {"cards": [card]}, "buttons": buttons}
    context = browser.new_context()
    page = context.new_page()
    # The widget asks for a font of others.
    page.route("https://**", lambda route: route.abort())
    page.goto(site.origin)
    page.get_by_text("您好，看看这双：").wait_for()
    assert bot.heard == ["你好"]
    page.get_by_text("疾风3 ¥499").wait_for()
    bot.answer = {}
    page.get_by_text("退货", exact=True).click()
    page.get_by_text("听到：/request_return").wait_for()
    page.get_by_placeholder("Type a message").fill("跑鞋有42码吗")
    page.keyboard.press("Enter")
    page.get_by_text("听到：跑鞋有42码吗").wait_for()
    # The page goes while an answer is under way, and comes back.
    session = page.evaluate(SESSION)
    bot.seconds = 1.0
    page.get_by_placeholder("Type a message").fill("在吗")
    page.keyboard.press("Enter")
    until(lambda: bot.heard[-1] == "在吗", "the message", seconds=10)
    page.goto("about:blank")
    room = _in_a_room_of_ours(read_session(session)).conversation
    until(lambda: rooms.history(room)[-1]["text"] == "听到：在吗", "the answer", seconds=10)
    page.goto(site.origin)
    page.get_by_text("听到：在吗").wait_for()
    assert page.evaluate(SESSION) == session
    assert page.get_by_text("听到：跑鞋有42码吗").count() == 1
    assert bot.heard == ["你好", "/request_return", "跑鞋有42码吗", "在吗"]
    context.close()
