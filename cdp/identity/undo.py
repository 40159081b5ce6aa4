"""Merges can be looked at, undone, and an undoing taken back; events go to the right person."""

from __future__ import annotations

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session

from cdp.identity.graph import Graph
from cdp.identity.moves import Changes, move_events, tell
from cdp.identity.resolve import repair
from cdp.identity.tables import MergeRow, SplitRow
from storage import utc_now, write


class UnknownMerge(LookupError):
    """No merge of that number, or it is not in the state that was expected."""


def merges_of(session: Session, person_id: int) -> list[MergeRow]:
    """The merges that made this person what it is, the newest first."""
    either = or_(MergeRow.winner == person_id, MergeRow.loser == person_id)
    return list(session.scalars(select(MergeRow).where(either).order_by(MergeRow.id.desc())))


def undo_merge(merge_id: int) -> Changes:
    """Part again what a merge joined: its two identifiers are never of one person from now on.

    Identifiers, events and profiles are decided anew by all that is known.

    Raises:
        UnknownMerge: there is no such merge, or it was undone before.
    """
    with write() as session:
        merge = _merge(session, merge_id, undone=False)
        merge.undone_at = utc_now()
        session.flush()
        return split(session, merge.left_id, merge.right_id)


def redo_merge(merge_id: int) -> Changes:
    """Take back an undoing: all links count again; what they join is a merge of its own.

    Raises:
        UnknownMerge: there is no such merge, or its identifiers are not held apart.
    """
    with write() as session:
        merge = _merge(session, merge_id, undone=True)
        a, b = sorted((merge.left_id, merge.right_id))
        held = delete(SplitRow).where(SplitRow.a_id == a, SplitRow.b_id == b)
        if not session.execute(held).rowcount:
            raise UnknownMerge(f"merge {merge_id}: it was joined again already")
        return _again(session, a, b)


def split(session: Session, left_id: int, right_id: int) -> Changes:
    """Hold two identifiers (by number) apart, whatever links them."""
    a, b = sorted((left_id, right_id))
    known = select(SplitRow.id).where(SplitRow.a_id == a, SplitRow.b_id == b)
    if session.scalars(known).first() is None:
        session.execute(insert(SplitRow.__table__), [{"a_id": a, "b_id": b, "at": utc_now()}])
    return _again(session, a, b)


def _again(session: Session, a: int, b: int) -> Changes:
    graph = Graph(session)
    graph.load_idents([a, b])
    repair(graph, {graph.idents[number].person for number in (a, b) if number in graph.idents})
    graph.save(utc_now())
    changes = move_events(session, graph)
    tell(session, changes)
    return changes


def _merge(session: Session, merge_id: int, undone: bool) -> MergeRow:
    merge = session.get(MergeRow, merge_id)
    if merge is None:
        raise UnknownMerge(f"merge {merge_id}: there is none of that number")
    if (merge.undone_at is not None) != undone:
        found = "it was undone already" if merge.undone_at else "it was never undone"
        raise UnknownMerge(f"merge {merge_id}: {found}")
    return merge
