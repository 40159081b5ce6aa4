"""Events for the benchmark of customer data: shoppers of an invented shop, in Segment's form."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta, timezone

_CATEGORIES = ("running_shoes", "sports_socks", "phones", "snacks", "kids_shoes", "underwear")
_BRANDS = [f"b{n}" for n in range(20)]
_CHANNELS = (
    ("douyin", "short_video"), ("wechat", "article"), ("baidu", "cpc"), ("newsletter", "email"),
)  # fmt: skip
_CONSENT = {"categoryPreferences": {"analytics": True, "personalisation": True, "marketing": True}}
_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/16.5 Mobile/15E148 Safari/604.1"
)


class Shoppers:
    """Draws events of `people` shoppers, a third of whom are signed in; seeded, so repeatable."""

    def __init__(self, people: int, seed: int = 7, prefix: str = "p") -> None:
        self._dice = random.Random(seed)
        self._people = people
        self._prefix = prefix

    def event(self, person: int | None = None, at: datetime | None = None) -> dict:
        """One event of a shopper: views, clicks, pages, now and then an order."""
        dice = self._dice
        person = dice.randrange(self._people) if person is None else person
        when = (at or datetime.now(timezone.utc)) - timedelta(seconds=dice.randrange(600))
        stamp = when.isoformat(timespec="milliseconds")
        event = {
            "messageId": str(uuid.UUID(int=dice.getrandbits(128))),
            "anonymousId": f"{self._prefix}-{person}",
            "timestamp": stamp,
            "originalTimestamp": stamp,
            "context": self._context(person),
            **self._what(),
        }
        if person % 3 == 0:
            event["userId"] = f"u-{self._prefix}-{person}"
        return event

    def batch(self, size: int) -> dict:
        """The body of one request of so many events."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return {"batch": [self.event() for _ in range(size)], "sentAt": now}

    def _context(self, person: int) -> dict:
        source, medium = _CHANNELS[person % len(_CHANNELS)]
        return {
            "consent": _CONSENT,
            "userAgent": _AGENT,
            "locale": "zh-CN",
            "page": {"path": "/products/P1", "url": "https://shop.example/products/P1"},
            "campaign": {"source": source, "medium": medium, "name": f"c{person % 7}"},
            "library": {"name": "analytics-python", "version": "2.3.4"},
        }

    def _what(self) -> dict:
        dice = self._dice
        product = self._product()
        draw = dice.random()
        if draw < 0.4:
            return {"type": "page", "name": "Product", "properties": {"path": "/products/P1"}}
        if draw < 0.8:
            return {"type": "track", "event": "Product Viewed", "properties": product}
        if draw < 0.95:
            return {"type": "track", "event": "Product Clicked", "properties": product}
        order = {
            "order_id": f"o{dice.getrandbits(48)}",
            "total": product["price"],
            "revenue": product["price"],
            "currency": "CNY",
            "products": [{**product, "quantity": 1}],
        }
        return {"type": "track", "event": "Order Completed", "properties": order}

    def _product(self) -> dict:
        dice = self._dice
        return {
            "product_id": f"P{dice.randrange(300)}",
            "sku": f"P{dice.randrange(300)}-01",
            "name": "疾行跑鞋",
            "category": dice.choice(_CATEGORIES),
            "brand": dice.choice(_BRANDS),
            "price": dice.randrange(20, 2000),
        }
