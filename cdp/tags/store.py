"""Tags as they are kept: reading them, and taking them away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from cdp.identity.people import identifiers_of
from cdp.identity.tables import IdentifierRow
from cdp.tags.tables import CheckRow, ObjectionRow, TagRow
from storage import bulk, utc_now

_CHUNK = 400
_idents = IdentifierRow.__table__
_objections = ObjectionRow.__table__
_OBJECTIONS_OF = (
    select(_idents.c.person_id, _objections.c.tag)
    .join(
        _objections,
        and_(_idents.c.kind == _objections.c.kind, _idents.c.key == _objections.c.key),
    )
    .where(bulk.listed(_idents.c.person_id, "people"))
)
OVERDUE = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Tag:
    """A tag with its reason; `sources` are numbers of events, times are naive UTC.

    quoted: what the reason quotes (`cdp.tags.wording`); None of tags set before it was kept.
    """

    tag: str
    rule: str
    version: str
    purpose: str
    reason: str
    sources: tuple[int, ...]
    since: datetime
    expires_at: datetime | None
    quoted: dict | None = None


def of(session: Session, person_id: int, now: datetime | None = None) -> list[Tag]:
    """The tags of a person that have not expired, the oldest first."""
    return of_many(session, [person_id], now).get(person_id, [])


def of_many(
    session: Session, person_ids: Iterable[int], now: datetime | None = None
) -> dict[int, list[Tag]]:
    """The same for many people; who has no tag is not in it."""
    now = now or utc_now()
    found: dict[int, list[Tag]] = {}
    for some in chunks(sorted(set(person_ids))):
        wanted = (
            select(TagRow.__table__)
            .where(TagRow.person_id.in_(some), alive(now))
            .order_by(TagRow.since, TagRow.tag)
        )
        for row in session.execute(wanted):
            found.setdefault(row.person_id, []).append(_tag(row))
    return found


def counts(session: Session, now: datetime | None = None) -> dict[str, int]:
    """How many people have each tag."""
    wanted = select(TagRow.tag, func.count()).where(alive(now or utc_now())).group_by(TagRow.tag)
    return {tag: count for tag, count in session.execute(wanted.order_by(TagRow.tag))}


def alive(now: datetime):
    """The condition that a tag has not expired."""
    return or_(TagRow.expires_at.is_(None), TagRow.expires_at > now)


def remove_by_shopper(session: Session, person_id: int, tag: str) -> bool:
    """Take a tag away because its bearer wants so; it is not set again. Whether there was one."""
    now = utc_now()
    ids = {(one.kind, one.key) for one in identifiers_of(session, person_id)}
    known = set()
    if ids:
        wanted = select(ObjectionRow.kind, ObjectionRow.key)
        wanted = wanted.where(ObjectionRow.tag == tag, _among(ObjectionRow, ids))
        known = {(row.kind, row.key) for row in session.execute(wanted)}
    fresh = [{"kind": kind, "key": key, "tag": tag, "at": now} for kind, key in sorted(ids - known)]
    if fresh:
        session.execute(insert(ObjectionRow), fresh)
    gone = session.execute(
        _quiet(delete(TagRow).where(TagRow.person_id == person_id, TagRow.tag == tag))
    )
    return gone.rowcount > 0


def objections(session: Session, person_ids: Iterable[int]) -> set[tuple[int, str]]:
    """Which of these people object to which tags, by any of their identifiers."""
    people = sorted(set(person_ids))
    if not people or not bulk.any_row(session, _objections):
        return set()
    return {(one, tag) for one, tag in bulk.fetch(session, _OBJECTIONS_OF, people=people)}


def honour_objections(session: Session, person_ids: Iterable[int]) -> None:
    """Delete tags of these people to which one of their identifiers' owners objects."""
    for person_id, tag in sorted(objections(session, person_ids)):
        session.execute(
            _quiet(delete(TagRow).where(TagRow.person_id == person_id, TagRow.tag == tag))
        )


def take_back(session: Session, person_ids: Sequence[int], purpose: str) -> None:
    """Delete the tags set under a purpose; all tags rest on analytics too."""
    for some in chunks(person_ids):
        condition = TagRow.person_id.in_(some)
        if purpose != "analytics":
            condition = and_(condition, TagRow.purpose == purpose)
        session.execute(_quiet(delete(TagRow).where(condition)))


def forget(session: Session, person_ids: Iterable[int]) -> int:
    """Delete what is kept here by the numbers of these people; how many rows."""
    gone = 0
    for some in chunks(sorted(set(person_ids))):
        for table in (TagRow, CheckRow):
            made = session.execute(_quiet(delete(table).where(table.person_id.in_(some))))
            gone += made.rowcount
    return gone


def move(session: Session, loser: int, winner: int) -> None:
    """All that was known of one person is now another's: so are their tags."""
    had = select(TagRow.tag).where(TagRow.person_id == winner).scalar_subquery()
    session.execute(
        _quiet(
            update(TagRow)
            .where(TagRow.person_id == loser, TagRow.tag.not_in(had))
            .values(person_id=winner)
        )
    )
    forget(session, [loser])


def start_anew(session: Session, person_ids: Iterable[int]) -> None:
    """Delete the tags of these people and have them worked out from nothing, soon."""
    wanted = sorted(set(person_ids))
    for some in chunks(wanted):
        session.execute(_quiet(delete(TagRow).where(TagRow.person_id.in_(some))))
    check_soon(session, wanted)


def check_soon(session: Session, person_ids: Iterable[int]) -> None:
    """Have the tags of these people looked at again at the next opportunity."""
    wanted = sorted(set(person_ids))
    for some in chunks(wanted):
        session.execute(_quiet(delete(CheckRow).where(CheckRow.person_id.in_(some))))
    if wanted:
        session.execute(insert(CheckRow), [{"person_id": one, "due_at": OVERDUE} for one in wanted])


def chunks(values: Sequence) -> Iterator[list]:
    """Parts short enough for one statement."""
    for start in range(0, len(values), _CHUNK):
        yield list(values[start : start + _CHUNK])


def _among(table, ids: Iterable[tuple[str, str]]):
    return or_(*(and_(table.kind == kind, table.key == key) for kind, key in ids))


def _quiet(statement):
    # No tag is ever held as an object in the session.
    return statement.execution_options(synchronize_session=False)


def _tag(row) -> Tag:
    return Tag(
        tag=row.tag,
        rule=row.rule,
        version=row.version,
        purpose=row.purpose,
        reason=row.reason,
        sources=tuple(orjson.loads(row.sources)),
        since=row.since,
        expires_at=row.expires_at,
        quoted=orjson.loads(row.quoted) if row.quoted else None,
    )
