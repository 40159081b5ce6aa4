"""Who is in a segment: profiles streamed in parts, each against all expressions at once.

Only people who allow analytics and the segment's purpose count; nobody under 14 is in a segment for
marketing. Writes are short transactions of some hundred people, so intake never waits long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cdp import consent, jobs
from cdp.clusters.tables import ClusterMemberRow, ClusterRow
from cdp.identity.tables import PersonRow
from cdp.profiles.tables import ProfileRow
from cdp.segments import hooks, store
from cdp.segments.expression import Expression, parse
from cdp.segments.fields import NOWHERE, Subject
from cdp.segments.store import Segment
from cdp.segments.tables import MemberRow, SegmentRow, SizeRow
from cdp.tags.facts import Facts
from cdp.tags.store import alive, chunks
from cdp.tags.tables import TagRow
from storage import read, utc_now, write

_PART = 2000
_NO_TAGS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """What a rebuild did to one segment."""

    segment: str
    size: int
    joined: int
    left: int


def size_of(text: str, purpose: str | None = None, now: datetime | None = None) -> int:
    """How many people fit an expression now; with a purpose, only those who allow it.

    Raises:
        ExpressionError: the expression is wrong.
    """
    expression, now, size = parse(text), now or utc_now(), 0
    for session, part in _people(now, [expression]):
        fitting = [person for person, subject in part if expression.test(subject)]
        size += len(fitting if purpose is None else allowed(session, fitting, purpose))
    return size


@jobs.job("segments.rebuild", every=timedelta(hours=1), apart=True)
def rebuild_all(now: datetime | None = None) -> dict[str, int]:
    """Rebuild all segments in one pass over the profiles: each one's size."""
    return {one.segment: one.size for one in rebuild(store.all_segments(), now)}


def rebuild(segments: Sequence[Segment], now: datetime | None = None) -> list[Change]:
    """Rebuild these segments in one pass over the profiles."""
    now = now or utc_now()
    if not segments:
        return []
    wanted = [(segment, parse(segment.expression)) for segment in segments]
    found: dict[int, set[int]] = {segment.id: set() for segment in segments}
    for session, part in _people(now, [expression for _, expression in wanted]):
        fitting = {
            segment.id: [person for person, subject in part if expression.test(subject)]
            for segment, expression in wanted
        }
        may = _permissions(session, set().union(*fitting.values()))
        for segment, _ in wanted:
            found[segment.id] |= {
                person for person in fitting[segment.id] if segment.purpose in may[person]
            }
    return [_apply(segment, found[segment.id], now) for segment in segments]


def allowed(session: Session, person_ids: Iterable[int], purpose: str) -> set[int]:
    """Those of these people who may be in a segment for that purpose."""
    may = _permissions(session, set(person_ids))
    return {person for person, purposes in may.items() if purpose in purposes}


def _permissions(session: Session, person_ids: set[int]) -> dict[int, set[str]]:
    """For which purposes each of these people may be in a segment."""
    may: dict[int, set[str]] = {}
    for some in chunks(sorted(person_ids)):
        young = select(PersonRow.id).where(PersonRow.id.in_(some), PersonRow.minor.is_(True))
        minors = set(session.scalars(young))
        for person, state in consent.states(session, some).items():
            fine = {purpose for purpose, allowed in state.items() if allowed}
            may[person] = fine if "analytics" in fine else set()
            if person in minors:
                may[person].discard("marketing")
    return may


def _people(
    now: datetime, expressions: Sequence[Expression]
) -> Iterator[tuple[Session, list[tuple[int, Subject]]]]:
    """All people that may fit one of the expressions, in parts, as expressions see them; each part
    with its session (one for all would keep an old state of the database alive the whole time)."""
    last, named = 0, frozenset().union(*(one.tags for one in expressions))
    grouped = any(one.clusters for one in expressions)
    while True:
        wanted = select(ProfileRow.person_id, ProfileRow.body).where(ProfileRow.person_id > last)
        if len(expressions) == 1:
            wanted = _narrowed(wanted, expressions[0])
        with read() as session:
            rows = session.execute(wanted.order_by(ProfileRow.person_id).limit(_PART)).all()
            if not rows:
                return
            first, last = rows[0].person_id, rows[-1].person_id
            tags = _tags(session, named, first, last, now)
            clusters = _clusters(session, first, last) if grouped else {}
            yield session, [(row.person_id, _subject(row, tags, clusters, now)) for row in rows]


