"""Every channel: what comes in is kept, acknowledged in time, and handled once and in order."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from connectors import rooms, worker
from tests.connectors.talks import does, inbox, until


@pytest.mark.duty("text")
async def test_a_question_is_answered(talk):
    await does(talk.rig.says, "ann", "跑鞋有42码吗")
    await until(lambda: talk.rig.seen("ann") == ["听到：跑鞋有42码吗"])
    assert talk.bot.heard == ["跑鞋有42码吗"]


@pytest.mark.duty("acknowledged")
async def test_a_message_is_acknowledged_though_its_answer_takes_longer_than_the_vendor_waits(talk):
    talk.bot.gate.clear()
    await does(talk.rig.says, "ann", "我要退货")
    acknowledged = talk.rig.acknowledged()
    assert acknowledged and all(acknowledged)
    talk.bot.gate.set()
    await until(lambda: talk.rig.seen("ann") == ["听到：我要退货"])


@pytest.mark.duty("kept")
async def test_what_cannot_be_kept_is_not_acknowledged_and_comes_again(talk, monkeypatch):
    accept, failures = rooms.accept, iter(range(1))

    def away(*given, **more):
        if next(failures, None) is not None:
            raise OperationalError("away", {}, Exception())
        return accept(*given, **more)

    monkeypatch.setattr(rooms, "accept", away)
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: talk.rig.seen("ann") == ["听到：在吗"])
    assert next(failures, None) is None and talk.bot.heard == ["在吗"]


@pytest.mark.duty("kept")
@pytest.mark.duty("once")
async def test_what_was_acknowledged_before_a_crash_is_answered_after_it_once(stopped, monkeypatch):
    with monkeypatch.context() as crash:
        # The process ends between the acknowledgement and the first look at what is kept.
        crash.setattr(worker.Worker, "kick", lambda *_: None)
        async with stopped.serving():
            await does(stopped.rig.says, "ann", "在吗")
            await until(lambda: inbox() == ["在吗"])
        assert stopped.bot.heard == []
    async with stopped.serving():
        await until(lambda: stopped.rig.seen("ann") == ["听到：在吗"])
        await does(stopped.rig.repeats)
        await does(stopped.rig.says, "ann", "有42码吗")
        await until(lambda: len(stopped.rig.seen("ann")) == 2)
    assert stopped.bot.heard == ["在吗", "有42码吗"] == inbox()


@pytest.mark.duty("once")
async def test_what_comes_twice_is_answered_once(talk):
    await does(talk.rig.says, "ann", "在吗")
    await does(talk.rig.repeats)
    await until(lambda: talk.rig.seen("ann") == ["听到：在吗"])
    await does(talk.rig.repeats)
    await does(talk.rig.says, "bob", "还有人吗")
    await until(lambda: talk.rig.seen("bob"))
    assert talk.bot.heard == ["在吗", "还有人吗"] and talk.rig.seen("ann") == ["听到：在吗"]


@pytest.mark.called
@pytest.mark.duty("once")
async def test_what_comes_late_out_of_order_and_twice_is_answered_once(talk):
    said = [f"问题{number}" for number in range(3)]

    def write() -> None:
        with talk.rig.late():
            for text in said:
                talk.rig.says("ann", text)
            assert inbox() == []

    await does(write)
    await until(lambda: len(talk.rig.seen("ann")) >= 3)
    assert all(talk.rig.acknowledged())
    await does(talk.rig.says, "bob", "在吗")
    await until(lambda: talk.rig.seen("bob"))
    # In the order in which they came.
    assert talk.bot.heard == [*said[::-1], "在吗"] and talk.bot.most_at_once == 1
    assert sorted(talk.rig.seen("ann")) == [f"听到：{text}" for text in said]


@pytest.mark.duty("in_order")
async def test_several_messages_of_one_shopper_are_answered_in_order_without_a_pause(
    talk, monkeypatch
):
    # A pause would be longer than the test has patience.
    monkeypatch.setattr(worker, "PAUSES", (60.0,))
    talk.bot.gate.clear()
    said = [f"问题{number}" for number in range(5)]

    async def writes() -> None:
        for text in said:
            await does(talk.rig.says, "ann", text)

    writing = asyncio.create_task(writes())
    await until(lambda: len(inbox()) >= 2)
    talk.bot.gate.set()
    await writing
    await until(lambda: len(talk.rig.seen("ann")) == 5)
    assert talk.bot.heard == said and talk.bot.most_at_once == 1
    # A reply to the vendor's request may be there before a message that was sent earlier.
    assert sorted(talk.rig.seen("ann")) == [f"听到：{text}" for text in said]


@pytest.mark.duty("in_order")
async def test_one_shoppers_slow_answer_keeps_nobody_else_waiting(talk):
    talk.bot.gate.clear()
    await does(talk.rig.says, "ann", "查一下订单")
    await until(lambda: talk.bot.heard)
    await does(talk.rig.says, "bob", "在吗")
    await until(lambda: len(talk.bot.heard) == 2)
    talk.bot.gate.set()
    await until(lambda: talk.rig.seen("ann") and talk.rig.seen("bob"))
