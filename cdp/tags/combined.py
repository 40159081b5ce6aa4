"""Conditions made of conditions: `all`, `any` and `not`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdp.tags.facts import Facts
from cdp.tags.findings import Condition, Finding


@dataclass(frozen=True)
class _Several:
    """Conditions taken together: any event that concerns one of them concerns the whole."""

    parts: tuple[Condition, ...]

    @property
    def kinds(self) -> frozenset[str] | None:
        return _union_kinds(self.parts)


@dataclass(frozen=True)
class All(_Several):
    """Every one of them holds."""

    @property
    def needs(self) -> frozenset[str] | None:
        return next((part.needs for part in self.parts if part.needs is not None), None)

    @property
    def gives(self) -> frozenset[str]:
        return frozenset().union(*(part.gives for part in self.parts))

    def check(self, facts: Facts) -> Finding:
        found, next_at = [], None
        for part in self.parts:
            one = part.check(facts)
            next_at = _sooner(next_at, one.next_at, facts.now)
            if not one.holds:
                # What fails now decides; only its own change, or an event, can change the whole.
                return Finding(False, next_at=_sooner(None, one.next_at, facts.now))
            found.append(one)
        return _joined(found, next_at)


@dataclass(frozen=True)
class AnyOf(_Several):
    """At least one of them holds."""

    @property
    def needs(self) -> frozenset[str] | None:
        needs = [part.needs for part in self.parts]
        return None if None in needs else frozenset().union(*needs)

    @property
    def gives(self) -> frozenset[str]:
        return frozenset.intersection(*(part.gives for part in self.parts))

    def check(self, facts: Facts) -> Finding:
        found, next_at = [], None
        for part in self.parts:
            one = part.check(facts)
            next_at = _sooner(next_at, one.next_at, facts.now)
            if one.holds:
                found.append(one)
        return _joined(found, next_at) if found else Finding(False, next_at=next_at)


@dataclass(frozen=True)
class Not:
    """It does not hold."""

    part: Condition
    needs = None
    gives = frozenset()

    @property
    def kinds(self) -> frozenset[str] | None:
        return self.part.kinds

    def check(self, facts: Facts) -> Finding:
        one = self.part.check(facts)
        return Finding(not one.holds, None if one.holds else facts.now, next_at=one.next_at)


def _joined(found: list[Finding], next_at: datetime | None) -> Finding:
    values: dict[str, Any] = {}
    for one in reversed(found):
        values.update(one.values)
    times = [one.at for one in found if one.at is not None]
    seqs = tuple(sorted({seq for one in found for seq in one.seqs}))
    return Finding(True, max(times, default=None), seqs, values, next_at)


def _sooner(a: datetime | None, b: datetime | None, now: datetime) -> datetime | None:
    times = [one for one in (a, b) if one is not None and one > now]
    return min(times, default=None)


def _union_kinds(parts: tuple[Condition, ...]) -> frozenset[str] | None:
    kinds = [part.kinds for part in parts]
    return None if None in kinds else frozenset().union(*kinds)
