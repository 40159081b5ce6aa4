"""The outbox of a channel is emptied: each outcome is noted, and nothing is sent twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from cdp import consent, identity
from cdp.messages import addresses, answers, notices, notify, outbox
from cdp.messages.answers import Answer
from connectors import sender
from connectors.sender import NotSent, Refused, Sender
from storage import read, write
from tests.connectors.talks import box

ROOM = ("conversation", "room-1")


@pytest.fixture
def person(database, monkeypatch) -> int:
    """Somebody on a channel of the test's own, where marketing is allowed; no hour is quiet."""
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(0))
    monkeypatch.setattr(notices.limits, "of", lambda _: _limits())
    with write() as session:
        number = identity.ensure_person(session, *ROOM)
        consent.record(session, [ROOM], ("marketing",), True, "test", "a test")
    addresses.heard("test", "room-1", ROOM)
    return number


def _limits():
    return notices.limits.Limits(good_for_hours=1)


async def emptied(deliver, person: int, *states: str) -> list[str]:
    """Run a sender until the messages are in these states; their reasons."""
    running = Sender("test", deliver)
    running.start()
    try:
        for _ in range(1000):
            rows = await asyncio.to_thread(messages, person)
            if [row.state for row in rows] == list(states):
                return [row.reason for row in rows]
            await asyncio.sleep(0.01)
        raise AssertionError([(row.state, row.reason) for row in rows])
    finally:
        await running.stop()


def messages(person: int) -> list:
    with read() as session:
        return list(reversed(outbox.of(session, person)))


async def test_messages_are_sent_in_order_and_once(person):
    got = []

    async def deliver(message):
        got.append((message.address, message.body["text"], message.name))
        return f"vendor-{message.id}"

    for text in ("一", "二", "三"):
        notify(person, text)
    await emptied(deliver, person, "sent", "sent", "sent")
    assert got == [("room-1", text, f"outbox-{n}") for n, text in enumerate(("一", "二", "三"), 1)]
    assert [row.vendor_id for row in messages(person)] == ["vendor-1", "vendor-2", "vendor-3"]


async def test_each_outcome_is_noted(person):
    tries = []

    async def deliver(message):
        tries.append(message.id)
        if message.body["text"] == "限流" and message.tries < 3:
            raise NotSent("429")
        if message.body["text"] == "拉黑":
            raise Refused("48002 the shopper refuses")
        if message.body["text"] == "没有回音":
            raise asyncio.TimeoutError

    for text, purpose in (("限流", "service"), ("拉黑", "service"), ("没有回音", "marketing")):
        notify(person, text, purpose)
    reasons = await emptied(deliver, person, "sent", "failed", "unknown")
    assert reasons == [None, "48002 the shopper refuses", "TimeoutError"]
    assert sorted(tries) == [1, 1, 1, 2, 3]


async def test_a_service_message_without_an_echo_is_sent_again(person):
    tries = []

    async def deliver(message):
        tries.append(message.name)
        if len(tries) == 1:
            raise asyncio.TimeoutError

    notify(person, "您的退款到账了")
    await emptied(deliver, person, "sent")
    assert tries == ["outbox-1", "outbox-1"]


def claimed(text: str) -> list:
    with write() as session:
        return answers.put_and_claim(session, Answer("test", "room-1", [{"text": text}], text))


async def test_what_is_claimed_already_is_sent_at_once_and_what_waits_after_it(person, monkeypatch):
    monkeypatch.setattr(sender, "LOOK_SECONDS", 60.0)
    got: list[str] = []

    async def deliver(message) -> None:
        got.append(message.body["text"])
        if message.body["text"] == "一":
            # Nobody tells the sender of it.
            await asyncio.to_thread(notify, person, "二")

    running = Sender("test", deliver)
    assert not running.is_idle
    running.start()
    while not running.is_idle:
        await asyncio.sleep(0.01)
    running.kick(await asyncio.to_thread(claimed, "一"))
    while len(got) < 2:
        await asyncio.sleep(0.01)
    await running.stop()
    assert got == ["一", "二"] and not running.is_idle
    assert [state for state, _ in box()] == ["sent", "sent"]


async def test_what_is_claimed_is_sent_before_a_sender_ends(person, monkeypatch):
    sent: list[str] = []

    async def deliver(message) -> None:
        sent.append(message.body["text"])

    running = Sender("test", deliver)
    running.start()
    while not running.is_idle:
        await asyncio.sleep(0.01)
    running.kick(claimed("一"))
    await running.stop()
    assert sent == ["一"] and [state for state, _ in box()] == ["sent"]


async def test_a_database_that_is_away_ends_no_sender(person, monkeypatch):
    claim, calls = outbox.claim, []

    def away(*args):
        calls.append(args)
        if len(calls) < 3:
            raise OSError("away")
        return claim(*args)

    monkeypatch.setattr(outbox, "claim", away)

    async def deliver(_):
        return None

    notify(person, "您的退款到账了")
    await emptied(deliver, person, "sent")
    assert len(calls) >= 3


async def test_one_process_sends_at_a_time_and_another_takes_over_when_it_ends(person):
    sent: list[str] = []

    def sending(who: str) -> Sender:
        async def deliver(message) -> str:
            sent.append(f"{who}: {message.body['text']}")
            return who

        return Sender("test", deliver)

    first, second = sending("first"), sending("second")
    first.start()
    await asyncio.sleep(0)
    second.start()
    for text in ("您的退款到账了", "您的包裹到了"):
        await asyncio.to_thread(notify, person, text)
        while len(sent) < 1:
            await asyncio.sleep(0.01)
        if text == "您的退款到账了":
            await first.stop()
    while len(sent) < 2:
        await asyncio.sleep(0.01)
    await second.stop()
    assert sent == ["first: 您的退款到账了", "second: 您的包裹到了"]
