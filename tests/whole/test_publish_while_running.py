"""While the assistant runs, a release with goods and rules never seen before takes effect at once.

Nothing is restarted or trained: the release brings a category, a product and a policy; the shopper
asks for the product by name, and has it refunded by that policy; rolled back, all is as before.
"""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from kg import build, releases
from shop import clock, tickets
from shop.offers import OfferRow
from shop.orders import DELIVERED, LineRow, OrderRow
from storage import write

pytestmark = pytest.mark.slow

# The names follow a new version every two seconds.
FOLLOWED_SECONDS = 60
NAME = "定格 飞檐 榫卯积木"
ORDERS = {"QD2026119101": 20, "QD2026119102": 20, "QD2026119103": 40}
NEW = (
    ("category", {"id": "toys", "name": "玩具", "unit": "件"}),
    (
        "category",
        {"id": "mortise_blocks", "name": "榫卯积木", "parent": "toys", "unit": "盒"},
    ),
    (
        "product",
        {
            "id": "P9101",
            "name": NAME,
            "brand": "dinge",
            "category": "mortise_blocks",
            "aliases": ["飞檐积木"],
            "attributes": {"材质": "榉木", "块数": "236"},
            "sizes": ["均码"],
        },
    ),
    (
        "policy",
        {
            "id": "mortise_blocks_month",
            "topic": "refund",
            "title": "榫卯积木 30 天可退",
            "version": 1,
            "from": "2026-01-01",
            "to": None,
            "scope": {"categories": ["mortise_blocks"]},
            "conditions": {"reason": "no_reason"},
            "allowed": True,
            "days": 30,
            "text": "榫卯积木签收后 30 天内可以退款。",
            "reason": "榫卯积木签收后 30 天内都可以退",
        },
    ),
)


@pytest.fixture
def released(assistant, shop):
    """A release with the new records, and the new product in the shop's own books."""
    before = releases.current()
    content = releases.content_of(before)
    for kind, raw in NEW:
        assert not build.put(content, kind, raw, "test")
    talk = assistant.talk(None)
    assert NAME not in talk.say("飞檐积木多少钱")
    _book()
    yield releases.publish(content)
    if releases.current() != before:
        releases.rollback(before)


def _book() -> None:
    now = clock.now()
    with write() as session:
        session.merge(
            OfferRow(sku="P9101-01", product_id="P9101", price_cents=26900, stock=7, updated_at=now)
        )
        for number, days in ORDERS.items():
            at = now - timedelta(days=days)
            session.merge(
                OrderRow(
                    number=number,
                    shopper="demo",
                    phone="13900001234",
                    receiver="苏晓",
                    address="浙江省杭州市西湖区云栖路 18 号",
                    state=DELIVERED,
                    total_cents=26900,
                    placed_at=at,
                    delivered_at=at,
                    opened=False,
                )
            )
            session.flush()
            session.add(
                LineRow(
                    order_number=number,
                    sku="P9101-01",
                    product_id="P9101",
                    title=NAME,
                    quantity=1,
                    price_cents=26900,
                )
            )


def _asked_until(assistant, text: str, wanted: bool) -> str:
    """The answer once the product's name is known (or no longer), asked by new shoppers."""
    until = time.monotonic() + FOLLOWED_SECONDS
    while True:
        answer = assistant.talk(None).say(text)
        if (NAME in answer) is wanted:
            return answer
        assert time.monotonic() < until, answer
        time.sleep(0.3)


def test_a_release_takes_effect_and_is_taken_back(assistant, released):
    assert "269" in _asked_until(assistant, "飞檐积木多少钱", wanted=True)
    talk = assistant.talk(None)
    assert "榉木" in talk.say("飞檐积木是什么材质的")
    assert "269" in talk.say("它多少钱")

    # Twenty days after delivery only the new policy allows it.
    talk = assistant.talk("demo")
    assert NAME in talk.say("我要退款 QD2026119101")
    answer = talk.choose("不喜欢")
    assert "可以退款" in answer and "30 天" in answer
    talk.choose("自行寄回")
    assert "售后单号 AS" in talk.choose("确认提交")
    (ticket,) = tickets.of_viewer(None, talk.conversation)
    assert (ticket.kind, ticket.order_number) == ("refund", "QD2026119101")
    assert ticket.data["policy"] == "mortise_blocks_month"
    assert ticket.data["policy_version"] == "1"
    late = assistant.talk("demo")
    late.say("我要退款 QD2026119103")
    assert "30 天" in late.choose("不喜欢")
    assert tickets.of_viewer(None, late.conversation) == []

    releases.rollback()
    _asked_until(assistant, "飞檐积木多少钱", wanted=False)
    talk = assistant.talk("demo")
    talk.say("我要退款 QD2026119102")
    assert "30 天内都可以退" not in talk.choose("不喜欢")
    assert tickets.of_viewer(None, talk.conversation) == []
