"""The order gate: who may see which order.

A known shopper opens their own orders and no others. Somebody who is not signed in gives the
order's number and the last four digits of its phone together. Whatever does not match is refused in
the same way, whether the order exists or not, and counts against the number asked for, the sender
and the sender's address: five failures within an hour lock each of them for an hour, kept in the
database, so across sessions, channels and restarts.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, DateTime, Integer, String, delete, or_

from shop import clock, orders
from shop.orders import Order
from storage import Base, write

FAILURES = 5
WINDOW = timedelta(hours=1)


class GateRow(Base):
    """Failures counted against one order number, sender or address."""

    __tablename__ = "gate_failures"

    kind = Column(String(16), primary_key=True)
    key = Column(String(255), primary_key=True)
    failures = Column(Integer, nullable=False)
    since = Column(DateTime, nullable=False)
    locked_until = Column(DateTime)


class GateRefused(Exception):
    """The order is not opened; nothing is said of why, nor of whether it exists."""


class GateLocked(GateRefused):
    """Too many failures; `until` says when it may be tried again."""

    def __init__(self, until: datetime):
        super().__init__("too many failed tries")
        self.until = until


@dataclass(frozen=True)
class Viewer:
    """shopper: who is signed in, if anyone; sender: the conversation; address: where from."""

    sender: str
    shopper: str | None = None
    address: str | None = None


def open_order(viewer: Viewer, number: str, phone_last4: str | None = None) -> Order:
    """The order, if this viewer may see it.

    Raises:
        GateLocked: the number, the sender or the address is locked.
        GateRefused: anything else, always alike.
    """
    number = number.strip().upper()
    order = orders.find(number)
    if order is not None and viewer.shopper is not None and order.shopper == viewer.shopper:
        return order
    with write() as session:
        rows = [_row(session, kind, key) for kind, key in _counted(viewer, number)]
        locked = [row.locked_until for row in rows if row.locked_until]
        if locked:
            raise GateLocked(max(locked))
        if _proves(order, phone_last4) and _may_be_of(order, viewer):
            return order
        for row in rows:
            _count_failure(row)
            session.add(row)
        _forget_old(session)
    raise GateRefused("number and phone do not match an order")


def _counted(viewer: Viewer, number: str) -> list[tuple[str, str]]:
    keys = [("order", number[:64]), ("sender", viewer.sender[:255])]
    if viewer.address:
        keys.append(("address", viewer.address[:255]))
    return keys


def _proves(order: Order | None, phone_last4: str | None) -> bool:
    # Compared even where there is no order, so that time tells nothing either.
    expected = order.phone[-4:] if order is not None else "????"
    return hmac.compare_digest(expected.encode(), (phone_last4 or "").encode())


def _may_be_of(order: Order, viewer: Viewer) -> bool:
    # Whoever is signed in has their own orders, and nobody else's whatever they know of them.
    return viewer.shopper is None or order.shopper in (None, viewer.shopper)


def _row(session, kind: str, key: str) -> GateRow:
    now = clock.now()
    row = session.get(GateRow, (kind, key))
    if row is None:
        row = GateRow(kind=kind, key=key, failures=0, since=now)
    expired = row.locked_until <= now if row.locked_until else row.since + WINDOW <= now
    if expired:
        row.failures, row.since, row.locked_until = 0, now, None
    return row


def _forget_old(session) -> None:
    # Whoever guesses chooses the keys: without this the table would grow with every guess.
    now = clock.now()
    session.execute(
        delete(GateRow)
        .where(GateRow.since <= now - WINDOW)
        .where(or_(GateRow.locked_until.is_(None), GateRow.locked_until <= now))
        .execution_options(synchronize_session=False)
    )


def _count_failure(row: GateRow) -> None:
    row.failures += 1
    if row.failures >= FAILURES:
        row.locked_until = clock.now() + WINDOW
