"""Where consent is kept: the history, the newest decisions, and the queries over both.

Each function costs a number of statements that does not depend on how much is stored, nor, but for
chunks of some hundreds, on how many people are asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Select

from cdp.consent_rules import Fact
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.suppression import ErasedPersonRow
from storage import Base

_CHUNK = 400


class ConsentRow(Base):
    """One decision of one identifier's owner about one purpose, as it was made.

    channel: where it was made; scope: the channel it is for, or "all".
    """

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_identifier", "kind", "key"),
        Index("ix_consents_purpose_at", "purpose", "at"),
    )

    id = Column(Integer, primary_key=True)
    kind = Column(String(24), nullable=False)
    key = Column(String(255), nullable=False)
    purpose = Column(String(32), nullable=False)
    channel = Column(String(32), nullable=False)
    scope = Column(String(32), nullable=False)
    granted = Column(Boolean, nullable=False)
    text_version = Column(String(32), nullable=False)
    evidence = Column(String(255), nullable=False)
    source = Column(String(16), nullable=False)
    at = Column(DateTime, nullable=False)


class ConsentStateRow(Base):
    """The newest decision of one identifier for one purpose, scope and source."""

    __tablename__ = "consent_states"

    kind = Column(String(24), primary_key=True)
    key = Column(String(255), primary_key=True)
    purpose = Column(String(32), primary_key=True)
    scope = Column(String(32), primary_key=True)
    source = Column(String(16), primary_key=True)
    granted = Column(Boolean, nullable=False)
    at = Column(DateTime, nullable=False)


_states = ConsentStateRow.__table__
_identifiers = IdentifierRow.__table__
_people = PersonRow.__table__
_erased = ErasedPersonRow.__table__
_OF_IDENTIFIER = and_(_states.c.kind == _identifiers.c.kind, _states.c.key == _identifiers.c.key)


def facts(session, person_ids: Iterable[int]) -> tuple[dict[int, list[Fact]], set, set]:
    """By known person what their identifiers say; who is under 14; who is being erased."""
    wanted = sorted({person_id for person_id in person_ids if person_id is not None})
    facts: dict[int, list[Fact]] = {}
    minors, erasing = set(), set()
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        rows = session.execute(
            select(_identifiers.c.person_id, _states)
            .select_from(_identifiers.outerjoin(_states, _OF_IDENTIFIER))
            .where(_identifiers.c.person_id.in_(some))
        )
        for row in rows:
            mine = facts.setdefault(row.person_id, [])
            if row.kind is not None:
                mine.append(fact_of(row))
        young, gone = _special(some)
        minors |= set(session.scalars(young))
        erasing |= set(session.scalars(gone))
    return facts, minors, erasing


def grants(session, person_ids: Iterable[int]) -> tuple[dict[int, set[str]], set[int]]:
    """By known person the purposes that their identifiers grant; and those of the people for whom
    `facts` are needed: somebody who denied something, is under 14, or is being erased."""
    wanted = sorted(person_ids)
    said: dict[int, set[str]] = {}
    doubtful: set[int] = set()
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        whose = _identifiers.c.person_id
        rows = session.execute(
            select(whose, _states.c.purpose, func.count(case((~_states.c.granted, 1))))
            .select_from(_identifiers.outerjoin(_states, _OF_IDENTIFIER))
            .where(whose.in_(some))
            .group_by(whose, _states.c.purpose)
        )
        for person_id, purpose, denials in rows:
            said.setdefault(person_id, set()).add(purpose)
            if denials:
                doubtful.add(person_id)
        for special in _special(some):
            doubtful |= set(session.scalars(special))
    return said, doubtful


def fact_of(row) -> Fact:
    """A row of `consent_states` as a fact."""
    return Fact((row.kind, row.key), row.purpose, row.scope, row.source, row.granted, row.at)


def _special(person_ids: list[int]) -> tuple[Select, Select]:
    """Who of them is under 14, and who is being erased."""
    return (
        select(_people.c.id).where(_people.c.id.in_(person_ids), _people.c.minor),
        select(_erased.c.person_id).where(_erased.c.person_id.in_(person_ids)),
    )


def persons_of(session, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """By identifier the person it belongs to, where it belongs to one."""
    found = {}
    for condition in conditions(_identifiers.c.kind, _identifiers.c.key, ids):
        for row in session.execute(select(_identifiers).where(condition)):
            if row.person_id is not None:
                found[(row.kind, row.key)] = row.person_id
    return found


def identifiers_by_person(session, person_ids: set[int]) -> dict[int, list[tuple[str, str]]]:
    """By person all identifiers known now."""
    found: dict[int, list[tuple[str, str]]] = {}
    wanted = sorted(person_ids)
    for start in range(0, len(wanted), _CHUNK):
        rows = session.execute(
            select(_identifiers).where(_identifiers.c.person_id.in_(wanted[start : start + _CHUNK]))
        )
        for row in rows:
            found.setdefault(row.person_id, []).append((row.kind, row.key))
    return found


def belonging(
    ids: Iterable[tuple[str, str]],
    persons: dict[tuple[str, str], int],
    owned: dict[int, list[tuple[str, str]]],
) -> tuple[set[tuple[str, str]], set[int]]:
    """Whose word it is when somebody who goes by `ids` speaks: all their identifiers, and people.

    A signed-in shopper in a talk that an other one began speaks for themselves, not for the other:
    what belongs to somebody with another user_id is left out.
    """
    given = set(ids)
    users = {one for one in given if one[0] == "user_id"}
    people, foreign = set(), set()
    for one in given & persons.keys():
        names = {other for other in owned.get(persons[one], ()) if other[0] == "user_id"}
        (foreign if users and names and not names & users else people).add(persons[one])
    mine = {one for one in given if persons.get(one) not in foreign}
    return mine | {other for person in people for other in owned.get(person, ())}, people


def of_speaker(session, ids: Iterable[tuple[str, str]]) -> tuple[set[tuple[str, str]], set[int]]:
    """`belonging`, asked of the database."""
    given = set(ids)
    persons = persons_of(session, given)
    return belonging(given, persons, identifiers_by_person(session, set(persons.values())))


def states_of(session, ids: Iterable[tuple[str, str]]) -> Iterator:
    """The newest decisions of these identifiers, as rows of `consent_states`."""
    for condition in conditions(_states.c.kind, _states.c.key, ids):
        yield from session.execute(select(_states).where(condition))


def conditions(kind_column, key_column, ids: Iterable[tuple[str, str]]) -> Iterator:
    """Conditions that together match these identifiers, each with a bounded list of them."""
    by_kind: dict[str, set[str]] = {}
    for kind, key in ids:
        by_kind.setdefault(kind, set()).add(key)
    pairs = [(kind, key) for kind in sorted(by_kind) for key in sorted(by_kind[kind])]
    for start in range(0, len(pairs), _CHUNK):
        some: dict[str, list[str]] = {}
        for kind, key in pairs[start : start + _CHUNK]:
            some.setdefault(kind, []).append(key)
        yield or_(
            *(and_(kind_column == kind, key_column.in_(listed)) for kind, listed in some.items())
        )


def upsert(session, changed: dict[tuple, tuple[bool, datetime]]) -> None:
    """Write newest decisions: (kind, key, purpose, scope, source) → (granted, at)."""
    if not changed:
        return
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    names = ("kind", "key", "purpose", "scope", "source", "granted", "at")
    rows = [dict(zip(names, (*place, *value), strict=True)) for place, value in changed.items()]
    statement = make(_states)
    # Rows as parameters: the statement is compiled once, and not anew for every number of rows.
    session.execute(
        statement.on_conflict_do_update(
            index_elements=list(names[:5]),
            set_={"granted": statement.excluded.granted, "at": statement.excluded.at},
        ),
        rows,
    )
