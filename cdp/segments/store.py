"""Segments as they are kept: defined, listed, deleted; their sizes and members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from cdp.consent_rules import OPTIONAL
from cdp.segments import hooks
from cdp.segments.expression import parse
from cdp.segments.tables import MemberRow, SegmentRow, SizeRow
from cdp.tags.store import chunks
from storage import read, utc_now, write


@dataclass(frozen=True)
class Segment:
    """A segment; `size` is that of `rebuilt_at` (None: never rebuilt); times are naive UTC."""

    id: int
    name: str
    expression: str
    purpose: str
    description: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    size: int
    rebuilt_at: datetime | None


class InvalidSegment(ValueError):
    """A name or purpose that cannot be; `field` says which."""

    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field


def save(
    name: str,
    text: str,
    purpose: str = "marketing",
    description: str = "",
    actor: str = "",
    segment_id: int | None = None,
) -> Segment:
    """Make a segment, or change the one of that number; its members follow at the next rebuild.

    Raises:
        ExpressionError: the expression is wrong.
        InvalidSegment: an empty or taken name, an unknown purpose, or no such segment.
    """
    parse(text)
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise InvalidSegment("name", f"found {len(name)} characters; expected 1 to 100")
    if purpose not in OPTIONAL:
        raise InvalidSegment("purpose", f"found {purpose!r}; expected one of {OPTIONAL}")
    now = utc_now()
    with write() as session:
        other = session.scalars(select(SegmentRow.id).where(SegmentRow.name == name)).first()
        if other is not None and other != segment_id:
            raise InvalidSegment(
                "name", f"{name!r} is taken by segment {other}; expected a new one"
            )
        row = SegmentRow(created_by=actor[:128], created_at=now, size=0)
        if segment_id is not None:
            row = session.get(SegmentRow, segment_id)
            if row is None:
                raise InvalidSegment("id", f"found no segment {segment_id}")
        row.name, row.expression, row.purpose = name, text, purpose
        row.description, row.updated_at = description.strip()[:500], now
        session.add(row)
        session.flush()
        return _segment(row)


def remove(segment_id: int) -> bool:
    """Delete a segment with its sizes, members and webhooks; whether there was one."""
    with write() as session:
        hooks.remove_of(session, segment_id)
        for table in (MemberRow, SizeRow):
            session.execute(_quiet(delete(table).where(table.segment_id == segment_id)))
        gone = session.execute(_quiet(delete(SegmentRow).where(SegmentRow.id == segment_id)))
        return gone.rowcount == 1


def all_segments() -> list[Segment]:
    """All segments by name."""
    with read() as session:
        return [
            _segment(row) for row in session.scalars(select(SegmentRow).order_by(SegmentRow.name))
        ]


def by_id(segment_id: int) -> Segment | None:
    """The segment of that number."""
    with read() as session:
        row = session.get(SegmentRow, segment_id)
        return None if row is None else _segment(row)


def by_name(name: str) -> Segment | None:
    """The segment of that name."""
    with read() as session:
        row = session.scalars(select(SegmentRow).where(SegmentRow.name == name)).first()
        return None if row is None else _segment(row)


def sizes(segment_id: int, since: datetime | None = None) -> list[tuple[datetime, int]]:
    """The segment's sizes, the oldest first."""
    wanted = select(SizeRow.at, SizeRow.size).where(SizeRow.segment_id == segment_id)
    if since is not None:
        wanted = wanted.where(SizeRow.at >= since)
    with read() as session:
        return [(row.at, row.size) for row in session.execute(wanted.order_by(SizeRow.at))]


def members(
    session: Session, segment_id: int, after: int = 0, limit: int = 1000
) -> list[tuple[int, datetime]]:
    """Members now, by number of person: (person, joined at), those after person `after`."""
    wanted = (
        select(MemberRow.person_id, MemberRow.joined_at)
        .where(
            MemberRow.segment_id == segment_id,
            MemberRow.left_at.is_(None),
            MemberRow.person_id > after,
        )
        .order_by(MemberRow.person_id)
        .limit(limit)
    )
    return [(row.person_id, row.joined_at) for row in session.execute(wanted)]


def of(session: Session, person_id: int) -> list[str]:
    """The names of the segments that a person is a member of now."""
    wanted = (
        select(SegmentRow.name)
        .join(MemberRow, MemberRow.segment_id == SegmentRow.id)
        .where(MemberRow.person_id == person_id, MemberRow.left_at.is_(None))
        .order_by(SegmentRow.name)
    )
    return session.scalars(wanted).all()


def leave(session: Session, person_ids: Iterable[int], purposes: Iterable[str]) -> int:
    """End these people's stay in all segments of these purposes at once; how many stays.

    Webhooks are told, so that who got the members takes them back as well.
    """
    now, ended = utc_now(), 0
    mine = select(SegmentRow.id).where(SegmentRow.purpose.in_(list(purposes)))
    for some in chunks(sorted(set(person_ids))):
        current = (
            MemberRow.person_id.in_(some),
            MemberRow.left_at.is_(None),
            MemberRow.segment_id.in_(mine),
        )
        left: dict[int, list[int]] = {}
        for row in session.execute(
            select(MemberRow.segment_id, MemberRow.person_id).where(*current)
        ):
            left.setdefault(row.segment_id, []).append(row.person_id)
        if not left:
            continue
        session.execute(_quiet(update(MemberRow).where(*current).values(left_at=now)))
        for segment_id, people in left.items():
            ended += len(people)
            count_again(session, segment_id)
            hooks.enqueue(session, segment_id, [], sorted(people), now)
    return ended


def forget(session: Session, person_ids: Iterable[int]) -> int:
    """Delete all stays of these people, after telling the webhooks; how many."""
    people, gone = sorted(set(person_ids)), 0
    leave(session, people, OPTIONAL)
    for some in chunks(people):
        made = session.execute(_quiet(delete(MemberRow).where(MemberRow.person_id.in_(some))))
        gone += made.rowcount
    return gone


def count_again(session: Session, segment_id: int) -> int:
    """Set a segment's size to how many members there are now."""
    here = (MemberRow.segment_id == segment_id, MemberRow.left_at.is_(None))
    size = session.scalar(select(func.count()).select_from(MemberRow).where(*here))
    session.execute(_quiet(update(SegmentRow).where(SegmentRow.id == segment_id).values(size=size)))
    return size


def _quiet(statement):
    return statement.execution_options(synchronize_session=False)


def _segment(row: SegmentRow) -> Segment:
    return Segment(**{name: getattr(row, name) for name in Segment.__dataclass_fields__})
