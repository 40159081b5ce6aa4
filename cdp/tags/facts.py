"""What the conditions of rules look at: a profile's body, and the events that have just arrived.

The body keeps what is needed in bounded lists and counters, so looking costs the same however
long a person's history is. Products of the arriving events are read beside the body's newest
twenty, so that a batch of more of them loses none. Times stay the ISO 8601 texts that they are in
a body (naive UTC), which sort as times do; what becomes evidence is read as a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from cdp.events import Event

# Beside the kinds of events: what conditions that look at no event are changed by.
TOUCHED, MET, DAY = "touched", "met", "day"


class Item(NamedTuple):
    """A product (or only a category) that somebody looked at, clicked, put into the cart …"""

    at: str
    kind: str
    product: str
    name: str
    category: str
    brand: str
    seq: int | None


class Order(NamedTuple):
    """An order that was not taken back whole; `total` in cents, less what was refunded."""

    at: str
    total: int
    categories: frozenset[str]
    brands: frozenset[str]
    names: tuple[str, ...]
    seq: int | None


class _Once:
    """A property worked out when it is first asked for: `cached_property` without its lock, which
    costs more than most of what is worked out here, and one thread alone sees a person's facts."""

    def __init__(self, make: Callable[[Facts], object]):
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, facts: Facts | None, owner: type):
        if facts is None:
            return self
        made = facts.__dict__[self._name] = self._make(facts)
        return made


def when(value: str | None) -> datetime | None:
    """A time as a body writes it; None where there is none."""
    return datetime.fromisoformat(value) if value else None


def fold_case(value: object) -> str:
    """How categories and brands are compared."""
    if value.__class__ is str:
        return _folded(value)
    return str(value or "").strip().lower()


@lru_cache(maxsize=20_000)
def _folded(text: str) -> str:
    return text.strip().lower()


@lru_cache(maxsize=1_000)
def _before(now: datetime, within: timedelta) -> str:
    return (now - within).isoformat()


