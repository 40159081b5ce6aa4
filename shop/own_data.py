"""A shopper's orders and tickets in the copy of their data that they may ask for."""

from __future__ import annotations

from dataclasses import asdict

from cdp import export
from shop import orders, tickets


def _orders(session, person_ids, ids) -> list[dict]:
    found = []
    for shopper in _shoppers(ids):
        for order in orders.of_shopper(shopper):
            found.append({**asdict(order), "tracking": orders.tracking(order.number)})
    return found


def _tickets(session, person_ids, ids) -> list[dict]:
    viewers = [(one, "") for one in _shoppers(ids)]
    viewers += [(None, key) for kind, key in ids if kind == "conversation"]
    made = {one.number: one for viewer in viewers for one in tickets.of_viewer(*viewer)}
    return [asdict(made[number]) for number in sorted(made)]


def _shoppers(ids) -> list[str]:
    return [key for kind, key in ids if kind == "user_id"]


export.section("orders", "订单", _orders)
export.section("tickets", "售后与服务单", _tickets)
