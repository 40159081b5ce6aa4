"""Events that were refused: kept with their reason, and taken up again after a fix.

The body is encrypted (`cdp.keys`), so that nobody reads it in a dump; of an event refused for want
of consent there is none: only code, time, source and message id. How long rows are kept stands in
`cdp/retention.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from cdp import keys
from cdp.intake.refusal import CONSENT_DENIED, CONSENT_MISSING, Refusal
from storage import Base, read

WITHOUT_BODY = (CONSENT_MISSING, CONSENT_DENIED)
_BATCH = 500


class RefusedRow(Base):
    """One refused event; the same event refused again for the same cause makes no second row."""

    __tablename__ = "refused_events"
    __table_args__ = (
        UniqueConstraint("source_id", "message_id", "code", name="uq_refused_source_message_code"),
        Index("ix_refused_code_id", "code", "id"),
        Index("ix_refused_received_at", "received_at"),
        {"sqlite_autoincrement": True},
    )

    id = Column(Integer, primary_key=True)
    source_id = Column(Integer, nullable=False)
    message_id = Column(String(100))
    code = Column(String(32), nullable=False)
    field = Column(String(200))
    reason = Column(String(300), nullable=False)
    received_at = Column(DateTime, nullable=False)
    body = Column(Text)
    replayed_at = Column(DateTime)


@dataclass(frozen=True)
class Replay:
    """What a replay came to: how many were accepted (or were there already), or refused again."""

    accepted: int
    refused: int


def row_of(
    source_id: int, message_id: str | None, raw, refusal: Refusal, received_at: datetime
) -> dict:
    """A row of the table for an event that was refused; `raw` as it was received."""
    kept = refusal.code not in WITHOUT_BODY
    return {
        "source_id": source_id,
        "message_id": message_id,
        "code": refusal.code,
        "field": (refusal.field or "")[:200] or None,
        "reason": refusal.reason[:300],
        "received_at": received_at,
        "body": keys.encrypt(orjson.dumps(raw, default=str).decode()) if kept else None,
        "replayed_at": None,
    }


def keep(session, rows: Sequence[dict]) -> None:
    """Write refused events that are not there yet, in the caller's write transaction."""
    known = set()
    named = sorted({row["message_id"] for row in rows if row["message_id"] is not None})
    for start in range(0, len(named), _BATCH):
        found = session.execute(
            select(RefusedRow.source_id, RefusedRow.message_id, RefusedRow.code).where(
                RefusedRow.message_id.in_(named[start : start + _BATCH])
            )
        )
        known |= {tuple(row) for row in found}
    fresh = []
    for row in rows:
        place = (row["source_id"], row["message_id"], row["code"])
        if row["message_id"] is not None and place in known:
            continue
        known.add(place)
        fresh.append(row)
    if fresh:
        session.execute(insert(RefusedRow.__table__), fresh)


def counts() -> dict[str, int]:
    """How many wait (not replayed) of each code."""
    with read() as session:
        rows = session.execute(
            select(RefusedRow.code, func.count())
            .where(RefusedRow.replayed_at.is_(None))
            .group_by(RefusedRow.code)
        )
        return {code: number for code, number in rows}


def body_of(refused_id: int) -> dict | None:
    """The event as it was received; None if no body was kept, or there is no such row.

    For eyes that may see personal data in clear: the caller notes the look in the audit log.
    """
    with read() as session:
        token = session.scalars(select(RefusedRow.body).where(RefusedRow.id == refused_id)).first()
    return orjson.loads(keys.decrypt(token)) if token else None


def replay(ids: Iterable[int] | None = None, code: str | None = None) -> Replay:
    """Take refused events up again, as if they had been received when they were: those of `ids`,
    or all that wait (of one `code`). Those accepted are marked; the others keep their newest
    reason. Only events whose body was kept can be replayed."""
    from cdp.intake.accept import accept_again

    wanted = None if ids is None else sorted(set(ids))
    accepted = refused = 0
    last = 0
    while True:
        with read() as session:
            rows = _next(session, wanted, code, last)
        if not rows:
            return Replay(accepted, refused)
        last = rows[-1].id
        for row in rows:
            verdict = accept_again(row)
            accepted += verdict.status != "refused"
            refused += verdict.status == "refused"


def _next(session, wanted: list[int] | None, code: str | None, last: int) -> list[RefusedRow]:
    query = select(RefusedRow).where(
        RefusedRow.id > last, RefusedRow.replayed_at.is_(None), RefusedRow.body.is_not(None)
    )
    if wanted is not None:
        left = [one for one in wanted if one > last][:_BATCH]
        query = query.where(RefusedRow.id.in_(left))
    if code is not None:
        query = query.where(RefusedRow.code == code)
    return list(session.scalars(query.order_by(RefusedRow.id).limit(_BATCH)))


def mark(session, refused_id: int, replayed_at: datetime | None, refusal: Refusal | None) -> None:
    """Note in the caller's write transaction how a replay ended."""
    values: dict = {"replayed_at": replayed_at}
    if refusal is not None:
        values = {"field": (refusal.field or "")[:200] or None, "reason": refusal.reason[:300]}
    session.execute(update(RefusedRow).where(RefusedRow.id == refused_id).values(**values))
