"""Figures of consent: what people allow, what their identifiers say, what was decided day by day.

What a person allows follows from all of their identifiers together (`cdp.consent_rules`). Asking
that of everybody is not for a page: the job `consents.count` does it each hour, and its last result
is what the page shows.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdp import consent, jobs
from cdp.consent import OPTIONAL, ConsentRow, ConsentStateRow
from cdp.consent_store import words
from cdp.identity.tables import PersonRow
from cdp.jobs import JobRow
from storage import read

JOB = "consents.count"
_AT_ONCE = 2000


@jobs.job(JOB, every=timedelta(hours=1))
def count_people() -> dict[str, int]:
    """How many people there are ("people"), and how many allow each purpose."""
    found = {"people": 0, **dict.fromkeys(OPTIONAL, 0)}
    after = 0
    while True:
        with read() as session:
            wanted = select(PersonRow.id).where(
                PersonRow.id > after, PersonRow.merged_into.is_(None)
            )
            people = session.scalars(wanted.order_by(PersonRow.id).limit(_AT_ONCE)).all()
            states = consent.states(session, people) if people else {}
        if not people:
            return found
        after = people[-1]
        found["people"] += len(people)
        for purpose in OPTIONAL:
            found[purpose] += sum(state[purpose] for state in states.values())


def by_people(session: Session) -> tuple[dict[str, int], datetime] | None:
    """What the job counted last, and when; None before its first run."""
    row = session.get(JobRow, JOB)
    if row is None or not row.last_result:
        return None
    return json.loads(row.last_result), row.last_finished


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
