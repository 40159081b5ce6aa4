"""Events follow their identifiers: what a change of who is who means for stored events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from cdp.events import Event, EventRow
from cdp.identity import rules
from cdp.identity.graph import Graph


@dataclass(slots=True)
class Changes:
    """merged: people who are now wholly part of another (old → new number); regrouped: people
    who gained or lost some identifiers only, so that what is known of them has to be made anew."""

    merged: dict[int, int] = field(default_factory=dict)
    regrouped: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.merged or self.regrouped)

    @property
    def people(self) -> set[int]:
        """Everybody there is now who is not as he was."""
        return set(self.merged.values()) | self.regrouped


_listeners: list[Callable[[Session, Changes], None]] = []


def listen(listener: Callable[[Session, Changes], None]) -> None:
    """Call `listener(session, changes)` when people were recomputed, in the same transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(session: Session, changes: Changes) -> None:
    """Call those who listen, in the order in which they asked."""
    if changes:
        for listener in _listeners:
            listener(session, changes)


def move_events(session: Session, graph: Graph) -> Changes:
    """Give stored events to the people their identifiers belong to now; call after `graph.save`."""
    went: dict[int, dict[tuple[str, str], int]] = {}
    moved_from = {
        one.stored
        for one in graph.idents.values()
        if one.stored is not None and one.stored != one.person
    }
    for one in graph.idents.values():
        if one.stored in moved_from:
            went.setdefault(one.stored, {})[one.kind, one.key] = one.person
    changes, moves = Changes(), []
    # All are looked up before any is moved: what one person gains is not the other's to give.
    for person, owners in went.items():
        targets = set(owners.values())
        if len(targets) == 1:
            changes.merged[person] = targets.pop()
        else:
            changes.regrouped |= targets | {person}
            moves += _scattered(session, person, owners)
    table = EventRow.__table__
    for person, target in changes.merged.items():
        whole = update(table).where(table.c.person_id == person)
        session.execute(whole.values(person_id=target))
    if moves:
        single = update(table).where(table.c.seq == bindparam("of"))
        session.connection().execute(single.values(person_id=bindparam("to")), moves)
    return changes


def _scattered(
    session: Session, person: int, owners: dict[tuple[str, str], int]
) -> list[dict[str, int]]:
    """Which of one person's events go to whom, by their strongest identifiers."""
    moves = []
    rows = session.execute(select(EventRow.__table__).where(EventRow.person_id == person))
    for row in rows:
        target = owners[rules.by_strength(Event.from_row(row).ids)[0]]
        if target != person:
            moves.append({"of": row.seq, "to": target})
    return moves
