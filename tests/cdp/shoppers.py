"""Shoppers for the tests of tags and segments: their events go the whole way."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cdp import identity, parts, pipeline, sources, tags
from cdp.intake.accept import accept
from storage import read

__all__ = ["ALL", "Shopper", "parts"]

ALL = ("analytics", "personalisation", "marketing")
_numbers = itertools.count(1)


class Shopper:
    """Somebody in a browser, who allowed some purposes."""

    def __init__(self, name: str, allows=ALL, denies=()):
        self.name = name
        self.consent = {purpose: True for purpose in allows} | dict.fromkeys(denies, False)

    def does(self, event: str, ago: Mapping = {}, **properties) -> Shopper:
        """One event; `ago`: how long ago, as a timedelta takes it."""
        return self._send("track", ago, event=event, properties=properties)

    def lands(self, ago: Mapping = {}, referrer: str | None = None, **campaign) -> Shopper:
        """A page, perhaps from a campaign or another page."""
        context = {"campaign": campaign} if campaign else {}
        if referrer:
            context["page"] = {"path": "/", "referrer": referrer}
        return self._send("page", ago, context=context, properties={"path": "/"})

    def looks(self, category: str, product: str = "P1", ago: Mapping = {}) -> Shopper:
        """A product's page."""
        return self.does(
            "Product Viewed", ago, product_id=product, name="云跑鞋", category=category
        )

    def buys(self, number: str, yuan: float, category: str = "running_shoes", ago: Mapping = {}):
        """An order of one product."""
        product = {"product_id": "P1", "name": "云跑鞋", "category": category, "price": yuan}
        return self.does(
            "Order Completed", ago, order_id=number, total=yuan, currency="CNY", products=[product]
        )

    def known_by(self, traits: Mapping | None = None, user_id: str | None = None) -> Shopper:
        """Identified."""
        return self._send("identify", {}, userId=user_id or f"u-{self.name}", traits=traits or {})

    def _send(self, kind: str, ago: Mapping, context: Mapping | None = None, **more) -> Shopper:
        at = datetime.now(timezone.utc) - timedelta(**ago)
        event = {
            "type": kind,
            "messageId": f"m{next(_numbers)}",
            "anonymousId": f"a-{self.name}",
            "timestamp": at.isoformat(),
            "context": {**(context or {}), "consent": {"categoryPreferences": self.consent}},
            **more,
        }
        source = sources.ensure("storefront", "web", "carried")
        (verdict,) = accept(source, [event])
        assert verdict.status == "accepted" or not self.consent.get("analytics"), verdict
        return self

    @property
    def person(self) -> int:
        """Their number, after all events were processed."""
        while pipeline.run_once():
            pass
        with read() as session:
            found = identity.person_of(session, [("anonymous_id", f"a-{self.name}")])
        assert found is not None
        return found

    @property
    def tags(self) -> set[str]:
        """The names of their tags, after all events were processed."""
        return set(self.reasons)

    @property
    def reasons(self) -> dict[str, tags.Tag]:
        """Their tags by name."""
        person = self.person
        with read() as session:
            return {tag.tag: tag for tag in tags.of(session, person)}
