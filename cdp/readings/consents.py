"""Figures of consent: what people allow, what their identifiers say, what was decided day by day.

What a person allows follows from all of their identifiers together (`cdp.consent_rules`). Asking
that of everybody is not for a page: the job `consents.count` does it each hour, and its last result
is what the page shows.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cdp import consent, jobs
from cdp.consent import OPTIONAL, ConsentRow, ConsentStateRow
from cdp.identity.tables import PersonRow
from cdp.jobs import JobRow
from storage import read

JOB = "consents.count"
_AT_ONCE = 2000

_GRANTED = func.sum(case((ConsentStateRow.granted, 1), else_=0))
_DENIED = func.sum(case((ConsentStateRow.granted, 0), else_=1))


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
    wanted = select(ConsentStateRow.purpose, _GRANTED, _DENIED).group_by(ConsentStateRow.purpose)
    found = {purpose: {"granted": 0, "denied": 0} for purpose in OPTIONAL}
    for purpose, granted, denied in session.execute(wanted):
        found[purpose] = {"granted": int(granted), "denied": int(denied)}
    return found


def by_source(session: Session) -> list[tuple[str, str, int, int]]:
    """(purpose, how it was said, granted, denied), newest decisions."""
    columns = (ConsentStateRow.purpose, ConsentStateRow.source)
    wanted = select(*columns, _GRANTED, _DENIED).group_by(*columns).order_by(*columns)
    return [(row[0], row[1], int(row[2]), int(row[3])) for row in session.execute(wanted)]


def by_channel(session: Session, since: datetime) -> list[tuple[str, int, int]]:
    """(channel, granted, denied): decisions made there since then."""
    granted = func.sum(case((ConsentRow.granted, 1), else_=0))
    wanted = select(ConsentRow.channel, granted, func.count()).where(ConsentRow.at >= since)
    rows = session.execute(wanted.group_by(ConsentRow.channel).order_by(func.count().desc()))
    return [(channel, int(yes), int(count - yes)) for channel, yes, count in rows]


def by_day(session: Session, now: datetime, days: int = 30) -> list[tuple[date, int, int]]:
    """(day in UTC, granted, denied): decisions of each of the last days, the oldest first."""
    first = now.date() - timedelta(days=days - 1)
    day = func.date(ConsentRow.at)
    granted = func.sum(case((ConsentRow.granted, 1), else_=0))
    wanted = select(day, granted, func.count())
    # Each purpose by itself, so that the index on purpose and time is used.
    wanted = wanted.where(
        ConsentRow.purpose.in_(OPTIONAL),
        ConsentRow.at >= datetime(first.year, first.month, first.day),
    ).group_by(day)
    found = {str(one): (int(yes), int(count - yes)) for one, yes, count in session.execute(wanted)}
    places = [first + timedelta(days=number) for number in range(days)]
    return [(place, *found.get(str(place), (0, 0))) for place in places]
