"""Cases for a person: a conversation that asked for, or needs, somebody at the desk."""

from __future__ import annotations

import json
from contextlib import nullcontext

from sqlalchemy import Column, DateTime, Integer, String, Text, bindparam, select
from sqlalchemy.orm import Session

from storage import Base, read, utc_now, write

WAITING, CLOSED = "waiting", "closed"


class CaseRow(Base):
    """One request to the desk, with the whole conversation as it stood."""

    __tablename__ = "cases"

    id = Column(Integer, primary_key=True)
    conversation = Column(String(255), nullable=False, index=True)
    shopper = Column(String(64))
    reason = Column(String(64), nullable=False)
    state = Column(String(16), nullable=False)
    transcript = Column(Text, nullable=False)
    created_at = Column(DateTime, nullable=False)


# Each message of a vendor with desks of its own runs it: it is made once, and of plain columns.
_CASES = CaseRow.__table__.c
_WAITS = select(_CASES.id).where(
    _CASES.conversation == bindparam("conversation"), _CASES.state == WAITING
)


def request_person(
    conversation: str, reason: str, transcript: list[dict], shopper: str | None = None
) -> int:
    """Ask the desk for a person; the number of the case.

    A conversation waits once: asking again brings its transcript up to date instead of making a
    second case. `transcript` is a list of {"from": "user"|"bot", "text": str}.
    """
    told = json.dumps(transcript, ensure_ascii=False)
    with write() as session:
        row = session.scalars(
            select(CaseRow).where(CaseRow.conversation == conversation, CaseRow.state == WAITING)
        ).first()
        if row is None:
            row = CaseRow(
                conversation=conversation,
                shopper=shopper,
                reason=reason,
                state=WAITING,
                created_at=utc_now(),
            )
            session.add(row)
        row.transcript = told
        session.flush()
        return row.id


def waits(conversation: str, session: Session | None = None) -> bool:
    """Whether somebody has asked for a person there, and is not done with it; `session`: to look
    in."""
    with read() if session is None else nullcontext(session) as session:
        found = session.connection().execute(_WAITS, {"conversation": conversation})
        return found.first() is not None


def end(conversation: str) -> None:
    """The person there is done: what waits is closed."""
    with write() as session:
        for row in session.scalars(
            select(CaseRow).where(CaseRow.conversation == conversation, CaseRow.state == WAITING)
        ):
            row.state = CLOSED


def waiting() -> list[dict]:
    """The cases that nobody has taken yet, the oldest first."""
    with read() as session:
        rows = session.scalars(select(CaseRow).where(CaseRow.state == WAITING).order_by(CaseRow.id))
        return [
            {
                "id": row.id,
                "conversation": row.conversation,
                "shopper": row.shopper,
                "reason": row.reason,
                "transcript": json.loads(row.transcript),
                "created_at": row.created_at,
            }
            for row in rows
        ]
