"""Copies of the shop's pictures that vendors keep for three days (temporary media), by the vendor's
numbers of them; all processes share these."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Column, DateTime, String, delete

from storage import Base, read, utc_now, write

# The vendor's three days, less half a day: what is sent may be looked at later.
LIFE = timedelta(days=2, hours=12)
_QUIET = {"synchronize_session": False}


class MediumRow(Base):
    """The number that an account of a vendor's has for the picture at an address (its SHA-256)."""

    __tablename__ = "vendor_media"

    account = Column(String(96), primary_key=True)
    address = Column(String(64), primary_key=True)
    number = Column(String(255), nullable=False)
    until = Column(DateTime, nullable=False)


def number_of(account: str, address: str) -> str | None:
    """The number of a picture, as long as it is good."""
    with read() as session:
        row = session.get(MediumRow, (account, _hash(address)))
        return row.number if row is not None and row.until > utc_now() else None


def keep(account: str, address: str, number: str) -> None:
    """Note the number that the vendor has just given; those that have ended go."""
    now = utc_now()
    with write() as session:
        ended = delete(MediumRow).where(MediumRow.account == account, MediumRow.until <= now)
        session.execute(ended, execution_options=_QUIET)
        row = MediumRow(account=account, address=_hash(address), number=number, until=now + LIFE)
        session.merge(row)


def forget(account: str, number: str) -> None:
    """The vendor has no such picture any more."""
    with write() as session:
        gone = delete(MediumRow).where(MediumRow.account == account, MediumRow.number == number)
        session.execute(gone, execution_options=_QUIET)


def _hash(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
