"""What a shopper allowed, and what they asked us to do with their data: stored, then acknowledged.

Consent is a history: each decision is a row of its own with the purpose, the version of the text it
was given to, the time and the evidence. The newest row of a purpose counts; no row means no.
"""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import Boolean, Column, DateTime, Integer, String, select

from storage import Base, read, write

PURPOSES = ("service", "analytics", "personalisation", "marketing", "sharing", "cross_border")
OPTIONAL = ("analytics", "personalisation", "marketing")
TEXT_VERSION = "2026-11"
REQUESTS = ("export", "delete")


class ConsentRow(Base):
    """One decision of one person about one purpose."""

    __tablename__ = "consents"

    id = Column(Integer, primary_key=True)
    person = Column(String(255), nullable=False, index=True)
    purpose = Column(String(32), nullable=False)
    granted = Column(Boolean, nullable=False)
    channel = Column(String(32), nullable=False)
    text_version = Column(String(32), nullable=False)
    evidence = Column(String(255), nullable=False)
    at = Column(DateTime, nullable=False)


class DataRequestRow(Base):
    """A request for a copy of one's data, or for its deletion."""

    __tablename__ = "data_requests"

    id = Column(Integer, primary_key=True)
    person = Column(String(255), nullable=False, index=True)
    kind = Column(String(16), nullable=False)
    state = Column(String(16), nullable=False)
    message_key = Column(String(255), nullable=False, unique=True)
    at = Column(DateTime, nullable=False)


def decide(person: str, purposes: tuple[str, ...], granted: bool, channel: str, evidence: str):
    """Record a decision about some purposes; `evidence` names the message that expressed it.

    Raises:
        ValueError: a purpose is not one of `PURPOSES`.
    """
    unknown = [purpose for purpose in purposes if purpose not in PURPOSES]
    if unknown:
        raise ValueError(f"purpose {unknown[0]!r}: expected one of {PURPOSES}")
    now = _now()
    with write() as session:
        for purpose in purposes:
            session.add(
                ConsentRow(
                    person=person,
                    purpose=purpose,
                    granted=granted,
                    channel=channel,
                    text_version=TEXT_VERSION,
                    evidence=evidence,
                    at=now,
                )
            )


def allowed(person: str, purpose: str) -> bool:
    """Whether the person's newest decision on that purpose allows it."""
    with read() as session:
        newest = session.scalars(
            select(ConsentRow)
            .where(ConsentRow.person == person, ConsentRow.purpose == purpose)
            .order_by(ConsentRow.id.desc())
        ).first()
        return newest is not None and newest.granted


def request(person: str, kind: str, message_key: str) -> int:
    """Store a data request once for each message that makes it; its number.

    Raises:
        ValueError: the kind is not one of `REQUESTS`.
    """
    if kind not in REQUESTS:
        raise ValueError(f"data request {kind!r}: expected one of {REQUESTS}")
    with write() as session:
        row = session.scalars(
            select(DataRequestRow).where(DataRequestRow.message_key == message_key)
        ).first()
        if row is None:
            row = DataRequestRow(
                person=person, kind=kind, state="open", message_key=message_key, at=_now()
            )
            session.add(row)
            session.flush()
        return row.id


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)
