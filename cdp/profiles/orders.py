"""A profile's orders: each counted once by its number, however often and late it is told of.

`seen` holds the newest 200 orders by number; older ones are only in the sums (`older`). Of two
events about one order the later tells its total; refunds of one order add up to its total at most.
"""

from __future__ import annotations

import orjson

from cdp.events import Event

RECENT = 20
SEEN = 200
MOST_PRODUCTS = 20
CURRENCY = "CNY"
_PRODUCT = ("product_id", "name", "category", "brand", "variant", "price_cents", "quantity")


def add(body: dict, event: Event) -> None:
    """Take up an order or a refund."""
    properties = event.body.get("properties") or {}
    number = str(properties.get("order_id") or f"message {event.message_id}")[:100]
    at = event.stamp
    amount = _amount(properties)
    if event.kind == "order":
        told = {"at": at, "of": at, "total_cents": amount or 0, **_NOT_REFUNDED}
        recent = {
            "id": number,
            "at": at,
            "of": at,
            "total_cents": amount or 0,
            "products": _products(properties),
            "seq": event.seq,
        }
        if properties.get("currency") not in (None, CURRENCY):
            # Sums are in one currency; what was paid in another one counts as an order only.
            told["total_cents"] = 0
            recent["currency"] = properties["currency"]
        _take(body, {number: told}, [recent], None)
    else:
        told = {"at": None, "of": at, "total_cents": 0, "refunded_cents": amount or 0}
        _take(body, {number: {**told, "whole": amount is None}}, [], None)


_NOT_REFUNDED = {"refunded_cents": 0, "whole": False}


def combine(body: dict, other: dict) -> None:
    """Take the orders of another body into the first one."""
    orders = other.get("orders")
    if orders:
        _take(body, orders["seen"], orders["recent"], orders.get("older"))


def _take(body: dict, told: dict[str, dict], recent: list[dict], older: dict | None) -> None:
    orders = body.setdefault("orders", {"seen": {}, "recent": []})
    seen = orders["seen"]
    for number, one in told.items():
        seen[number] = _joined(seen[number], one) if number in seen else dict(one)
    if older or len(seen) > SEEN:
        orders["older"] = _added(orders.get("older"), older or {})
        _retire(orders)
    _remember(orders, recent)
    _sum_up(orders)


def _joined(one: dict, other: dict) -> dict:
    """Two tellings of one order as one; the same whichever comes first."""
    teller = max(
        (telling for telling in (one, other)),
        key=lambda telling: (telling["at"] is not None, telling["of"], telling["total_cents"]),
    )
    known = [telling["at"] for telling in (one, other) if telling["at"] is not None]
    return {
        "at": min(known, default=None),
        "of": teller["of"],
        "total_cents": teller["total_cents"],
        "refunded_cents": one["refunded_cents"] + other["refunded_cents"],
        "whole": one["whole"] or other["whole"],
    }


def _refunded(one: dict) -> int:
    return one["total_cents"] if one["whole"] else min(one["refunded_cents"], one["total_cents"])


def _retire(orders: dict) -> None:
    seen, older = orders["seen"], orders["older"]
    while len(seen) > SEEN:
        number = min(seen, key=lambda one: (seen[one]["of"], one))
        gone = seen.pop(number)
        if gone["at"] is not None:
            orders["older"] = older = _added(older, _sums([gone]))


def _sums(told: list[dict]) -> dict:
    if not told:
        return {}
    return {
        "count": len(told),
        "value_cents": sum(one["total_cents"] for one in told),
        "refunded_cents": sum(map(_refunded, told)),
        "first": min(one["at"] for one in told),
        "last": max(one["at"] for one in told),
    }


def _added(one: dict | None, other: dict) -> dict:
    if not one or not other:
        return dict(one or other)
    sums = {name: one[name] + other[name] for name in ("count", "value_cents", "refunded_cents")}
    first, last = min(one["first"], other["first"]), max(one["last"], other["last"])
    return {**sums, "first": first, "last": last}


def _remember(orders: dict, recent: list[dict]) -> None:
    """The newest orders with what was in them."""
    known = {one["id"]: one for one in orders["recent"]}
    for one in recent:
        other = known.get(one["id"])
        known[one["id"]] = one if other is None else max(one, other, key=_telling)
    kept = sorted(known.values(), key=lambda one: (one["of"], one["id"]), reverse=True)[:RECENT]
    orders["recent"] = [
        {**one, "at": orders["seen"].get(one["id"], one)["at"] or one["at"]} for one in kept
    ]


def _telling(one: dict) -> tuple:
    return one["of"], one["total_cents"], orjson.dumps(one["products"]), one["seq"]


def _sum_up(orders: dict) -> None:
    done = [one for one in orders["seen"].values() if one["at"] is not None]
    sums = _added(orders.get("older"), _sums(done))
    orders["count"] = sums.get("count", 0)
    orders["value_cents"] = sums.get("value_cents", 0)
    orders["refunded_cents"] = sums.get("refunded_cents", 0)
    orders["first"], orders["last"] = sums.get("first"), sums.get("last")


def _amount(properties: dict) -> int | None:
    """What an order (or a refund) comes to, in cents; None if nothing is said of it."""
    for name in ("total_cents", "revenue_cents"):
        if isinstance(properties.get(name), int):
            return properties[name]
    products = [one for one in _listed(properties) if isinstance(one.get("price_cents"), int)]
    if not products:
        return None
    return sum(one["price_cents"] * _quantity(one) for one in products)


def _quantity(product: dict) -> int:
    quantity = product.get("quantity")
    return int(quantity) if isinstance(quantity, (int, float)) and 0 < quantity < 10_000 else 1


def _listed(properties: dict) -> list[dict]:
    products = properties.get("products")
    return [one for one in products if isinstance(one, dict)] if isinstance(products, list) else []


def _products(properties: dict) -> list[dict]:
    return [
        {name: one[name] for name in _PRODUCT if one.get(name) is not None}
        for one in _listed(properties)[:MOST_PRODUCTS]
    ]
