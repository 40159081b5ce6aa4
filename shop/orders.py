"""Orders: what was bought, where it is, and the few changes a shopper may ask for.

Nothing here checks who is asking: `shop.gate` does, and the actions reach orders through it alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    String,
    bindparam,
    select,
    update,
)

from shop import clock, events
from storage import Base, bulk, read, write

PAID, SHIPPED, DELIVERED, CANCELLED, REFUNDING = (
    "paid",
    "shipped",
    "delivered",
    "cancelled",
    "refunding",
)
STATES = (PAID, SHIPPED, DELIVERED, CANCELLED, REFUNDING)

NUMBER = re.compile(r"QD\d{10}", re.IGNORECASE)


class OrderRow(Base):
    """One order as the shop's books hold it."""

    __tablename__ = "orders"

    number = Column(String(32), primary_key=True)
    shopper = Column(String(64), index=True)
    phone = Column(String(32), nullable=False)
    receiver = Column(String(64), nullable=False)
    address = Column(String(255), nullable=False)
    state = Column(String(16), nullable=False)
    total_cents = Column(Integer, nullable=False)
    placed_at = Column(DateTime, nullable=False)
    shipped_at = Column(DateTime)
    delivered_at = Column(DateTime)
    opened = Column(Boolean)
    carrier = Column(String(32))
    tracking_number = Column(String(64))
    # Whom the courier calls; `phone`, by which an order is opened, stays the buyer's.
    contact_phone = Column(String(32))


class LineRow(Base):
    """One kind of goods in an order."""

    __tablename__ = "order_lines"

    id = Column(Integer, primary_key=True)
    order_number = Column(String(32), ForeignKey("orders.number"), nullable=False, index=True)
    sku = Column(String(64), nullable=False)
    product_id = Column(String(64), nullable=False)
    title = Column(String(255), nullable=False)
    quantity = Column(Integer, nullable=False)
    price_cents = Column(Integer, nullable=False)


class ShipmentRow(Base):
    """One entry of a parcel's tracking."""

    __tablename__ = "shipments"

    id = Column(Integer, primary_key=True)
    order_number = Column(String(32), ForeignKey("orders.number"), nullable=False, index=True)
    at = Column(DateTime, nullable=False)
    text = Column(String(255), nullable=False)


@dataclass(frozen=True)
class Line:
    """Goods of one sku; price_cents is what one piece cost then."""

    sku: str
    product_id: str
    title: str
    quantity: int
    price_cents: int


@dataclass(frozen=True)
class Order:
    """An order with its lines; `opened` is None where the shop does not know."""

    number: str
    shopper: str | None
    phone: str
    receiver: str
    address: str
    state: str
    total_cents: int
    placed_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    opened: bool | None
    carrier: str | None
    tracking_number: str | None
    contact_phone: str | None
    lines: tuple[Line, ...]

    def days_since_delivery(self) -> int | None:
        """Whole calendar days since it was delivered, or None before that."""
        if self.delivered_at is None:
            return None
        return (clock.today() - self.delivered_at.date()).days


def find(number: str) -> Order | None:
    """The order of that number, however its letters are cased."""
    with read() as session:
        return _found(session, number.strip().upper())


def of_shopper(shopper: str) -> list[Order]:
    """A known shopper's orders, the newest first."""
    with read() as session:
        return _whole(session, bulk.fetch(session, _OF_SHOPPER, shopper=shopper))


def tracking(number: str) -> list[tuple[datetime, str]]:
    """The parcel's way so far, the newest entry first."""
    with read() as session:
        rows = session.scalars(
            select(ShipmentRow)
            .where(ShipmentRow.order_number == number)
            .order_by(ShipmentRow.at.desc())
        )
        return [(row.at, row.text) for row in rows]


def cancel(number: str) -> bool:
    """Cancel an order that is paid and not yet shipped; whether that was still possible."""
    return _change(number, PAID, events.CANCELLED, state=CANCELLED)


def refund(number: str) -> bool:
    """Pay back a refund that is under way, which closes the order; whether there was one."""
    return _change(number, REFUNDING, events.REFUNDED, state=CANCELLED)


def change_address(number: str, address: str) -> bool:
    """Send an order that is not yet shipped elsewhere; whether that was still possible."""
    return _change(number, PAID, address=address)


def change_phone(number: str, phone: str) -> bool:
    """Let the courier call another phone about an order that is not yet shipped."""
    return _change(number, PAID, contact_phone=phone)


def _change(number: str, only_in: str, event: str | None = None, **values) -> bool:
    """Change an order in that state, and note the event of it in the same transaction."""
    with write() as session:
        changed = session.execute(
            update(OrderRow)
            .where(OrderRow.number == number, OrderRow.state == only_in)
            .values(**values)
        )
        done = changed.rowcount == 1
        if done and event:
            order = _found(session, number)
            events.note(session, event, order, order.lines)
    if done and event:
        events.hand_over()
    return done


def _found(session, number: str) -> Order | None:
    return next(iter(_whole(session, bulk.fetch(session, _BY_NUMBER, number=number))), None)


def _whole(session, rows: Sequence[Sequence]) -> list[Order]:
    """Orders with their lines, which one statement brings for all."""
    numbers = [number for number, *_ in rows]
    lines: dict[str, list[Line]] = {number: [] for number in numbers}
    if numbers:
        for number, *line in bulk.fetch(session, _LINES, numbers=numbers):
            lines[number].append(Line(*line))
    return [
        Order(*row, lines=tuple(lines[number])) for number, row in zip(numbers, rows, strict=True)
    ]


_orders, _lines = OrderRow.__table__, LineRow.__table__
# In the order of the fields of `Order`, of which the number is the first.
_COLUMNS = tuple(_orders.c[one.name] for one in fields(Order) if one.name != "lines")
_BY_NUMBER = select(*_COLUMNS).where(_orders.c.number == bindparam("number"))
_OF_SHOPPER = (
    select(*_COLUMNS)
    .where(_orders.c.shopper == bindparam("shopper"))
    .order_by(_orders.c.placed_at.desc(), _orders.c.number)
)
_LINES = (
    select(_lines.c.order_number, *(_lines.c[one.name] for one in fields(Line)))
    .where(bulk.listed(_lines.c.order_number, "numbers"))
    .order_by(_lines.c.id)
)
