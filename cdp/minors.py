"""Shoppers under 14: their data is sensitive, and only a guardian may allow its use (PIPL Art. 31).

Who is under 14 follows from a birth date or an age that was given. The flag stands on the person
(`people.minor`) and in `minors` by identifier with the day it ends, so that it outlives a merge and
an undone one, and falls away on the fourteenth birthday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone

from sqlalchemy import Column, Date, String, delete, select, update

from cdp import consent, consent_store, identity, jobs, withdrawal
from cdp.identity.tables import IdentifierRow, PersonRow
from storage import Base, write

OF_AGE = 14
_QUIET = {"synchronize_session": False}


class MinorRow(Base):
    """An identifier of somebody who is under 14 until that day."""

    __tablename__ = "minors"

    kind = Column(String(24), primary_key=True)
    key = Column(String(255), primary_key=True)
    until = Column(Date, nullable=False)


def of_age_on(traits: Mapping, today: date) -> date | None:
    """The day somebody with these traits is 14; None if nothing says how old they are.

    Reads `birthday` or `birth_date` (ISO 8601) and `age` (years). Of an age alone the latest
    possible day counts, so that nobody is taken for older than they are.
    """
    for name in ("birthday", "birth_date", "birthDate", "date_of_birth"):
        born = _date(traits.get(name))
        if born is not None and born <= today:
            return _plus_years(born, OF_AGE)
    age = traits.get("age")
    if isinstance(age, str) and age.strip().isdigit():
        age = int(age)
    if isinstance(age, (int, float)) and not isinstance(age, bool) and 0 <= age < 130:
        return _plus_years(today, max(0, OF_AGE - int(age)))
    return None


def is_minor(traits: Mapping, today: date) -> bool:
    """Whether these traits say that somebody is under 14 today."""
    day = of_age_on(traits, today)
    return day is not None and day > today


def note(session, person_id: int, traits: Mapping, today: date | None = None) -> bool:
    """Flag a person by traits just given; whether they are under 14.

    What was derived of them without a guardian's consent is taken back at once.
    """
    today = today or _today()
    day = of_age_on(traits, today)
    if day is None or day <= today:
        return False
    for one in identity.identifiers_of(session, person_id):
        row = session.get(MinorRow, (one.kind, one.key))
        if row is None:
            session.add(MinorRow(kind=one.kind, key=one.key, until=day))
        else:
            row.until = max(row.until, day)
    session.flush()
    _flag(session, [person_id])
    return True


def refresh(session, person_ids: Iterable[int]) -> None:
    """Flag those of these people who have an identifier of somebody under 14: after a merge."""
    people = sorted(set(person_ids))
    if not people:
        return
    flagged = session.scalars(
        select(IdentifierRow.person_id)
        .join(MinorRow, (MinorRow.kind == IdentifierRow.kind) & (MinorRow.key == IdentifierRow.key))
        .where(IdentifierRow.person_id.in_(people))
        .distinct()
    ).all()
    _set(session, sorted(set(people) - set(flagged)), False)
    _flag(session, sorted(flagged))


@jobs.job("minors.come_of_age", every=timedelta(days=1))
def come_of_age(now: datetime) -> int:
    """Take the flag from those whose day has come; how many people."""
    with write() as session:
        over = session.execute(
            select(MinorRow.kind, MinorRow.key).where(MinorRow.until <= now.date())
        ).all()
        persons = consent_store.persons_of(session, [(row.kind, row.key) for row in over])
        session.execute(
            delete(MinorRow).where(MinorRow.until <= now.date()), execution_options=_QUIET
        )
        refresh(session, persons.values())
        return len(set(persons.values()))


def _flag(session, person_ids: list[int]) -> None:
    _set(session, person_ids, True)
    for person_id, allowed in consent.states(session, person_ids).items():
        for purpose in consent.OPTIONAL:
            if not allowed[purpose]:
                withdrawal.apply(session, [person_id], purpose)


def _set(session, person_ids: list[int], minor: bool) -> None:
    session.execute(
        update(PersonRow)
        .where(PersonRow.id.in_(person_ids), PersonRow.minor.is_not(minor))
        .values(minor=minor),
        execution_options=_QUIET,
    )


def _date(value) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _plus_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)


def _today() -> date:
    return datetime.now(timezone.utc).date()