def _subject(row, tags: dict[int, frozenset[str]], clusters: dict, now: datetime) -> Subject:
    person = row.person_id
    facts = Facts(orjson.loads(row.body), (), now)
    return Subject(facts, tags.get(person, _NO_TAGS), clusters.get(person, NOWHERE))


def _clusters(session: Session, first: int, last: int) -> dict[int, tuple[int, str]]:
    """By person number and name of their cluster."""
    of_person = ClusterMemberRow.number == ClusterRow.number
    wanted = select(ClusterMemberRow.person_id, ClusterRow.number, ClusterRow.name)
    wanted = wanted.join(ClusterRow, of_person).where(
        ClusterMemberRow.person_id >= first, ClusterMemberRow.person_id <= last
    )
    return {person: (number, name) for person, number, name in session.execute(wanted)}


def _narrowed(wanted, expression: Expression):
    for tag in sorted(expression.needs_tags):
        bearers = select(TagRow.person_id).where(TagRow.tag == tag)
        wanted = wanted.where(ProfileRow.person_id.in_(bearers))
    if expression.needs_orders:
        wanted = wanted.where(ProfileRow.order_count > 0)
    return wanted


def _tags(
    session: Session, named: frozenset[str], first: int, last: int, now: datetime
) -> dict[int, frozenset[str]]:
    """By person those of the named tags that they have."""
    if not named:
        return {}
    found: dict[int, set[str]] = {}
    wanted = select(TagRow.person_id, TagRow.tag).where(
        TagRow.person_id >= first,
        TagRow.person_id <= last,
        TagRow.tag.in_(sorted(named)),
        alive(now),
    )
    for person_id, tag in session.execute(wanted):
        found.setdefault(person_id, set()).add(tag)
    return {person_id: frozenset(tags) for person_id, tags in found.items()}


def _apply(segment: Segment, wanted: set[int], now: datetime) -> Change:
    """Let join who fits and leave who does not, in short transactions; note the size."""
    with read() as session:
        current = set(
            session.scalars(
                select(MemberRow.person_id).where(
                    MemberRow.segment_id == segment.id, MemberRow.left_at.is_(None)
                )
            )
        )
    joined, left = 0, 0
    for some in chunks(sorted(wanted - current)):
        joined += _join(segment, some, now)
    for some in chunks(sorted(current - wanted)):
        with write() as session:
            _end(session, segment.id, some, now)
        left += len(some)
    with write() as session:
        if session.get(SegmentRow, segment.id) is None:
            return Change(segment.name, 0, 0, 0)
        size = store.count_again(session, segment.id)
        session.merge(SizeRow(segment_id=segment.id, at=now, size=size))
        session.execute(
            update(SegmentRow).where(SegmentRow.id == segment.id).values(rebuilt_at=now)
        )
    return Change(segment.name, size, joined, left)


def _join(segment: Segment, people: list[int], now: datetime) -> int:
    with write() as session:
        if session.get(SegmentRow, segment.id) is None:
            return 0
        # Asked again where it is written: a withdrawal since the reading must win, and another
        # rebuild may have been quicker.
        here = select(MemberRow.person_id).where(
            MemberRow.segment_id == segment.id,
            MemberRow.left_at.is_(None),
            MemberRow.person_id.in_(people),
        )
        fresh = sorted(allowed(session, people, segment.purpose) - set(session.scalars(here)))
        if fresh:
            rows = [
                {"segment_id": segment.id, "person_id": person, "joined_at": now}
                for person in fresh
            ]
            session.execute(insert(MemberRow.__table__), rows)
            hooks.enqueue(session, segment.id, fresh, [], now)
        return len(fresh)


def _end(session: Session, segment_id: int, people: list[int], now: datetime) -> None:
    session.execute(
        update(MemberRow)
        .where(
            MemberRow.segment_id == segment_id,
            MemberRow.left_at.is_(None),
            MemberRow.person_id.in_(people),
        )
        .values(left_at=now)
        .execution_options(synchronize_session=False)
    )
    hooks.enqueue(session, segment_id, [], people, now)
