"""The audit log: who looked at or changed personal data, in rows that can only be added.

Each row's hash is SHA-256 over the row and the hash of the row before, so a row that was changed,
taken out or put in shows in `verify()`. Triggers in both databases refuse UPDATE, DELETE and, on
PostgreSQL, TRUNCATE. A tail cut off from outside leaves a sound chain that is shorter: note
`head()` elsewhere from time to time and give it to `verify()`.

Details name fields and counts, never values: the log outlives an erasure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, String, Text, UniqueConstraint, select

from storage import Base, read, utc_now

FIRST = "0" * 64
_BATCH = 1000


class AuditRow(Base):
    """One entry; `details` is a JSON object with sorted keys."""

    __tablename__ = "audit_log"
    __table_args__ = (
        # No two rows follow the same one: the chain cannot fork.
        UniqueConstraint("previous", name="uq_audit_log_previous"),
    )

    id = Column(Integer, primary_key=True, autoincrement=False)
    at = Column(DateTime, nullable=False)
    actor = Column(String(128), nullable=False)
    action = Column(String(64), nullable=False)
    subject = Column(String(255), nullable=False)
    details = Column(Text, nullable=False)
    previous = Column(String(64), nullable=False)
    hash = Column(String(64), nullable=False)


@dataclass(frozen=True)
class Entry:
    """One entry as it is shown; `at` is naive UTC."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict


@dataclass(frozen=True)
class Verdict:
    """Whether the chain holds; if not, the first row where it breaks and what is wrong there."""

    sound: bool
    rows: int
    broken_at: int | None = None
    reason: str | None = None


def note(session, actor: str, action: str, subject: str, details: dict | None = None) -> int:
    """Add an entry in the caller's write transaction, so that it stands or falls with the deed.

    actor: who ("console:ann", "shopper", "job"); action: what ("profile.viewed"); subject: whom or
    what it concerns ("person 12"). The entry's id.
    """
    last = session.execute(
        select(AuditRow.id, AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    ).first()
    row = AuditRow(
        id=last.id + 1 if last else 1,
        at=utc_now(),
        actor=actor[:128],
        action=action[:64],
        subject=subject[:255],
        details=json.dumps(details or {}, ensure_ascii=False, sort_keys=True, default=str),
        previous=last.hash if last else FIRST,
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()
    return row.id


def entries(limit: int = 100, before: int | None = None, subject: str | None = None) -> list[Entry]:
    """The newest entries, newest first; older than entry `before`, about `subject` alone."""
    wanted = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    if subject is not None:
        wanted = wanted.where(AuditRow.subject == subject)
    with read() as session:
        return [
            Entry(row.id, row.at, row.actor, row.action, row.subject, json.loads(row.details))
            for row in session.scalars(wanted)
        ]


def head() -> tuple[int, str]:
    """Number and hash of the newest entry; (0, zeros) of an empty log."""
    with read() as session:
        row = session.execute(
            select(AuditRow.id, AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
        ).first()
        return (row.id, row.hash) if row else (0, FIRST)


def verify(known: tuple[int, str] | None = None) -> Verdict:
    """Recompute the whole chain; `known` is a `head()` noted earlier that must still be in it."""
    previous, expected, after = FIRST, 1, 0
    with read() as session:
        while rows := session.scalars(
            select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(_BATCH)
        ).all():
            for row in rows:
                reason = _fault(row, expected, previous, known)
                if reason:
                    return Verdict(False, expected - 1, row.id, reason)
                previous, expected, after = row.hash, expected + 1, row.id
            session.expunge_all()
    if known is not None and known[0] >= expected:
        reason = f"expected at least {known[0]} rows, found {expected - 1}"
        return Verdict(False, expected - 1, expected, reason)
    return Verdict(True, expected - 1)


def _fault(row: AuditRow, expected: int, previous: str, known) -> str | None:
    if row.id != expected:
        return f"expected row {expected}, found row {row.id}"
    if row.previous != previous:
        return "it does not follow the row before"
    if row.hash != _hash(row):
        return "its content does not match its hash"
    if known is not None and known[0] == row.id and known[1] != row.hash:
        return "it is not the row that was noted"
    return None


def _hash(row: AuditRow) -> str:
    content = [row.id, row.at.isoformat(), row.actor, row.action, row.subject, row.details]
    text = json.dumps([*content, row.previous], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
