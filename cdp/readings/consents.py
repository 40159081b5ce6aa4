"""Figures of consent: what identifiers say now, and what was decided day by day.

Counted are identifiers, not people: what a person allows follows from all of theirs together
(`cdp.consent_rules`), and asking that of everybody is not for a page.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdp.consent import OPTIONAL, ConsentRow, ConsentStateRow
from cdp.consent_store import words


def by_purpose(session: Session) -> dict[str, dict[str, int]]:
    """For each purpose how many newest decisions grant it and how many deny it."""
    found = {purpose: {"granted": 0, "denied": 0} for purpose in OPTIONAL}
    for (purpose, _, granted), count in _newest(session).items():
        of = found.setdefault(purpose, {"granted": 0, "denied": 0})
        of["granted" if granted else "denied"] += count
    return found


def by_source(session: Session) -> list[tuple[str, str, int, int]]:
    """(purpose, how it was said, granted, denied), newest decisions."""
    newest = _newest(session)
    places = sorted({(purpose, source) for purpose, source, _ in newest})
    return [(*place, newest[(*place, True)], newest[(*place, False)]) for place in places]


def _newest(session: Session) -> Counter[tuple[str, str, bool]]:
    """(purpose, how it was said, granted) → newest decisions; few identifiers differ in these."""
    wanted = select(ConsentStateRow.said, func.count()).group_by(ConsentStateRow.said)
    found: Counter[tuple[str, str, bool]] = Counter()
    for said, count in session.execute(wanted):
        for purpose, _, source, granted in words(said):
            found[purpose, source, granted] += count
    return found


def by_channel(session: Session, since: datetime) -> list[tuple[str, int, int]]:
    """(channel, granted, denied): decisions about a purpose that were made there since then."""
    found: dict[str, Counter[bool]] = {}
    columns = (ConsentRow.channel, ConsentRow.purposes, ConsentRow.granted)
    wanted = select(*columns, func.count()).where(ConsentRow.at >= since).group_by(*columns)
    for channel, purposes, granted, count in session.execute(wanted):
        found.setdefault(channel, Counter())[granted] += count * len(purposes.split())
    most = sorted(found.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    return [(channel, counts[True], counts[False]) for channel, counts in most]


def by_day(session: Session, now: datetime, days: int = 30) -> list[tuple[date, int, int]]:
    """(day in UTC, granted, denied): decisions about a purpose, of each of the last days, the
    oldest first."""
    first = now.date() - timedelta(days=days - 1)
    columns = (func.date(ConsentRow.at), ConsentRow.purposes, ConsentRow.granted)
    since = datetime(first.year, first.month, first.day)
    wanted = select(*columns, func.count()).where(ConsentRow.at >= since).group_by(*columns)
    found: Counter[tuple[str, bool]] = Counter()
    for day, purposes, granted, count in session.execute(wanted):
        about = [one for one in purposes.split() if one in OPTIONAL]
        found[str(day), granted] += count * len(about)
    places = [first + timedelta(days=number) for number in range(days)]
    return [(place, found[str(place), True], found[str(place), False]) for place in places]
