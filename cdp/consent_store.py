"""Where consent is kept: the history, the newest decisions, and the queries over both.

Each function costs a number of statements that does not depend on how much is stored, nor, but for
chunks of some hundreds, on how many people are asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    or_,
    select,
)

from cdp.consent_rules import ALL, BY_CHANNEL, Fact
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.suppression import ErasedPersonRow
from storage import Base, bulk

_CHUNK = 400


class ConsentRow(Base):
    """One decision of one identifier's owner about some purposes, as it was made.

    purposes: as words, in the order of `consent_rules.PURPOSES`; channel: where it was made; scope:
    the channel that it is for where a purpose has one (`consent_rules.BY_CHANNEL`), else "all".
    """

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_identifier", "kind", "key"),
        Index("ix_consents_at", "at"),
    )

    id = Column(Integer, primary_key=True)
    kind = Column(String(24), nullable=False)
    key = Column(String(255), nullable=False)
    purposes = Column(String(100), nullable=False)
    channel = Column(String(32), nullable=False)
    scope = Column(String(32), nullable=False)
    granted = Column(Boolean, nullable=False)
    text_version = Column(String(32), nullable=False)
    evidence = Column(String(255), nullable=False)
    source = Column(String(16), nullable=False)
    at = Column(DateTime, nullable=False)


class ConsentStateRow(Base):
    """What one identifier says now: its newest decision of each purpose, scope and source.

    said: a JSON list of [purpose, scope, source, granted], sorted, of which there are few different
    ones; times: a JSON list of when each was said, or of the one time when all were.
    """

    __tablename__ = "consent_states"

    kind = Column(String(24), primary_key=True)
    key = Column(String(255), primary_key=True)
    said = Column(Text, nullable=False)
    times = Column(Text, nullable=False)


class Told(NamedTuple):
    """One purpose of a decision in the history; the fields are those of its row."""

    id: int
    kind: str
    key: str
    purpose: str
    channel: str
    scope: str
    granted: bool
    text_version: str
    evidence: str
    source: str
    at: datetime


# (purpose, scope, source) → (granted, when): what one identifier says.
Says = dict[tuple[str, str, str], tuple[bool, datetime]]

_states = ConsentStateRow.__table__
_history = ConsentRow.__table__
_identifiers = IdentifierRow.__table__
_people = PersonRow.__table__
_erased = ErasedPersonRow.__table__
_OF_IDENTIFIER = and_(_states.c.kind == _identifiers.c.kind, _states.c.key == _identifiers.c.key)
_WHOSE = _identifiers.c.person_id
_GRANTS = (
    select(_WHOSE, _states.c.said)
    .select_from(_identifiers.outerjoin(_states, _OF_IDENTIFIER))
    .where(bulk.listed(_WHOSE, "people"))
)
_FACTS = (
    select(_WHOSE, _states.c.kind, _states.c.key, _states.c.said, _states.c.times)
    .select_from(_identifiers.outerjoin(_states, _OF_IDENTIFIER))
    .where(bulk.listed(_WHOSE, "people"))
)
_SAYS = select(_states.c.key, _states.c.said, _states.c.times).where(
    _states.c.kind == bindparam("kind"), bulk.listed(_states.c.key, "keys")
)
# Who is under 14, and who is being erased.
_MINORS = select(_people.c.id).where(bulk.listed(_people.c.id, "people"), _people.c.minor)
_ERASING = select(_erased.c.person_id).where(bulk.listed(_erased.c.person_id, "people"))


def facts(session, person_ids: Iterable[int]) -> tuple[dict[int, list[Fact]], set, set]:
    """By known person what their identifiers say; who is under 14; who is being erased."""
    wanted = sorted({person_id for person_id in person_ids if person_id is not None})
    facts: dict[int, list[Fact]] = {}
    minors, erasing = set(), set()
    if wanted:
        for person_id, *said in bulk.fetch(session, _FACTS, people=wanted):
            mine = facts.setdefault(person_id, [])
            if said[0] is not None:
                mine += _facts_of(*said)
        minors.update(one for (one,) in bulk.fetch(session, _MINORS, people=wanted))
        erasing.update(one for (one,) in bulk.fetch(session, _ERASING, people=wanted))
    return facts, minors, erasing


def grants(session, person_ids: Iterable[int]) -> tuple[dict[int, frozenset[str]], set[int]]:
    """By known person the purposes that their identifiers grant; and those of the people for whom
    `facts` are needed: somebody who denied something, is under 14, or is being erased."""
    wanted = sorted(person_ids)
    said: dict[int, frozenset[str]] = {}
    doubtful: set[int] = set()
    if not wanted:
        return said, doubtful
    for person_id, text in bulk.fetch(session, _GRANTS, people=wanted):
        granted, denies = _in_short(text)
        known = said.get(person_id)
        said[person_id] = granted if known is None or known is granted else known | granted
        if denies:
            doubtful.add(person_id)
    for special in (_MINORS, _ERASING):
        doubtful.update(one for (one,) in bulk.fetch(session, special, people=wanted))
    return said, doubtful


def _facts_of(kind: str, key: str, said: str, times: str) -> Iterator[Fact]:
    """What a row of `consent_states` says."""
    for (purpose, scope, source), (granted, at) in _says(said, times).items():
        yield Fact((kind, key), purpose, scope, source, granted, at)


def _says(told: str, at: str) -> Says:
    said = words(told)
    times = [datetime.fromisoformat(one) for one in orjson.loads(at)]
    if len(times) == 1:
        times *= len(said)
    return {tuple(place): (granted, at) for (*place, granted), at in zip(said, times, strict=True)}


@lru_cache(maxsize=5_000)
def words(said: str) -> tuple[tuple[str, str, str, bool], ...]:
    """(purpose, scope, source, granted) of each decision in `ConsentStateRow.said`."""
    return tuple(
        (purpose, scope, by, granted) for purpose, scope, by, granted in orjson.loads(said)
    )


@lru_cache(maxsize=5_000)
def _in_short(said: str | None) -> tuple[frozenset[str], bool]:
    """The purposes that are granted, and whether any is denied."""
    known = words(said) if said else ()
    granted = frozenset(purpose for purpose, _, _, grants in known if grants)
    return granted, any(not grants for *_, grants in known)


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
            select(_identifiers).where(
                bulk.among(_identifiers.c.person_id, wanted[start : start + _CHUNK])
            )
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


def says_of(session, ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Says]:
    """By identifier what it says now, of those that say anything."""
    by_kind: dict[str, set[str]] = {}
    for kind, key in ids:
        by_kind.setdefault(kind, set()).add(key)
    found = {}
    for kind, keys in sorted(by_kind.items()):
        for key, said, times in bulk.fetch(session, _SAYS, kind=kind, keys=sorted(keys)):
            found[kind, key] = _says(said, times)
    return found


def facts_said(session, ids: Iterable[tuple[str, str]]) -> list[Fact]:
    """The same as facts."""
    return [
        Fact(identifier, *place, *newest)
        for identifier, says in says_of(session, ids).items()
        for place, newest in says.items()
    ]


def history(session, ids: Iterable[tuple[str, str]]) -> list[Told]:
    """All decisions of these identifiers by purpose, the oldest first."""
    rows = []
    for condition in conditions(_history.c.kind, _history.c.key, ids):
        rows += session.execute(select(_history).where(condition))
    rows.sort(key=lambda row: (row.at, row.id))
    return [
        Told(
            row.id,
            row.kind,
            row.key,
            purpose,
            row.channel,
            row.scope if purpose in BY_CHANNEL else ALL,
            row.granted,
            row.text_version,
            row.evidence,
            row.source,
            row.at,
        )
        for row in rows
        for purpose in row.purposes.split()
    ]


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
            *(
                and_(kind_column == kind, bulk.among(key_column, listed))
                for kind, listed in some.items()
            )
        )


def save(session, says: dict[tuple[str, str], Says], history: list[dict]) -> None:
    """Write what identifiers say now, and the decisions by which they came to (`ConsentRow`)."""
    bulk.insert_rows(session, _history, history)
    rows = []
    for (kind, key), mine in says.items():
        places = sorted(mine)
        said = [[*place, mine[place][0]] for place in places]
        times = [mine[place][1].isoformat() for place in places]
        if len(set(times)) == 1:
            times = times[:1]
        rows.append({"kind": kind, "key": key, "said": _dumped(said), "times": _dumped(times)})
    bulk.insert_rows(session, _states, rows, key=("kind", "key"))


def _dumped(listed: list) -> str:
    return orjson.dumps(listed).decode()
