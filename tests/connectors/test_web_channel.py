"""The web chat's socket, over the wire: what is odd or fails never ends the conversation."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
import websockets
from sqlalchemy.exc import OperationalError

from cdp import identity
from cdp.messages import notify, outbox
from cdp.session import issue, new_conversation
from connectors import rooms
from connectors.web import channel
from connectors.web.channel import WebInput
from storage import read, write
from tests.connectors.served import served

PAGE = "http://localhost:8000"


class Socket:
    """A socket in its room; `ask` returns the first frame that answers."""

    def __init__(self, ws) -> None:
        self.ws = ws

    async def ask(self, frame: dict | str, *types: str) -> dict:
        await self.ws.send(frame if isinstance(frame, str) else json.dumps(frame))
        while True:
            found = json.loads(await asyncio.wait_for(self.ws.recv(), 30))
            if found["type"] in types or found["type"] == "error":
                return found


@pytest.fixture
async def place(state):
    async def echo(message) -> None:
        await message.output_channel.send_response(message.sender_id, {"text": message.text})

    async with served(WebInput([PAGE]), echo) as found:
        yield f"ws://{found}/webhooks/web/socket"


@pytest.fixture
async def socket(place):
    async with websockets.connect(place, origin=PAGE) as ws:
        joined = Socket(ws)
        hello = {"type": "hello", "token": issue(new_conversation(), None)}
        assert (await joined.ask(hello, "ready"))["messages"] == []
        yield joined


def said(text: str, id: str = "m1") -> dict:
    return {"type": "message", "id": id, "text": text}


async def test_a_message_is_acknowledged_and_answered(socket):
    acked = await socket.ask(said("你好"), "ack")
    assert (acked["id"], acked["message"]["text"]) == ("m1", "你好")
    assert (await socket.ask({"type": "ping"}, "message", "pong"))["type"] in ("message", "pong")


async def test_what_the_shop_sends_of_itself_comes_at_once_or_waits_in_the_room(place):
    token = issue(conversation := new_conversation(), None)
    hello = {"type": "hello", "token": token}
    with write() as session:
        person = identity.ensure_person(session, "conversation", conversation)
    async with websockets.connect(place, origin=PAGE) as ws:
        await Socket(ws).ask(hello, "ready")
        # Where a shopper is reached is noted behind the hello.
        await Socket(ws).ask({"type": "ping"}, "pong")
        sent = await asyncio.to_thread(notify, person, "您的退款到账了")
        assert sent.channel == "web"
        frame = json.loads(await asyncio.wait_for(ws.recv(), 30))
        assert (frame["message"]["text"], frame["message"]["from"]) == ("您的退款到账了", "bot")
    buttons = [{"title": "看看新色", "payload": "/ask_product"}]
    message = {"text": "疾风3 出新色了", "buttons": buttons}
    await asyncio.to_thread(notify, person, message)
    end = time.monotonic() + 60
    while len(rooms.history(conversation)) < 2:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    async with websockets.connect(place, origin=PAGE) as ws:
        ready = await Socket(ws).ask(hello, "ready")
    (_, waited) = ready["messages"]
    assert waited["text"] == "疾风3 出新色了"
    # A token, as of every button: what it means stays here.
    assert rooms.choice(conversation, waited["buttons"][0]["token"]) == ("看看新色", "/ask_product")
    with read() as session:
        assert {row.state for row in outbox.of(session, person)} <= {"sent", "sending"}


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ('{"type": "message", "id": "m", "text": "hi\\ud83d"}', "ack"),
        ('{"type": "message", "id": "m", "text": "h\\u0000i"}', "ack"),
        ('{"type": "message", "id": "\\ud83d", "text": "hi"}', "bad_frame"),
        ('{"type": "message", "id": "a\\u0000", "text": "hi"}', "bad_frame"),
        ('{"type": "choice", "id": "m", "token": "\\ud83d"}', "bad_choice"),
        ('{"type": "choice", "id": "m", "token": "\\u0000"}', "bad_choice"),
        ('{"type": "fetch", "after": 99999999999999999999}', "bad_frame"),
    ],
)
async def test_what_no_database_takes_ends_no_socket(socket, frame, answer):
    found = await socket.ask(frame, "ack", "history")
    assert found.get("code", found["type"]) == answer
    assert (await socket.ask({"type": "fetch"}, "history"))["type"] == "history"


async def test_a_message_that_cannot_be_kept_is_not_acknowledged(socket, monkeypatch):
    def fail(*_, **_more):
        raise OperationalError("away", {}, Exception())

    with monkeypatch.context() as away:
        away.setattr(rooms, "accept", fail)
        refused = await socket.ask(said("你好"), "ack")
    assert (refused["code"], refused["id"]) == ("unavailable", "m1")
    assert (await socket.ask(said("你好"), "ack"))["type"] == "ack"


async def test_a_socket_that_says_nothing_is_closed(place, monkeypatch):
    monkeypatch.setattr(channel, "HELLO_SECONDS", 0.1)
    async with websockets.connect(place, origin=PAGE) as ws:
        assert json.loads(await asyncio.wait_for(ws.recv(), 60))["code"] == "bad_frame"
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(ws.recv(), 60)


def test_the_limiter_forgets_who_is_gone(monkeypatch):
    chat, now = WebInput([PAGE]), time.time()
    for number in range(50):
        assert chat._allowed(f"c{number}", "10.0.0.1")
    chat._hits.timer.join()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert chat._allowed("another", "10.0.0.1")
    chat._hits.timer.join()
    assert len(chat._hits.storage) + len(chat._hits.events) == 2


async def test_what_was_kept_as_the_socket_broke_is_answered(place, monkeypatch):
    keeping, go_on = threading.Event(), threading.Event()
    accept = rooms.accept

    def slowly(*arguments, **more):
        keeping.set()
        go_on.wait(10)
        return accept(*arguments, **more)

    monkeypatch.setattr(rooms, "accept", slowly)
    conversation = new_conversation()
    async with websockets.connect(place, origin=PAGE) as ws:
        await Socket(ws).ask({"type": "hello", "token": issue(conversation, None)}, "ready")
        await ws.send(json.dumps(said("在吗")))
        await asyncio.to_thread(keeping.wait, 10)
    # Nobody comes back: the message is worked off all the same.
    await asyncio.sleep(0.2)
    go_on.set()
    for _ in range(200):
        told = await asyncio.to_thread(rooms.history, conversation)
        if len(told) == 2:
            break
        await asyncio.sleep(0.05)
    assert [message["from"] for message in told] == ["user", "bot"]


async def test_a_foreign_page_is_refused_at_every_spelling_of_the_path(place):
    for path in (place, f"{place}/"):
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(path, origin="https://evil.example")


@pytest.mark.parametrize("most", ["MOST_SOCKETS", "MOST_SOCKETS_OF_ADDRESS"])
async def test_one_socket_too_many_waits_until_another_is_gone(place, monkeypatch, most):
    monkeypatch.setattr(channel, most, 2)
    first, second = [await websockets.connect(place, origin=PAGE) for _ in range(2)]
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await websockets.connect(place, origin=PAGE)
    assert refused.value.status_code == 503
    await first.close()
    for _ in range(100):
        try:
            third = await websockets.connect(place, origin=PAGE)
            break
        except websockets.InvalidStatusCode:
            await asyncio.sleep(0.05)
    hello = {"type": "hello", "token": issue(new_conversation(), None)}
    assert (await Socket(third).ask(hello, "ready"))["messages"] == []
    for one in (second, third):
        await one.close()


async def test_a_session_that_ends_while_the_socket_stands_takes_no_more(place):
    async with websockets.connect(place, origin=PAGE) as ws:
        joined = Socket(ws)
        token = issue(new_conversation(), None, ttl=2)
        await joined.ask({"type": "hello", "token": token}, "ready")
        await asyncio.sleep(3)
        assert (await joined.ask(said("在吗"), "ack"))["code"] == "expired"
