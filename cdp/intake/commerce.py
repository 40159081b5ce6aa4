"""The properties of an event: e-commerce fields checked, money as whole hundredths.

`revenue: 399.5` becomes `revenue_cents: 39950`, and so does every other amount, of the event and
of its products; decimals are read as they were written, never as binary fractions. Hundredths are
used for every currency (¥1 of Japan is 100 too), so that one rule adds up all.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from cdp.intake.models import Commerce, Product, parse
from cdp.intake.refusal import INVALID, Refusal

AMOUNTS = ("revenue", "total", "subtotal", "value", "shipping", "tax", "discount", "price")
DEFAULT_CURRENCY = "CNY"
# Kinds that count once for each order, which takes its number.
_NUMBERED = ("order", "refund")
_CENTS = frozenset(f"{name}_cents" for name in AMOUNTS)
_COMMON = frozenset(Commerce.__fields__)


def standard(properties: dict, kind: str) -> dict:
    """The properties, checked and standardised; fields that have no fixed meaning are kept.

    Raises:
        Refusal: INVALID with the field.
    """
    if not properties:
        found: dict = {}
    elif _COMMON.isdisjoint(properties):
        found = dict(properties)
    else:
        found = _checked(properties)
    if kind in _NUMBERED and not found.get("order_id"):
        raise Refusal(
            INVALID, "properties.order_id", "properties.order_id: an order is counted by its number"
        )
    return found


def _checked(properties: dict) -> dict:
    known = parse(Commerce, properties, "properties.")
    products = known.pop("products", None)
    currency = known.pop("currency", None)
    found = {name: value for name, value in properties.items() if name not in _COMMON}
    found |= _with_cents(known)
    if products is not None:
        found["products"] = [
            _with_cents(product.dict(exclude_none=True)) | _others(raw)
            for product, raw in zip(products, properties["products"], strict=True)
        ]
    if products or not _CENTS.isdisjoint(found):
        found["currency"] = _currency(currency)
    return found


def _with_cents(known: dict) -> dict:
    for name in [name for name in known if name in AMOUNTS]:
        known[f"{name}_cents"] = to_cents(known.pop(name))
    return known


def _others(raw: dict) -> dict:
    return {
        name: value
        for name, value in raw.items()
        if name not in Product.__fields__
        and "url" not in name
        and isinstance(value, (str, int, float, bool))
    }


def to_cents(amount: Decimal) -> int:
    """Hundredths of an amount, half up."""
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


def _currency(code: str | None) -> str:
    if not code:
        return DEFAULT_CURRENCY
    code = code.upper()
    if code in ("RMB", "CNH"):
        return DEFAULT_CURRENCY
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Refusal(
            INVALID, "properties.currency", "properties.currency: expected three letters (ISO 4217)"
        )
    return code
