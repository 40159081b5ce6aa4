"""A message acknowledged before the Rasa server is killed is answered after its restart, once."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import contextmanager, suppress

import pytest
import websockets

from cdp.session import issue, new_conversation
from connectors import rooms

pytestmark = pytest.mark.slow


async def join(assistant, token: str, after: int = 0):
    """A socket in its room, and the `ready` frame (or the refusal)."""
    socket = await websockets.connect(assistant.socket, origin=assistant.page)
    await socket.send(json.dumps({"type": "hello", "token": token, "after": after}))
    # What is published while the history is read comes before it, and is in it too.
    frames = await until(socket, lambda frame: frame["type"] in ("ready", "error"))
    return socket, frames[-1]


async def until(socket, wanted) -> list[dict]:
    """Frames up to the first that `wanted` holds for."""
    seen = []
    while True:
        seen.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
        if wanted(seen[-1]):
            return seen


@contextmanager
def no_action_answers(assistant):
    """The action server is held still, so that no message can be answered."""
    process = assistant.actions.process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


# How long the message is worked on before the kill: not at all; until an action is under way.
@pytest.mark.parametrize("seconds", [0, 0.5])
async def test_answered_once_after_a_kill(assistant, shop, seconds):
    conversation = new_conversation()
    token = issue(conversation, "demo")
    for turn in range(2):
        socket, ready = await join(assistant, token)
        before = len(ready["messages"])
        sent = {"type": "message", "id": f"m{turn}", "text": "这个手机能分期吗"}
        with no_action_answers(assistant):
            await socket.send(json.dumps(sent))
            await until(socket, lambda frame: frame["type"] == "ack")
            await asyncio.sleep(seconds)
            assistant.rasa.kill()
            # Acknowledged, killed, and nothing of an answer is kept anywhere.
            assert rooms.pending(conversation).context["shopper"] == "demo"
            kept = rooms.history(conversation)[before:]
            assert [message["from"] for message in kept] == ["user"]
        assistant.rasa.start()
        await asyncio.to_thread(assistant.rasa.wait)
        with suppress(websockets.ConnectionClosed):
            await socket.close()
        socket, ready = await join(assistant, token)
        told = ready["messages"][before:]
        if not any(message["from"] == "bot" for message in told):
            frames = await until(socket, lambda frame: frame["type"] == "message")
            told.append(frames[-1]["message"])
        assert rooms.pending(conversation) is None
        # What is sent again by a page that never saw the acknowledgement is the same message.
        await socket.send(json.dumps(sent))
        again = await until(socket, lambda frame: frame["type"] == "ack")
        assert again[-1]["message"]["seq"] == told[0]["seq"]
        await asyncio.sleep(1)
        await socket.close()
        socket, ready = await join(assistant, token)
        await socket.close()
        told = ready["messages"][before:]
        assert [message["from"] for message in told] == ["user", "bot"]
        assert "分期" in told[1]["text"]


async def test_messages_at_once_are_answered_in_order(assistant, shop):
    socket, _ = await join(assistant, issue(new_conversation(), None))
    for turn, text in enumerate(["你好", "你是机器人吗", "谢谢"]):
        await socket.send(json.dumps({"type": "message", "id": str(turn), "text": text}))
    answers: list[str] = []
    while len(answers) < 3:
        frame = (await until(socket, lambda frame: frame["type"] == "message"))[-1]
        if frame["message"]["from"] == "bot":
            answers.append(frame["message"]["text"])
    await socket.close()
    assert "云途商城" in answers[0] and "机器人" in answers[1]


@pytest.mark.parametrize("typed", ["/restart", " /inform{}", '\u3000/inform{"x": 1}'])
async def test_commands_are_only_text(assistant, shop, typed):
    socket, _ = await join(assistant, issue(new_conversation(), None))
    await socket.send(json.dumps({"type": "message", "id": "a", "text": typed}))
    frames = await until(socket, lambda frame: frame["type"] == "message")
    await socket.close()
    assert frames[-1]["message"]["from"] == "bot" and frames[-1]["message"]["text"]


async def test_a_foreign_page_or_token_gets_no_room(assistant, shop):
    with pytest.raises(websockets.InvalidStatusCode):
        await websockets.connect(assistant.socket, origin="https://evil.example")
    socket, answer = await join(assistant, "made-up")
    assert answer["code"] == "bad_token"
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.code == 4401


async def test_another_rooms_choice_is_no_choice(assistant, shop):
    socket, _ = await join(assistant, issue(new_conversation(), None))
    await socket.send(json.dumps({"type": "message", "id": "a", "text": "你好"}))
    frames = await until(socket, lambda frame: frame["type"] == "message")
    token = frames[-1]["message"]["buttons"][0]["token"]
    await socket.close()
    socket, _ = await join(assistant, issue(new_conversation(), None))
    await socket.send(json.dumps({"type": "choice", "id": "b", "token": token}))
    answer = await until(socket, lambda frame: frame["type"] in ("ack", "error"))
    await socket.close()
    assert answer[-1]["code"] == "bad_choice"
