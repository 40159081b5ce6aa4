"""Orders reach the customer data: with the change itself, once, whatever fails in between."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cdp import identity, pipeline, profiles, sources
from cdp.events import Event, EventRow
from shop import __main__ as command
from shop import checkout, clock, events, offers, orders
from shop.checkout import CannotBuy, Wanted
from shop.events import OrderEventRow
from storage import create_tables, read, write

SKU, PRODUCT = "P1001-01", "P1001"
HAND_OVER = events.hand_over
ORDERS = (
    ("QD2026110001", "demo", orders.PAID),
    ("QD2026110002", "demo", orders.SHIPPED),
    ("QD2026110006", "demo", orders.REFUNDING),
    ("QD2026110101", "lin", orders.DELIVERED),
)


@pytest.fixture(autouse=True)
def seeded(database, monkeypatch):
    pipeline.load_jobs()
    create_tables()
    sources.ensure_builtin()
    stock()
    # Each test hands over by itself, and sees what waits until then.
    monkeypatch.setattr(events, "hand_over", lambda: None)


def stock() -> None:
    """One variant, and an order of each shopper and each state that matters here."""
    with write() as session:
        session.add(
            offers.OfferRow(
                sku=SKU, product_id=PRODUCT, price_cents=39900, stock=9, updated_at=clock.now()
            )
        )
        for number, shopper, state in ORDERS:
            line = orders.LineRow(
                order_number=number,
                sku=SKU,
                product_id=PRODUCT,
                title="跑鞋",
                quantity=1,
                price_cents=39900,
            )
            order = orders.OrderRow(
                number=number,
                shopper=shopper,
                phone="13900001234",
                receiver="林若",
                address="成都市锦江区春熙里 6 号",
                state=state,
                total_cents=39900,
                placed_at=clock.now(),
            )
            session.add(order)
            session.flush()
            session.add(line)


def wanted(**other) -> Wanted:
    price = offers.offers_for(PRODUCT).variants[SKU].price_cents
    told = {"sku": SKU, "product_id": PRODUCT, "title": "跑鞋", "price_cents": price}
    return Wanted(**{**told, "category": "running_shoes", "brand": "lingbu", **other})


def waiting() -> int:
    with read() as session:
        return len(session.scalars(select(OrderEventRow.id)).all())


def taken_in() -> list[Event]:
    with read() as session:
        return [Event.from_row(row) for row in session.execute(select(EventRow.__table__))]


def test_a_purchase_is_an_order_and_an_event():
    before = offers.offers_for(PRODUCT).variants[SKU].stock
    order = checkout.buy("lin", wanted(), "try-1")
    assert (order.state, order.shopper, order.receiver) == ("paid", "lin", "林若")
    assert orders.find(order.number).lines[0].title == "跑鞋"
    assert offers.offers_for(PRODUCT).variants[SKU].stock == before - 1
    assert events.drain() == 1 and waiting() == 0
    (event,) = taken_in()
    assert event.name == "Order Completed" and event.ids == [("user_id", "lin")]
    assert event.body["prove"] and event.body["purposes"] == ["service"]
    told = event.body["properties"]
    assert told["order_id"] == order.number and told["total_cents"] == order.total_cents
    assert told["products"][0]["category"] == "running_shoes"


def test_a_purchase_tried_twice_is_one():
    first = checkout.buy("lin", wanted(), "try-1")
    again = checkout.buy("lin", wanted(), "try-1")
    other = checkout.buy("lin", wanted(), "try-2")
    assert first.number == again.number != other.number
    assert orders.NUMBER.fullmatch(other.number) and waiting() == 2
    with pytest.raises(CannotBuy, match="another shopper"):
        checkout.buy("demo", wanted(), "try-1")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"price_cents": 1}, "price_changed"),
        ({"quantity": 10_000}, "sold_out"),
        ({"sku": "nope"}, "unknown"),
        ({"product_id": "P1002"}, "unknown"),
    ],
)
def test_what_cannot_be_bought_leaves_nothing(other, code):
    with pytest.raises(CannotBuy) as refused:
        checkout.buy("lin", wanted(**other), "try-1")
    assert refused.value.code == code and waiting() == 0
    with pytest.raises(CannotBuy, match="where to send"):
        checkout.buy("nobody", wanted(), "try-2")


def test_the_last_piece_is_sold_once():
    with write() as session:
        session.get(offers.OfferRow, SKU).stock = 1
    bought, refused = [], []

    def buy(number: int) -> None:
        try:
            bought.append(checkout.buy("lin", wanted(), f"try-{number}"))
        except CannotBuy as error:
            refused.append(error.code)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bought) == 1 and refused == ["sold_out"] * 3


def test_a_cancelled_order_is_told_and_one_that_cannot_be_is_not():
    assert orders.cancel("QD2026110001") and not orders.cancel("QD2026110001")
    assert not orders.cancel("QD2026110002")
    assert events.drain() == 1
    (event,) = taken_in()
    assert (event.name, event.kind) == ("Order Cancelled", "refund")
    assert event.body["properties"]["order_id"] == "QD2026110001"


def test_a_refund_is_paid_back_by_a_command(capsys):
    assert command.main(["refund", "qd2026110006"]) == 0
    assert command.main(["refund", "QD2026110006"]) == 1
    assert "expected one whose refund is under way" in capsys.readouterr().err
    assert [event.name for event in taken_in()] == ["Order Refunded"]
    assert orders.find("QD2026110006").state == "cancelled"


def test_an_order_undone_leaves_no_event(monkeypatch):
    def fail(*_, **__):
        raise OperationalError("away", {}, Exception())

    monkeypatch.setattr(checkout.events, "note", fail)
    with pytest.raises(OperationalError):
        checkout.buy("lin", wanted(), "try-1")
    assert len(orders.of_shopper("lin")) == 1 and waiting() == 0


def test_what_the_intake_could_not_take_waits(monkeypatch):
    order = checkout.buy("lin", wanted(), "try-1")
    with monkeypatch.context() as away:
        away.setattr(events, "accept", _fail)
        with pytest.raises(OperationalError):
            events.drain()
    assert waiting() == 1
    # It was taken in, but the process died before it could forget it.
    with monkeypatch.context() as dying:
        dying.setattr(events, "write", _fail)
        with pytest.raises(OperationalError):
            events.drain()
    assert waiting() == 1 and len(taken_in()) == 1
    assert events.handed_over() == 1 and waiting() == 0
    assert len(taken_in()) == 1
    while pipeline.run_once():
        pass
    with read() as session:
        body = profiles.get(session, identity.person_of(session, [("user_id", "lin")]))
    assert body["orders"]["count"] == 1
    assert body["orders"]["value_cents"] == order.total_cents


def test_news_that_cannot_be_handed_over_spoils_no_order(monkeypatch):
    monkeypatch.setattr(events, "hand_over", HAND_OVER)
    monkeypatch.setattr(events, "accept", _fail)
    assert orders.cancel("QD2026110001") and waiting() == 1


def test_an_order_of_nobody_known_is_its_phones():
    with write() as session:
        order = session.get(orders.OrderRow, "QD2026110001")
        order.shopper = None
    assert orders.cancel("QD2026110001") and events.drain() == 1
    (event,) = taken_in()
    assert [one["kind"] for one in event.body["ids"]] == ["phone"]
    assert "13900001234" not in str(event.body)


def _fail(*_, **__):
    raise OperationalError("away", {}, Exception())
