"""Events flow from the database into the lake, each once, by the day they occurred.

A flush is planned in the database first (which seqs), then written, then marked as done: one that
was killed is done again over the very same seqs, into files of the same names. Only events that may
serve analytics go in, and none of an erased person. Whose an event is lies in files of its own,
since people are merged and parted again: the events' files need no change for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

import orjson
from sqlalchemy import BigInteger, Column, Integer, String, Text, func, insert, select, update

from cdp import jobs
from cdp.events import DONE, NEW, EventRow
from cdp.lake import engine, place
from storage import Base, read, write

MOST = 100_000
# Seqs a file of people covers.
PART = 250_000
_EVENTS = EventRow.__table__
_PLANNED, _WRITTEN = "planned", "written"


class FlushRow(Base):
    """One flush: the events it took, first and last seq included."""

    __tablename__ = "lake_flushes"

    id = Column(Integer, primary_key=True)
    first = Column(BigInteger, nullable=False)
    last = Column(BigInteger, nullable=False)
    state = Column(String(8), nullable=False)


class PeoplePartRow(Base):
    """A file of people as it was written last: what it was made from, to see when that changes."""

    __tablename__ = "lake_people"

    part = Column(Integer, primary_key=True, autoincrement=False)
    made_from = Column(Text, nullable=False)


@jobs.job("lake.flush", every=timedelta(minutes=5), apart=True)
def flush() -> dict[str, int]:
    """Bring the lake up to date; how many events went in, and how many files of people changed."""
    taken = 0
    while (planned := _plan()) is not None:
        taken += _write(*planned)
    return {"events": taken, "people": refresh_people()}


def _plan() -> tuple[int, int, int] | None:
    """Id, first and last seq of the flush that is next; None where there is nothing."""
    with write() as session:
        open_one = session.scalars(select(FlushRow).where(FlushRow.state == _PLANNED)).first()
        if open_one is not None:
            return open_one.id, open_one.first, open_one.last
        before = session.scalar(select(func.max(FlushRow.last))) or 0
        # What is not yet processed may still turn out to be nobody's business.
        pending = session.scalar(select(func.min(_EVENTS.c.seq)).where(_EVENTS.c.state == NEW))
        ready = (
            select(_EVENTS.c.seq)
            .where(_EVENTS.c.seq > before, _EVENTS.c.seq < pending if pending else True)
            .order_by(_EVENTS.c.seq)
            .limit(MOST)
            .subquery()
        )
        first, last = session.execute(select(func.min(ready.c.seq), func.max(ready.c.seq))).one()
        if last is None:
            return None
        made = session.execute(
            insert(FlushRow).values(first=first, last=last, state=_PLANNED)
        ).inserted_primary_key[0]
        return made, first, last


def _write(flush_id: int, first: int, last: int) -> int:
    rows = sorted(_rows(first, last), key=lambda row: row["occurred_at"])
    for day, found in groupby(rows, key=lambda row: row["occurred_at"][:10]):
        path = place.day_folder(date.fromisoformat(day)) / f"{first:012d}-{last:012d}.parquet"
        engine.write(found, engine.EVENT_COLUMNS, path)
    with write() as session:
        session.execute(update(FlushRow).where(FlushRow.id == flush_id).values(state=_WRITTEN))
    return len(rows)


def _rows(first: int, last: int) -> Iterator[dict]:
    with read() as session:
        found = session.execute(
            select(_EVENTS)
            .where(_EVENTS.c.seq.between(first, last), _EVENTS.c.state == DONE)
            .execution_options(yield_per=2_000)
        )
        for event in found:
            body = orjson.loads(event.body)
            if "analytics" in body.get("purposes", ()):
                yield _row(event, body)


def _row(event, body: dict) -> dict:
    context, said = body.get("context") or {}, body.get("properties") or {}
    location, campaign = context.get("location") or {}, context.get("campaign") or {}
    return {
        "seq": event.seq,
        "source_id": event.source_id,
        "message_id": event.message_id,
        "type": event.type,
        "name": event.name,
        "kind": event.kind,
        "occurred_at": event.occurred_at.isoformat(timespec="microseconds"),
        "received_at": event.received_at.isoformat(timespec="microseconds"),
        "channel": "/".join(filter(None, (campaign.get("source"), campaign.get("medium")))) or None,
        "campaign": campaign.get("name"),
        "city": location.get("city"),
        "city_tier": location.get("tier"),
        "device": (context.get("device") or {}).get("type"),
        "language": context.get("language") or context.get("locale"),
        "product": said.get("product_id"),
        "category": said.get("category"),
        "brand": said.get("brand"),
        "order_id": said.get("order_id"),
        "total_cents": said.get("total_cents", said.get("revenue_cents")),
        "currency": said.get("currency"),
        "properties": orjson.dumps(said).decode(),
    }


def refresh_people() -> int:
    """Write anew the files of people whose content has changed; how many."""
    part = func.floor(_EVENTS.c.seq / PART) if _is_server() else _EVENTS.c.seq / PART
    mixed = _EVENTS.c.person_id * ((_EVENTS.c.seq % 9_973) + 1)
    with read() as session:
        now = {
            int(number): orjson.dumps([int(count), int(people), int(mix)]).decode()
            for number, count, people, mix in session.execute(
                select(part, func.count(), func.sum(_EVENTS.c.person_id), func.sum(mixed))
                .where(_EVENTS.c.person_id.is_not(None), _EVENTS.c.state == DONE)
                .group_by(part)
            )
        }
        known = dict(session.execute(select(PeoplePartRow.part, PeoplePartRow.made_from)).all())
    changed = [
        number for number in now.keys() | known.keys() if now.get(number) != known.get(number)
    ]
    for number in changed:
        _write_people(number, now.get(number))
    return len(changed)


def _write_people(part: int, made_from: str | None) -> None:
    if made_from is None:
        place.people_file(part).unlink(missing_ok=True)
    else:
        engine.write(_people(part), engine.PEOPLE_COLUMNS, place.people_file(part))
    with write() as session:
        session.execute(PeoplePartRow.__table__.delete().where(PeoplePartRow.part == part))
        if made_from is not None:
            session.execute(insert(PeoplePartRow).values(part=part, made_from=made_from))


def _people(part: int) -> Iterable[dict]:
    with read() as session:
        wanted = select(_EVENTS.c.seq, _EVENTS.c.person_id).where(
            _EVENTS.c.seq >= part * PART,
            _EVENTS.c.seq < (part + 1) * PART,
            _EVENTS.c.person_id.is_not(None),
            _EVENTS.c.state == DONE,
        )
        for seq, person in session.execute(wanted.execution_options(yield_per=5_000)):
            yield {"seq": seq, "person_id": person}


def _is_server() -> bool:
    with read() as session:
        return session.get_bind().dialect.name != "sqlite"