class Facts:
    """One person as the rules see them at `now` (naive UTC)."""

    def __init__(self, body: dict, events: Sequence[Event], now: datetime):
        self.body = body
        self.events = events
        self.now = now

    @_Once
    def items(self) -> list[Item]:
        """Products looked at, each once for each kind of event, the newest first."""
        stored = [_item(one["at"], one["kind"], one, one.get("seq")) for one in self._viewed]
        newest = _newest((*stored, *self._arriving_items))
        return sorted(newest.values(), key=_at, reverse=True)

    @_Once
    def _viewed(self) -> Sequence[dict]:
        return self.body.get("viewed") or ()

    @_Once
    def _arriving_by_place(self) -> dict[tuple[str, str], Item]:
        return _newest(self._arriving_items)

    @_Once
    def _arriving_items(self) -> list[Item]:
        return [
            _item(event.stamp, event.kind, product, event.seq)
            for event in self.events
            if (properties := event.body.get("properties"))
            for product in (properties, *_products(properties))
            if product.get("category") or product.get("product_id")
        ]

    def newest_item(self, kinds: frozenset[str]) -> str | None:
        """The time of the newest item of these kinds; a body lists the newest first."""
        newest = ""
        for one in self._viewed:
            if one["kind"] in kinds:
                newest = one["at"]
                break
        for item in self._arriving_items:
            if item.kind in kinds and item.at > newest:
                newest = item.at
        return newest or None

    @_Once
    def categories(self) -> frozenset[str]:
        """The categories of all items."""
        stored = [fold_case(one.get("category")) for one in self._viewed]
        return self.arriving_categories.union(stored)

    def items_of(self, categories: frozenset[str]) -> list[Item]:
        """The items of these categories, the newest first; no others are made."""
        arriving = self._arriving_by_place
        found, known = [], set()
        for entry in self._viewed:
            category = fold_case(entry.get("category"))
            place = entry["kind"], entry.get("id") or category
            other = arriving.get(place)
            if other is not None:
                if other.at > entry["at"]:
                    continue
                known.add(place)
            if category in categories:
                found.append(_item(entry["at"], entry["kind"], entry, entry.get("seq")))
        found += [
            item
            for place, item in arriving.items()
            if item.category in categories and place not in known
        ]
        return sorted(found, key=_at, reverse=True)

    @_Once
    def orders(self) -> list[Order]:
        """The newest orders (of the newest 20), the newest first."""
        told = self._order_totals.get("seen") or {}
        found = []
        for entry in self._order_totals.get("recent") or ():
            total = int(entry.get("total_cents") or 0)
            refund = told.get(entry.get("id")) or {}
            left = total - int(refund.get("refunded_cents") or 0)
            if not refund.get("whole") and (left > 0 or not total):
                found.append(_order(entry["at"], left, entry))
        return sorted(found, key=lambda order: order.at, reverse=True)

    @_Once
    def _order_totals(self) -> dict:
        return self.body.get("orders") or {}

    @_Once
    def order_count(self) -> int:
        """How many orders there ever were."""
        return int(self._order_totals.get("count") or 0)

    @_Once
    def order_value(self) -> int:
        """What all orders came to, less what was refunded, in cents."""
        totals = self._order_totals
        return int(totals.get("value_cents") or 0) - int(totals.get("refunded_cents") or 0)

    @_Once
    def last_order(self) -> datetime | None:
        return when(self._order_totals.get("last"))

    @_Once
    def last_seen(self) -> datetime | None:
        """The newest sign of this person on any channel."""
        return when(max(self._channel_times("last"), default=None))

    @_Once
    def first_seen(self) -> datetime | None:
        """The oldest sign of this person on any channel."""
        return when(min(self._channel_times("first"), default=None))

    def _channel_times(self, which: str) -> list[str]:
        return [one[which] for one in (self.body.get("channels") or {}).values()]

    def since(self, within: timedelta | None) -> str:
        """The start of a window that ends now, as times are written in a body."""
        return _before(self.now, within) if within else ""

    def days(self, kinds: frozenset[str], within_days: int | None) -> dict[str, int]:
        """How many events of these kinds (all, if empty) there were on each of the last days,
        by date; a day is within the window as long as its end is."""
        days = self.body.get("days")
        if not days or (kinds and kinds.isdisjoint(self.met_kinds)):
            return {}
        start = self.since(timedelta(days=within_days) if within_days else None)[:10]
        found = {}
        for day, counts in days.items():
            if day >= start:
                if kinds:
                    total = sum([n for kind, n in counts.items() if kind in kinds])
                else:
                    total = sum(counts.values())
                if total:
                    found[day] = total
        return found

    def count(self, kinds: frozenset[str]) -> int:
        """How many events of these kinds (all, if empty) there ever were."""
        counts = self.body.get("counts") or {}
        return sum(n for kind, n in counts.items() if not kinds or kind in kinds)

    def touches(self, which: str) -> list[dict]:
        """The first or last touch, or both ("any"), those there are."""
        names = ("first_touch", "last_touch") if which == "any" else (f"{which}_touch",)
        return [one for name in names if (one := self.body.get(name))]

    @_Once
    def channels(self) -> frozenset[str]:
        """The channels of the first and the last touch."""
        return frozenset(fold_case(one["channel"]) for one in self.touches("any"))

    @_Once
    def met_kinds(self) -> frozenset[str]:
        """The kinds of events there ever were of this person."""
        met = {event.kind for event in self.events}
        met.update(self.body.get("counts") or ())
        if self.order_count:
            met.add("order")
        return frozenset(met)

    @_Once
    def arriving_kinds(self) -> frozenset[str]:
        """The kinds of the events that have just arrived, and what these made of the person:
        `TOUCHED` by a channel anew, `MET` earlier than was known, or on a `DAY` without any."""
        times, made = {event.stamp for event in self.events}, {event.kind for event in self.events}
        for name in ("first_touch", "last_touch"):
            touch = self.body.get(name)
            if touch and touch["at"] in times:
                made.add(TOUCHED)
        for channel in (self.body.get("channels") or {}).values():
            if channel["first"] in times:
                made.add(MET)
        days = self.body.get("days") or {}
        for day in {stamp[:10] for stamp in times}:
            arrived = sum([event.stamp.startswith(day) for event in self.events])
            if sum((days.get(day) or {}).values()) <= arrived:
                made.add(DAY)
        return frozenset(made)

    @_Once
    def arriving_categories(self) -> frozenset[str]:
        """The categories of the products in the events that have just arrived."""
        return frozenset(item.category for item in self._arriving_items)

    def seqs(self, kinds: frozenset[str]) -> list[int]:
        """The numbers of the arriving events of these kinds (of all, if empty)."""
        return [event.seq for event in self.events if not kinds or event.kind in kinds]


def _newest(items: Iterable[Item]) -> dict[tuple[str, str], Item]:
    """The newest item of each kind and product (or category, where none is said)."""
    newest: dict[tuple[str, str], Item] = {}
    for one in items:
        place = one.kind, one.product or one.category
        if place not in newest or one.at > newest[place].at:
            newest[place] = one
    return newest


_at = attrgetter("at")


def _products(properties: dict) -> list[dict]:
    products = properties.get("products")
    return [one for one in products if isinstance(one, dict)] if isinstance(products, list) else []


def _order(at: str, total: int, entry: dict) -> Order:
    products = entry.get("products") or ()
    return Order(
        at,
        total,
        frozenset(fold_case(one.get("category")) for one in products),
        frozenset(fold_case(one.get("brand")) for one in products),
        tuple(str(one["name"]) for one in products if one.get("name")),
        entry.get("seq"),
    )


def _item(at: str, kind: str, product: dict, seq: int | None) -> Item:
    return Item(
        at,
        kind,
        str(product.get("product_id") or product.get("id") or ""),
        str(product.get("name") or ""),
        fold_case(product.get("category")),
        fold_case(product.get("brand")),
        seq,
    )
