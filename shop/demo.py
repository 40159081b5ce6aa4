"""The demo shop: offers for the seed's products, two invented shoppers and their orders.

Seeding writes what is missing and leaves what is there, so that a second start does no work twice
and undoes nothing that a shopper did. `reset` starts afresh.
"""

from __future__ import annotations

import zlib
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

import yaml
from sqlalchemy import delete, select

from shop import clock
from shop.offers import OfferRow
from shop.orders import LineRow, OrderRow, ShipmentRow
from storage import create_tables, write

PRODUCTS = Path(__file__).parent.parent / "kg" / "seed" / "products"
ORDERS = Path(__file__).parent / "seed" / "orders.yml"


@lru_cache(maxsize=1)
def _demo() -> dict:
    return yaml.load(ORDERS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


SHOPPERS = {id: shopper["name"] for id, shopper in _demo()["shoppers"].items()}


def seed(reset: bool = False) -> tuple[int, int]:
    """Write offers and orders that are missing; how many offers and orders were written."""
    create_tables()
    variants = _variants()
    with write() as session:
        if reset:
            for table in (ShipmentRow, LineRow, OrderRow, OfferRow):
                session.execute(delete(table))
        known = set(session.scalars(select(OfferRow.sku)))
        new_offers = [row for sku, row in variants.items() if sku not in known]
        session.add_all(OfferRow(**row["offer"]) for row in new_offers)
        booked = set(session.scalars(select(OrderRow.number)))
        new_orders = [order for order in _demo()["orders"] if order["number"] not in booked]
        for order in new_orders:
            _add_order(session, order, variants, clock.today())
    return len(new_offers), len(new_orders)


def _variants() -> dict[str, dict]:
    """By sku: the variant's name ("黑色/42"), its product and its offer."""
    found: dict[str, dict] = {}
    for path in sorted(PRODUCTS.glob("*.yml")):
        for product in yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader):
            for sku, colour, size in _skus(product):
                name = "/".join(part for part in (colour, size) if part)
                found[sku] = {
                    "product": product,
                    "name": name,
                    "offer": _offer(product, sku, size, name),
                }
    return found


def _skus(product: dict):
    # The graph numbers variants in the same way: colours outside, sizes inside, from 1.
    pairs = [
        (colour, size)
        for colour in product.get("colours") or [""]
        for size in product.get("sizes") or [""]
    ]
    for number, (colour, size) in enumerate(pairs, start=1):
        yield f"{product['id']}-{number:02d}", colour, size


def _offer(product: dict, sku: str, size: str, name: str) -> dict:
    price = product["price"]
    yuan = price[size] if isinstance(price, dict) else price
    sold_out = name in (product.get("sold_out") or [])
    return {
        "sku": sku,
        "product_id": product["id"],
        "price_cents": round(yuan * 100),
        # Invented, but the same at every seeding.
        "stock": 0 if sold_out else 3 + zlib.crc32(sku.encode()) % 60,
        "restock_days": product.get("restock") if sold_out else None,
        "updated_at": clock.now(),
    }


def _add_order(session, order: dict, variants: dict[str, dict], today: date) -> None:
    shopper = _demo()["shoppers"][order["shopper"]]
    lines = [_line(order["number"], line, variants) for line in order["lines"]]
    session.add(
        OrderRow(
            number=order["number"],
            shopper=order["shopper"],
            phone=shopper["phone"],
            receiver=shopper["receiver"],
            address=shopper["address"],
            state=order["state"],
            total_cents=sum(line["price_cents"] * line["quantity"] for line in lines),
            placed_at=_moment(today, order["placed"], "10:30"),
            shipped_at=_moment(today, order.get("shipped"), "16:20"),
            delivered_at=_moment(today, order.get("delivered"), "14:05"),
            opened=order.get("opened"),
            carrier=order.get("carrier"),
            tracking_number=order.get("tracking"),
        )
    )
    session.flush()
    session.add_all(LineRow(**line) for line in lines)
    session.add_all(
        ShipmentRow(
            order_number=order["number"],
            at=_moment(today, entry["day"], entry["time"]),
            text=entry["text"],
        )
        for entry in order.get("shipments", [])
    )


def _line(number: str, line: dict, variants: dict[str, dict]) -> dict:
    wanted = line.get("variant")
    for sku, variant in variants.items():
        if variant["product"]["id"] == line["product"] and wanted in (None, variant["name"]):
            return {
                "order_number": number,
                "sku": sku,
                "product_id": line["product"],
                "title": variant["product"]["name"],
                "quantity": line["quantity"],
                "price_cents": variant["offer"]["price_cents"],
            }
    raise ValueError(
        f"{ORDERS}, order {number}: expected a variant of product {line['product']} in {PRODUCTS}, "
        f"found {wanted!r}"
    )


def _moment(today: date, day: int | None, at: str) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(today + timedelta(days=day), time.fromisoformat(at))


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
