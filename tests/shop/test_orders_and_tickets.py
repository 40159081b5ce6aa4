"""Orders as they are seeded and changed, and tickets made once."""

from __future__ import annotations

import threading

import pytest

from shop import demo, offers, orders, tickets


@pytest.fixture(autouse=True)
def seeded(state):
    demo.seed()


def test_every_order_of_the_demo_shop_is_in_its_state():
    states = {order.number[-4:]: order.state for order in orders.of_shopper("demo")}
    assert states == {
        "0001": "paid",
        "0002": "shipped",
        "0003": "delivered",
        "0004": "delivered",
        "0005": "delivered",
        "0006": "refunding",
        "0007": "cancelled",
        "0008": "delivered",
    }
    days = {n: orders.find(f"QD202611{n}").days_since_delivery() for n in ("0003", "0004", "0008")}
    assert days == {"0003": 3, "0004": 10, "0008": 40}
    assert orders.find("QD2026110005").opened and orders.find("QD2026110003").opened is False


def test_seeding_again_undoes_nothing():
    assert orders.cancel("QD2026110001")
    assert demo.seed() == (0, 0)
    assert orders.find("QD2026110001").state == "cancelled"
    demo.seed(reset=True)
    assert orders.find("QD2026110001").state == "paid"


def test_what_is_shipped_can_neither_be_cancelled_nor_sent_elsewhere():
    assert not orders.cancel("QD2026110002")
    assert not orders.change_address("QD2026110002", "别处 1 号")
    assert orders.change_address("QD2026110001", "上海市静安区茂名路 8 号")
    assert orders.find("QD2026110001").address == "上海市静安区茂名路 8 号"


def test_an_order_costs_what_its_lines_cost():
    for order in orders.of_shopper("demo"):
        assert order.total_cents == sum(line.price_cents * line.quantity for line in order.lines)
        for line in order.lines:
            assert line.sku in offers.offers_for(line.product_id).variants


def test_a_message_makes_its_ticket_once():
    def make(key):
        return tickets.create("return", conversation="c", message_key=key, order_number="QD1")

    first, again, other = make("m1"), make("m1"), make("m2")
    assert first == again and first.number.startswith("AS") and other.number != first.number
    assert [t.number for t in tickets.of_viewer(None, "c")] == [other.number, first.number]


def test_tickets_of_many_threads_have_different_numbers():
    made = []

    def make(turn):
        ticket = tickets.create("invoice", conversation="c", message_key=f"m{turn}")
        made.append(ticket.number)

    threads = [threading.Thread(target=make, args=(turn,)) for turn in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 12 and all(number.startswith("SR") for number in made)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="expected one of"):
        tickets.create("party", conversation="c", message_key="m")
