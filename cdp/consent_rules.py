"""What follows from the decisions recorded for one person: pure, and the same in any order.

A fact is the newest decision of one identifier for one purpose, by where it applies (`scope`: one
channel, or all) and by how it was made (`source`). Of one identifier, seen from one channel:

    explicit (the shopper's own word, or a guardian's)   the newest counts
    carried (a banner's choice that an event brings)     a denial newer than the explicit word
                                                         counts; a grant never lifts a denial that
                                                         was explicit
    assumed (the source's evidence stands for it)        counts where nothing else was said

Of one person: allowed if at least one identifier grants and none denies, so denial wins a merge.
Without a channel the question is whether any channel is allowed at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

PURPOSES = ("service", "analytics", "personalisation", "marketing", "sharing", "cross_border")
OPTIONAL = PURPOSES[1:]
# Marketing reaches a shopper through a channel; what the other purposes do has none.
BY_CHANNEL = ("marketing",)
EXPLICIT, GUARDIAN, CARRIED, ASSUMED = "explicit", "guardian", "carried", "assumed"
SOURCES = (EXPLICIT, GUARDIAN, CARRIED, ASSUMED)
ALL = "all"


class Fact(NamedTuple):
    """One identifier's newest decision of that purpose, scope and source; `at` is naive UTC."""

    identifier: tuple[str, str]
    purpose: str
    scope: str
    source: str
    granted: bool
    at: datetime


def person_allows(
    facts: Iterable[Fact], purpose: str, channel: str | None = None, minor: bool = False
) -> bool:
    """Whether these facts of all identifiers of one person allow the purpose on that channel.

    Of somebody under 14 only a guardian's grant counts (PIPL Art. 31).
    """
    mine = [fact for fact in facts if fact.purpose == purpose]
    if minor:
        mine = [fact for fact in mine if not fact.granted or fact.source == GUARDIAN]
    channels = {ALL, *(fact.scope for fact in mine)} if channel is None else {channel}
    return any(_allowed_on(mine, one) for one in channels)


def _allowed_on(facts: list[Fact], channel: str) -> bool:
    by_identifier: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        if fact.scope in (ALL, channel):
            by_identifier.setdefault(fact.identifier, []).append(fact)
    words = [_word(some) for some in by_identifier.values()]
    return True in words and False not in words


def _word(facts: list[Fact]) -> bool | None:
    """What one identifier says: granted, denied, or nothing."""
    own = _newest(facts, (EXPLICIT, GUARDIAN))
    carried = _newest(facts, (CARRIED,))
    if own is not None and not own.granted:
        return False
    if carried is not None and not carried.granted and (own is None or carried.at >= own.at):
        return False
    given = own or carried or _newest(facts, (ASSUMED,))
    return None if given is None else given.granted


def _newest(facts: list[Fact], sources: tuple[str, ...]) -> Fact | None:
    # Of two at the same moment the denial counts.
    some = [fact for fact in facts if fact.source in sources]
    return max(some, key=lambda fact: (fact.at, not fact.granted), default=None)
