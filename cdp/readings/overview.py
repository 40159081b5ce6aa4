"""Events over time, by kind and source: counted once, each hour's count kept.

Counting a month of events anew for each look at a page would cost more with each month. A job adds
what came in since it last looked to the counts of its hour.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, DateTime, Integer, String, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cdp import jobs, tags
from cdp.events import EventRow
from cdp.identity.tables import PersonRow
from cdp.profiles.tables import ProfileRow
from cdp.profiles.touches import channels
from storage import Base, read, utc_now, write

_PART = 5_000
_MOST_PARTS = 40
_SCANNED = 200_000
_COUNTED = "counted"
_events = EventRow.__table__


class EventCountRow(Base):
    """How many events of a kind a source sent in an hour (of their receipt, UTC)."""

    __tablename__ = "event_counts"

    hour = Column(DateTime, primary_key=True)
    source_id = Column(Integer, primary_key=True, autoincrement=False)
    kind = Column(String(24), primary_key=True)
    events = Column(Integer, nullable=False)


class CursorRow(Base):
    """Up to which event the counts go."""

    __tablename__ = "event_count_cursor"

    name = Column(String(16), primary_key=True)
    seq = Column(BigInteger, nullable=False)


@jobs.job("events.count", every=timedelta(minutes=5))
def count_new() -> int:
    """Add the events that came in since the last count; how many (a bounded number a call)."""
    total = 0
    for _ in range(_MOST_PARTS):
        counted = _count_part()
        total += counted
        if counted < _PART:
            break
    return total


def _count_part() -> int:
    with read() as session:
        if not _uncounted(session, _cursor(session)):
            return 0
    with write() as session:
        after = _cursor(session)
        rows = _uncounted(session, after)
        if not rows:
            return 0
        found = Counter(
            (row.received_at.replace(minute=0, second=0, microsecond=0), row.source_id, row.kind)
            for row in rows
        )
        names = ("hour", "source_id", "kind", "events")
        _add(
            session,
            EventCountRow.__table__,
            [dict(zip(names, (*place, n), strict=True)) for place, n in sorted(found.items())],
        )
        session.merge(CursorRow(name=_COUNTED, seq=rows[-1].seq))
        return len(rows)


def _cursor(session: Session) -> int:
    wanted = select(CursorRow.seq).where(CursorRow.name == _COUNTED)
    return session.scalar(wanted) or 0


def _uncounted(session: Session, after: int) -> list:
    # Writes take their turn, so no smaller number can still be on its way.
    columns = (_events.c.seq, _events.c.received_at, _events.c.source_id, _events.c.kind)
    wanted = select(*columns).where(_events.c.seq > after).order_by(_events.c.seq).limit(_PART)
    return session.execute(wanted).all()


def _add(session: Session, table, rows: list[dict]) -> None:
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), 200):
        statement = make(table).values(rows[start : start + 200])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["hour", "source_id", "kind"],
                set_={"events": table.c.events + statement.excluded.events},
            )
        )


def by_minute(session: Session, now: datetime, minutes: int = 60) -> list[tuple[datetime, int]]:
    """Events received in each of the last minutes, the oldest first (of the newest 200,000)."""
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=minutes - 1)
    newest = session.scalar(select(func.max(_events.c.seq))) or 0
    wanted = select(_events.c.received_at).where(
        _events.c.seq > newest - _SCANNED, _events.c.received_at >= first
    )
    found = Counter(at.replace(second=0, microsecond=0) for at in session.scalars(wanted))
    places = [first + timedelta(minutes=number) for number in range(minutes)]
    return [(place, found[place]) for place in places]


def by_day(session: Session, now: datetime, days: int = 30, offset_hours: int = 8) -> list:
    """Counted events of each of the last days, of a calendar so many hours ahead of UTC."""
    ahead = timedelta(hours=offset_hours)
    today = (now + ahead).date()
    first = today - timedelta(days=days - 1)
    since = datetime(first.year, first.month, first.day) - ahead
    wanted = (
        select(EventCountRow.hour, func.sum(EventCountRow.events))
        .where(EventCountRow.hour >= since)
        .group_by(EventCountRow.hour)
    )
    found: Counter = Counter()
    for hour, events in session.execute(wanted):
        found[(hour + ahead).date()] += int(events)
    places = [first + timedelta(days=number) for number in range(days)]
    return [(place, found[place]) for place in places]


def by_kind(session: Session, since: datetime) -> dict[str, int]:
    """Counted events by kind, the most frequent first."""
    return _counted_by(session, EventCountRow.kind, since)


def by_source(session: Session, since: datetime) -> dict[int, int]:
    """Counted events by source, the most frequent first."""
    return _counted_by(session, EventCountRow.source_id, since)


def _counted_by(session: Session, column, since: datetime) -> dict:
    total = func.sum(EventCountRow.events)
    wanted = select(column, total).where(EventCountRow.hour >= since).group_by(column)
    rows = session.execute(wanted.order_by(total.desc(), column))
    return {what: int(events) for what, events in rows}


def people(session: Session, now: datetime) -> dict[str, int]:
    """How many people there are, how many came first or were here in the last 7 days, and how
    many have ordered."""
    week = now - timedelta(days=7)
    alive = select(func.count()).select_from(PersonRow).where(PersonRow.merged_into.is_(None))
    count = select(func.count()).select_from(ProfileRow)
    return {
        "all": session.scalar(alive),
        "new": session.scalar(alive.where(PersonRow.created_at >= week)),
        "active": session.scalar(count.where(ProfileRow.last_seen >= week)),
        "buyers": session.scalar(count.where(ProfileRow.order_count > 0)),
    }


def by_channel(counted: dict[str, int]) -> dict[str, int]:
    """People by channel, from the counts of tags (`tags.counts`): 来源:短视频渠道 → 短视频渠道."""
    prefix = "来源:"
    found = {
        tag.removeprefix(prefix): count for tag, count in counted.items() if tag.startswith(prefix)
    }
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def gather(now: datetime | None = None) -> dict:
    """Everything the overview shows."""
    now = now or utc_now()
    count_new()
    with read() as session:
        counted = tags.counts(session, now)
        return {
            "minutes": by_minute(session, now),
            "days": by_day(session, now),
            "kinds": by_kind(session, now - timedelta(days=7)),
            "people": people(session, now),
            "channels": by_channel(counted) or {channels().direct: 0},
            "tags": sorted(counted.items(), key=lambda one: (-one[1], one[0])),
        }
