"""Every channel: answers in the vendor's form, and what the shop says of itself."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cdp import identity
from cdp.messages import notify
from cdp.messages.tables import AddressRow, OutboxRow
from storage import read, write
from tests.connectors.talks import does, until

CHOICES = [
    {"title": "七天无理由", "payload": "/ask_return_policy"},
    {"title": "质量问题", "payload": "/request_return"},
]
OFFER = {"text": "您是想问哪一个？", "buttons": CHOICES}


@pytest.mark.duty("buttons")
async def test_what_is_pressed_is_what_was_offered(talk):
    talk.bot.answer = OFFER
    await does(talk.rig.says, "ann", "退货")
    await until(lambda: talk.rig.seen("ann"))
    await does(talk.rig.presses, "ann", "质量问题")
    await until(lambda: talk.bot.heard == ["退货", "/request_return"])


@pytest.mark.duty("numbers")
async def test_a_number_chooses_what_was_offered(talk):
    talk.bot.answer = OFFER
    await does(talk.rig.says, "ann", "退货")
    await until(lambda: talk.rig.seen("ann"))
    assert "2. 质量问题" in talk.rig.seen("ann")[0]
    talk.bot.answer = {}
    await does(talk.rig.says, "ann", "２")
    await until(lambda: len(talk.rig.seen("ann")) == 2)
    # Nothing is offered now: a number is only a number.
    await does(talk.rig.says, "ann", "2")
    await until(lambda: talk.bot.heard == ["退货", "/request_return", "2"])


@pytest.mark.duty("rich")
async def test_choices_cards_and_links_are_shown(talk):
    card = {"title": "疾风3", "price": "¥499", "subtitle": "凌步 · 跑步鞋", "url": "/products/P1"}
    order = {"title": "订单 QD2026110002", "text": "运输中", "buttons": [CHOICES[1]]}
    talk.bot.answer = {
        "text": "看看这些：",
        "buttons": CHOICES,
        "custom": {
            "cards": [card, order],
            "links": [{"title": "尺码表", "url": "/sizes"}],
        },
    }
    await does(talk.rig.says, "ann", "跑鞋")
    await until(lambda: talk.rig.seen("ann"))
    shown = "\n".join(talk.rig.seen("ann"))
    for part in ("疾风3", "¥499", "凌步", "QD2026110002", "运输中", "尺码表", "七天无理由"):
        assert part in shown, part
    assert "http://localhost:8000/products/P1" in shown
    assert "/request_return" not in shown


@pytest.mark.duty("long_text")
async def test_a_long_answer_is_split_between_sentences_and_none_of_it_is_lost(talk):
    told = "".join(f"第{number}条规则，请您仔细看一看。" for number in range(200))
    talk.bot.answer = {"text": told}
    await does(talk.rig.says, "ann", "退货政策")
    await until(lambda: _joined(talk.rig.seen("ann")) == told)
    parts = [part for seen in talk.rig.seen("ann") for part in seen.split("\n")]
    assert len(parts) > 1 and all(part.endswith("。") for part in parts)


def _joined(seen: list[str]) -> str:
    return "".join(seen).replace("\n", "")


@pytest.mark.duty("proactive")
async def test_what_the_shop_says_of_itself_is_sent_and_noted(talk):
    person = await _person(talk)
    notice = await does(notify, person, "您的退款到账了")
    assert notice.channel == talk.rig.channel
    await until(lambda: talk.rig.seen("ann")[1:] == ["您的退款到账了"])
    await until(lambda: _outbox() == ["sent", "sent"])


@pytest.mark.duty("proactive")
async def test_what_is_to_be_sent_later_survives_a_restart(stopped):
    async with stopped.serving():
        person = await _person(stopped)
    await does(notify, person, "您的退款到账了")
    assert stopped.rig.seen("ann") == ["听到：在吗"]
    async with stopped.serving():
        await until(lambda: stopped.rig.seen("ann")[1:] == ["您的退款到账了"])


@pytest.mark.duty("left")
async def test_who_leaves_is_not_written_to_until_they_are_back(talk):
    person = await _person(talk)
    await does(talk.rig.leaves, "ann")
    await does(notify, person, "您的退款到账了")
    await until(lambda: _outbox()[-1] in ("failed", "dropped"))
    assert _closed() and talk.rig.seen("ann") == ["听到：在吗"]
    assert (await does(notify, person, "您的退款到账了")).reason == "no_address"


async def _person(talk) -> int:
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: _outbox() == ["sent"])
    with write() as session:
        return identity.ensure_person(session, *talk.rig.identifier("ann"))


def _outbox() -> list[str]:
    with read() as session:
        return list(session.scalars(select(OutboxRow.state).order_by(OutboxRow.id)))


def _closed() -> bool:
    with read() as session:
        return session.scalars(select(AddressRow.closed_at)).one() is not None
