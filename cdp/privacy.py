"""What a shopper allowed, and what they asked us to do with their data: stored, then acknowledged.

Decisions go through the gate (`cdp.consent`), a copy is made by `cdp.export`, a deletion is done by
`cdp.erasure`. A request keeps whom it is about encrypted, and only as long as that is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Column, DateTime, Integer, String, Text, select

from cdp import consent, keys
from cdp.consent import OPTIONAL, PURPOSES, TEXT_VERSION, ConsentRow
from storage import Base, read, utc_now, write

__all__ = ["OPTIONAL", "PURPOSES", "REQUESTS", "TEXT_VERSION", "ConsentRow", "DataRequestRow"]

# What the assistant asks for in one sentence; the other purposes want a question of their own.
ASKED_TOGETHER = ("analytics", "personalisation", "marketing")
REQUESTS = ("export", "delete", "correct")
OPEN, DONE = "open", "done"

Ids = Sequence[tuple[str, str]]


class DataRequestRow(Base):
    """A request for a copy of one's data, for its deletion or correction.

    person: the shopper's or the conversation's id, emptied by an erasure; subject: the identifiers
    it is about, encrypted; receipt: the number of the erasure it led to.
    """

    __tablename__ = "data_requests"

    id = Column(Integer, primary_key=True)
    person = Column(String(255), nullable=False, index=True)
    kind = Column(String(16), nullable=False)
    state = Column(String(16), nullable=False)
    message_key = Column(String(255), nullable=False, unique=True)
    at = Column(DateTime, nullable=False)
    subject = Column(Text)
    receipt = Column(String(32))
    done_at = Column(DateTime)


def ids_of(shopper: str | None = None, conversation: str | None = None) -> list[tuple[str, str]]:
    """The identifiers of who is talking, the strongest first."""
    named = (("user_id", shopper), ("conversation", conversation))
    return [(kind, key) for kind, key in named if key]


def decide(ids: Ids | str, purposes: Sequence[str], granted: bool, channel: str, evidence: str):
    """Record a decision of the shopper's own; `evidence` names the message that expressed it.

    Raises:
        ValueError: a purpose is not one of `PURPOSES`.
    """
    with write() as session:
        consent.record(session, _ids(ids), purposes, granted, channel, evidence)


def allowed(ids: Ids | str, purpose: str, channel: str | None = None) -> bool:
    """Whether those who go by these identifiers allow a purpose."""
    with read() as session:
        return consent.allowed_ids(session, _ids(ids), purpose, channel)


def request(ids: Ids | str, kind: str, message_key: str) -> int:
    """Store a data request once for each message that makes it; its number.

    The message is remembered by a keyed hash: its id names the conversation.

    Raises:
        ValueError: the kind is not one of `REQUESTS`.
    """
    if kind not in REQUESTS:
        raise ValueError(f"data request {kind!r}: expected one of {REQUESTS}")
    about, message = _ids(ids), keys.match_key("message", message_key)
    with write() as session:
        row = session.scalars(
            select(DataRequestRow).where(DataRequestRow.message_key == message)
        ).first()
        if row is None:
            row = DataRequestRow(
                person=about[0][1],
                kind=kind,
                state=OPEN,
                message_key=message,
                at=utc_now(),
                subject=keys.encrypt(json.dumps(about)),
            )
            session.add(row)
            session.flush()
        return row.id


def subject_of(session, number: int) -> list[tuple[str, str]] | None:
    """The identifiers a request is about; None if there is no such request, or no more."""
    row = session.get(DataRequestRow, number)
    if row is None or row.subject is None:
        return None
    return [(kind, key) for kind, key in json.loads(keys.decrypt(row.subject))]


def close(session, number: int, receipt: str | None = None) -> None:
    """Mark a request done."""
    row = session.get(DataRequestRow, number)
    row.state, row.done_at = DONE, utc_now()
    row.receipt = receipt or row.receipt


def _ids(ids: Ids | str) -> list[tuple[str, str]]:
    # One name alone is a shopper's or, for somebody not signed in, the conversation's.
    return ids_of(ids, ids) if isinstance(ids, str) else list(ids)
