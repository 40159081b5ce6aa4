"""Raw events for the tests of the intake, as SDKs write them."""

from __future__ import annotations

import itertools

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_numbers = itertools.count(1)


def consent(**purposes: bool) -> dict:
    """A context that carries these decisions."""
    return {"consent": {"categoryPreferences": purposes or {"analytics": True}}}


def track(event: str = "Product Viewed", **fields) -> dict:
    """A track call with consent to analytics; `fields` replace or add."""
    number = next(_numbers)
    return {
        "type": "track",
        "messageId": f"message-{number}",
        "anonymousId": "visitor-1",
        "event": event,
        "properties": {"product_id": "shoe-1", "category": "running_shoes"},
        "context": consent(),
        **fields,
    }
