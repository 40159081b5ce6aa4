"""The conditions of rules: pure functions of `Facts`, each with the evidence for its answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cdp.tags.facts import DAY, MET, TOUCHED, Facts, Item, fold_case, when
from cdp.tags.findings import NO, Finding
from cdp.tags.reasons import NAMES_SHOWN


@dataclass(frozen=True)
class Looked:
    """Products of some categories, brands or ids looked at, at least so often (or so many
    different ones), within so many days."""

    kinds: frozenset[str]
    categories: frozenset[str]
    brands: frozenset[str]
    products: frozenset[str]
    at_least: int
    distinct: str | None
    within: timedelta | None
    gives = frozenset({"count", "items", "last"})

    @property
    def needs(self) -> frozenset[str]:
        return self.kinds

    def matching(self, facts: Facts) -> list[Item]:
        """The items in question, the newest first."""
        items = facts.items_of(self.categories) if self.categories else facts.items
        start = facts.since(self.within)
        return [
            item
            for item in items
            if item.at >= start
            and item.kind in self.kinds
            and (not self.brands or item.brand in self.brands)
            and (not self.products or item.product in self.products)
        ]

    def newest(self, facts: Facts) -> str | None:
        """The time of the newest item in question, where one of any category is enough."""
        if self.at_least > 1 or self.categories or self.brands or self.products:
            return None
        at = facts.newest_item(self.kinds)
        return at if at is not None and at >= facts.since(self.within) else None

    def check(self, facts: Facts) -> Finding:
        found = self.matching(facts)
        newest = _distinct(found, self.distinct)
        if len(newest) < self.at_least:
            return NO
        last = when(found[0].at)
        # It ends when too few of them are left within the window.
        ends = when(newest[self.at_least - 1].at) + self.within if self.within else None
        values = {"count": len(newest), "items": _names(found), "last": last}
        return Finding(True, last, _seqs(found), values, ends)


@dataclass(frozen=True)
class Counted:
    """Events of some kinds (of all, if none is named), counted; or the days on which there were
    any. Without `within` all there ever were."""

    event_kinds: frozenset[str]
    at_least: int
    at_most: int | None
    of_days: bool
    within_days: int | None
    gives = frozenset({"count", "last"})

    @property
    def kinds(self) -> frozenset[str] | None:
        if self.of_days and not self.event_kinds:
            return frozenset({DAY})
        return self.event_kinds or None

    @property
    def needs(self) -> frozenset[str] | None:
        return (self.event_kinds or None) if self.at_least > 0 else None

    def check(self, facts: Facts) -> Finding:
        days = facts.days(self.event_kinds, self.within_days)
        if self.of_days:
            count = len(days)
        elif self.within_days is None:
            count = facts.count(self.event_kinds)
        else:
            count = sum(days.values())
        last = min(when(max(days)), facts.now) if days else facts.now
        ends = None
        if self.within_days is not None and days:
            ends = when(min(days)) + timedelta(days=self.within_days + 1)
        holds = self.at_least <= count and (self.at_most is None or count <= self.at_most)
        values = {"count": count, "last": last}
        return Finding(holds, last, tuple(facts.seqs(self.event_kinds)), values, ends)


@dataclass(frozen=True)
class Bought:
    """Orders: how many, worth how much (cents), of which category or brand, within how long."""

    at_least: int
    at_most: int | None
    value: int | None
    average_at_most: int | None
    categories: frozenset[str]
    brands: frozenset[str]
    within: timedelta | None
    kinds = frozenset({"order", "refund"})
    gives = frozenset({"orders", "value", "items", "last"})

    @property
    def needs(self) -> frozenset[str] | None:
        return frozenset({"order"}) if self.at_least > 0 else None

    def check(self, facts: Facts) -> Finding:
        if self.at_least and not facts.order_count:
            return NO
        narrowed = bool(self.categories or self.brands or self.within)
        if not narrowed and not self._holds(facts.order_count, facts.order_value):
            return NO
        orders = self._narrowed(facts) if narrowed else facts.orders
        count = len(orders) if narrowed else facts.order_count
        value = sum(order.total for order in orders) if narrowed else facts.order_value
        last = when(orders[0].at) if orders else facts.last_order
        holds = self._holds(count, value)
        ends = when(orders[-1].at) + self.within if self.within and orders else None
        names = list(dict.fromkeys(name for order in orders for name in order.names))
        values = {"orders": count, "value": value, "items": _listed(names), "last": last}
        return Finding(holds, last, _seqs(orders), values, ends)

    def _holds(self, count: int, value: int) -> bool:
        return (
            self.at_least <= count
            and (self.at_most is None or count <= self.at_most)
            and (self.value is None or value >= self.value)
            and (self.average_at_most is None or value <= self.average_at_most * max(count, 1))
        )

    def _narrowed(self, facts: Facts) -> list:
        start = facts.since(self.within)
        return [
            order
            for order in facts.orders
            if order.at >= start
            and (not self.categories or self.categories & order.categories)
            and (not self.brands or self.brands & order.brands)
        ]


@dataclass(frozen=True)
class Touched:
    """Where the person came from: the first touch, the last, or either."""

    which: str
    wanted: dict[str, frozenset[str]]
    kinds = frozenset({TOUCHED})
    needs = None
    gives = frozenset({"channel", "last"})

    def check(self, facts: Facts) -> Finding:
        channels = self.wanted.get("channel")
        if channels and channels.isdisjoint(facts.channels):
            return NO
        hits = [
            touch
            for touch in facts.touches(self.which)
            if all(fold_case(touch.get(name)) in any_of for name, any_of in self.wanted.items())
        ]
        if not hits:
            return NO
        newest = max(hits, key=lambda touch: touch["at"])
        at, times = when(newest["at"]), {touch["at"] for touch in hits}
        seqs = tuple(sorted(one.seq for one in facts.events if one.stamp in times))
        return Finding(True, at, seqs, {"channel": newest["channel"], "last": at})


@dataclass(frozen=True)
class Silent:
    """No sign of the person for so long (seen once they must have been)."""

    lasting: timedelta
    kinds = None
    needs = None
    gives = frozenset({"days", "last"})

    def check(self, facts: Facts) -> Finding:
        last = facts.last_seen
        if last is None:
            return NO
        if facts.now < last + self.lasting:
            return Finding(False, next_at=last + self.lasting)
        values = {"days": (facts.now - last).days, "last": last}
        # The silence itself is the evidence, and it reaches up to now.
        return Finding(True, facts.now, (), values)


@dataclass(frozen=True)
class NotBoughtSince:
    """Looked (in the cart, at a page), some time has passed, and there was no order since."""

    looked: Looked
    after: timedelta
    gives = Looked.gives

    @property
    def kinds(self) -> frozenset[str]:
        return self.looked.kinds | {"order"}

    @property
    def needs(self) -> frozenset[str]:
        return self.looked.needs

    def check(self, facts: Facts) -> Finding:
        newest = self.looked.newest(facts)
        if newest is not None:
            # Most have just been here: it is too early to say, whatever they looked at.
            at = when(newest)
            bought = facts.last_order is not None and facts.last_order >= at
            if not bought and facts.now < at + self.after:
                return Finding(False, next_at=at + self.after)
        found = self.looked.check(facts)
        if not found.holds or (facts.last_order is not None and facts.last_order >= found.at):
            return NO
        if facts.now < found.at + self.after:
            return Finding(False, next_at=found.at + self.after)
        return found


@dataclass(frozen=True)
class KnownSince:
    """First seen within so long."""

    within: timedelta
    kinds = frozenset({MET})
    needs = None
    gives = frozenset({"days", "last"})

    def check(self, facts: Facts) -> Finding:
        first = facts.first_seen
        if first is None or first < facts.now - self.within:
            return NO
        values = {"days": (facts.now - first).days, "last": first}
        return Finding(True, first, tuple(facts.seqs(frozenset())), values, first + self.within)


@dataclass(frozen=True)
class Trait:
    """A trait, or language, city or city_tier: one of some values, or a number between limits."""

    name: str
    any_of: frozenset[str]
    at_least: Decimal | None
    at_most: Decimal | None
    kinds = None
    needs = None
    gives = frozenset({"value_of_trait"})

    def check(self, facts: Facts) -> Finding:
        value = (facts.body.get("traits") or {}).get(self.name)
        if value is None and self.name in ("language", "city", "city_tier"):
            value = facts.body.get(self.name)
        if value is None or (self.any_of and fold_case(value) not in self.any_of):
            return NO
        if not self._between(value):
            return NO
        return Finding(True, facts.now, (), {"value_of_trait": value})

    def _between(self, value: object) -> bool:
        if self.at_least is None and self.at_most is None:
            return True
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        number = Decimal(str(value))
        return (self.at_least is None or number >= self.at_least) and (
            self.at_most is None or number <= self.at_most
        )


@dataclass(frozen=True)
class Arrives:
    """An event that has just arrived, by its name and properties; what is past is not looked at."""

    kinds: frozenset[str]
    names: frozenset[str]
    tests: tuple[tuple[str, frozenset[str], Decimal | None, Decimal | None], ...]
    gives = frozenset({"last"})

    @property
    def needs(self) -> frozenset[str]:
        return self.kinds

    def check(self, facts: Facts) -> Finding:
        hits = [event for event in facts.events if self._fits(event)]
        if not hits:
            return NO
        at = max(event.at for event in hits)
        return Finding(True, at, _seqs(hits), {"last": at})

    def _fits(self, event) -> bool:
        if event.kind not in self.kinds:
            return False
        if self.names and fold_case(event.name) not in self.names:
            return False
        properties = event.body.get("properties") or {}
        return all(_passes(properties.get(name), *limits) for name, *limits in self.tests)


def _distinct(items: list[Item], by: str | None) -> list[Item]:
    if by is None:
        return items
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(getattr(item, by), item)
    return list(first.values())


def _passes(
    value: object, any_of: frozenset[str], at_least: Decimal | None, at_most: Decimal | None
) -> bool:
    if value is None or (any_of and fold_case(value) not in any_of):
        return False
    if at_least is None and at_most is None:
        return True
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return False
    return (at_least is None or number >= at_least) and (at_most is None or number <= at_most)


def _seqs(found: Iterable) -> tuple[int, ...]:
    return tuple(sorted({one.seq for one in found if one.seq is not None}))


def _names(items: list[Item]) -> list[str]:
    return _listed(list(dict.fromkeys(item.name for item in items if item.name)))


def _listed(names: list[str]) -> list[str]:
    # One more than is shown says that there are more.
    return names[: NAMES_SHOWN + 1]
