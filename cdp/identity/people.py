"""Asking who somebody is, and which identifiers belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from cdp.identity import rules
from cdp.identity.graph import Graph, matches
from cdp.identity.nodes import NewIdent
from cdp.identity.tables import IdentifierRow, LinkRow, MergeRow, PersonRow, SplitRow
from storage import utc_now


@dataclass(frozen=True)
class Identifier:
    """One identifier of a person; `shown` is its masked form, `enc` its encrypted value."""

    id: int
    kind: str
    key: str
    shown: str | None
    enc: str | None
    person_id: int
    first_seen: datetime
    last_seen: datetime


_COLUMNS = (
    IdentifierRow.id,
    IdentifierRow.kind,
    IdentifierRow.key,
    IdentifierRow.shown,
    IdentifierRow.enc,
    IdentifierRow.person_id,
    IdentifierRow.first_seen,
    IdentifierRow.last_seen,
)


def person_of(session: Session, ids: Iterable[tuple[str, str]]) -> int | None:
    """The person of the strongest among (kind, key) that is known; None if none is."""
    usable = rules.by_strength(ids)
    if not usable:
        return None
    columns = (IdentifierRow.kind, IdentifierRow.key, IdentifierRow.person_id)
    rows = session.execute(select(*columns).where(matches(usable)))
    known = {(row.kind, row.key): row.person_id for row in rows}
    return next((known[one] for one in usable if one in known), None)


def ensure_person(session: Session, kind: str, key: str) -> int:
    """The person of that identifier, made if it was never seen.

    Raises:
        ValueError: the value cannot say who somebody is (empty, anonymous, zeros …).
    """
    if not rules.usable(kind, key):
        raise ValueError(f"{kind}: a value that identifies nobody; expected a real one")
    known = person_of(session, [(kind, key)])
    if known is not None:
        return known
    now = utc_now()
    graph = Graph(session)
    graph.create([NewIdent(kind, key, None, None, now)])
    graph.save(now)
    return graph.by_key[kind, key].person


def identifiers_of(session: Session, person_id: int) -> list[Identifier]:
    """The identifiers of a person, the strongest first."""
    return identifiers_of_many(session, [person_id])[person_id]


def identifiers_of_many(session: Session, people: Iterable[int]) -> dict[int, list[Identifier]]:
    """The identifiers of each of these people, the strongest first."""
    found: dict[int, list[Identifier]] = {person: [] for person in people}
    rows = session.execute(select(*_COLUMNS).where(IdentifierRow.person_id.in_(found)))
    for row in sorted(rows, key=lambda row: (rules.STRENGTH.get(row.kind, 99), row.id)):
        found[row.person_id].append(Identifier(**row._mapping))
    return found


def current(session: Session, person_id: int) -> int | None:
    """The number of the person that this one is (part of) now; None if there never was one."""
    seen = set()
    while person_id not in seen:
        seen.add(person_id)
        row = session.execute(
            select(PersonRow.id, PersonRow.merged_into).where(PersonRow.id == person_id)
        ).first()
        if row is None:
            return None
        if row.merged_into is None:
            return row.id
        person_id = row.merged_into
    return None


def forget(session: Session, person_id: int) -> dict[str, int]:
    """Delete a person's identifiers with all that hangs on them; how many rows of each table.

    People who were merged into this one go too: they were the same person.
    """
    owned = select(IdentifierRow.id).where(IdentifierRow.person_id == person_id)
    numbers = list(session.scalars(owned))
    either = {
        "links": (LinkRow, or_(LinkRow.a_id.in_(numbers), LinkRow.b_id.in_(numbers))),
        "splits": (SplitRow, or_(SplitRow.a_id.in_(numbers), SplitRow.b_id.in_(numbers))),
        "merges": (MergeRow, or_(MergeRow.left_id.in_(numbers), MergeRow.right_id.in_(numbers))),
        "identifiers": (IdentifierRow, IdentifierRow.id.in_(numbers)),
        "people": (PersonRow, or_(PersonRow.id == person_id, PersonRow.id.in_(numbers))),
    }
    return {
        name: session.execute(
            delete(table).where(condition), execution_options={"synchronize_session": False}
        ).rowcount
        for name, (table, condition) in either.items()
    }
