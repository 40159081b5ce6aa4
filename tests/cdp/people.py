"""Events for the tests of identity, profiles and the pipeline, stored as the intake stores them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import orjson
from sqlalchemy import delete, insert, select

from cdp.events import EventRow
from cdp.identity.moves import move_events
from cdp.identity.resolve import Sighting, owner, resolve
from cdp.identity.tables import IdentifierRow, MergeRow
from storage import Base, read, write

DAY = datetime(2026, 11, 20, 8)


def clear() -> None:
    """Empty all tables: hypothesis runs many examples in one test."""
    with write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))


def at(minutes: float) -> datetime:
    """So many minutes after the tests' day began."""
    return DAY + timedelta(minutes=minutes)


def ids(*named: str) -> list[dict]:
    """Entries of `body["ids"]` from "user_id:lin" and the like."""
    return [dict(zip(("kind", "key"), one.split(":", 1), strict=True)) for one in named]


def seen(number: int, minute: float, *named: str, prove: bool = False) -> Sighting:
    """The identifiers of one event."""
    return Sighting(number, at(minute), 1, f"m{number}", ids(*named), prove)


def take(batches: Iterable[list[Sighting]]) -> None:
    """Resolve batches of sightings, each in a transaction of its own, with an event row each."""
    for batch in filter(None, batches):
        with write() as session:
            graph = resolve(session, batch)
            graph.save(DAY)
            move_events(session, graph)
            rows = [_row(one, owner(graph, one)) for one in batch]
            session.execute(insert(EventRow.__table__), rows)


def _row(one: Sighting, person: int | None) -> dict:
    return {
        "seq": one.seq,
        "source_id": one.source_id,
        "message_id": one.message_id,
        "type": "track",
        "name": "Seen",
        "kind": "other",
        "occurred_at": one.at,
        "received_at": one.at,
        "person_id": person,
        "body": orjson.dumps({"ids": list(one.ids), "prove": one.prove}).decode(),
        "state": "done",
    }


def partition() -> set[frozenset[str]]:
    """The people as sets of "kind:key"."""
    with read() as session:
        rows = session.execute(
            select(IdentifierRow.kind, IdentifierRow.key, IdentifierRow.person_id)
        ).all()
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row.person_id, set()).add(f"{row.kind}:{row.key}")
    return {frozenset(one) for one in found.values()}


def number_of(named: str) -> int:
    """The number of an identifier "kind:key"."""
    kind, key = named.split(":", 1)
    with read() as session:
        wanted = (IdentifierRow.kind == kind, IdentifierRow.key == key)
        return session.scalars(select(IdentifierRow.id).where(*wanted)).one()


def merges() -> list[MergeRow]:
    """All merges in the order they were made."""
    with read() as session:
        return list(session.scalars(select(MergeRow).order_by(MergeRow.id)))
