"""One product as a feed gives it, before its brand and category are found in the graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from kg.problems import Problem, shown

MOST_STOCK = 1_000_000_000


@dataclass
class FeedRow:
    """A product of a feed.

    `fields` are raw fields of a product as `kg.fields` reads them; `brand` and `category` in it are
    ids, names or aliases, a category also a path from the root ("运动户外 > 跑步鞋").
    A field that the feed has no column for is not in `fields`: merging leaves it as it was.
    `create_category` allows a category that does not exist to be made at the root.
    """

    file: str
    row: int
    fields: dict[str, Any]
    offers: list[dict[str, Any]] = field(default_factory=list)
    create_category: bool = False


@dataclass
class Feed:
    """What a file holds, and every problem of reading it."""

    rows: list[FeedRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, row: int, field_name: str, found: str, expected: str, file: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(file, row, field_name, found, expected))


def offer(
    product: str,
    price: float | None,
    stock: int | None,
    colour: str | None = None,
    size: str | None = None,
    merchant_sku: str | None = None,
) -> dict[str, Any]:
    """A price in yuan and a stock, of a product or of its variants of a colour and size."""
    return {
        "product": product,
        "colour": colour,
        "size": size,
        "price": price,
        "stock": stock,
        "merchant_sku": merchant_sku,
    }


def price_of(feed: Feed, file: str, row: int, name: str, value: Any) -> float | None:
    """A price in yuan; nothing gives None, what is no price is a problem."""
    if value is None or value == "":
        return None
    expected = "a price in yuan, zero or above, such as 199 or 199.00"
    try:
        price = math.nan if isinstance(value, bool) else float(str(value).strip().lstrip("¥￥"))
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        feed.problem(row, name, shown(value), expected, file)
        return None
    return round(price, 2)


def stock_of(feed: Feed, file: str, row: int, name: str, value: Any) -> int | None:
    """A stock; nothing gives None, what is no whole number is a problem."""
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text[:20]) > MOST_STOCK:
        feed.problem(row, name, shown(value), "a whole number of pieces, zero or above", file)
        return None
    return int(text)
