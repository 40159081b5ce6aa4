"""Tickets: what a shopper asked the shop to do, kept so that it can be done and asked about.

After-sale ones (refund, return, exchange, repair) are numbered `AS…`, all others `SR…`. A ticket is
made once for each message that asks for it, however often that message is processed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, String, Text, UniqueConstraint, func, select

from shop import clock
from storage import Base, read, write

AFTER_SALE = ("refund", "return", "exchange", "repair")
SERVICE = (
    "urge",
    "reject",
    "invoice",
    "change_invoice",
    "price_protection",
    "payment",
    "delivery",
    "missing",
    "modify",
)
OPEN, DONE = "open", "done"


class TicketRow(Base):
    """One ticket; `data` is a JSON object with what the kind needs."""

    __tablename__ = "tickets"
    __table_args__ = (UniqueConstraint("message_key", "kind"),)

    number = Column(String(32), primary_key=True)
    kind = Column(String(32), nullable=False)
    day = Column(String(6), nullable=False, index=True)
    serial = Column(Integer, nullable=False)
    order_number = Column(String(32), index=True)
    shopper = Column(String(64), index=True)
    conversation = Column(String(255), nullable=False, index=True)
    message_key = Column(String(255), nullable=False)
    state = Column(String(16), nullable=False)
    data = Column(Text, nullable=False)
    created_at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Ticket:
    """data: reason, method, sku, policy, version, path … as the kind needs."""

    number: str
    kind: str
    order_number: str | None
    state: str
    created_at: datetime
    data: dict = field(default_factory=dict)


def create(
    kind: str,
    *,
    conversation: str,
    message_key: str,
    order_number: str | None = None,
    shopper: str | None = None,
    data: dict | None = None,
) -> Ticket:
    """Make a ticket, or find the one that this message has already made.

    Raises:
        ValueError: the kind is not one of `AFTER_SALE` or `SERVICE`.
    """
    if kind not in AFTER_SALE + SERVICE:
        raise ValueError(f"ticket kind {kind!r}: expected one of {AFTER_SALE + SERVICE}")
    with write() as session:
        row = session.scalars(
            select(TicketRow).where(TicketRow.message_key == message_key, TicketRow.kind == kind)
        ).first()
        if row is None:
            row = _new_row(session, kind, message_key)
            row.conversation, row.order_number, row.shopper = conversation, order_number, shopper
            row.data = json.dumps(data or {}, ensure_ascii=False)
            session.add(row)
        return _ticket(row)


def open_for_order(order_number: str, kinds: tuple[str, ...] = AFTER_SALE) -> Ticket | None:
    """The newest ticket of these kinds that is still open for an order."""
    with read() as session:
        row = session.scalars(
            select(TicketRow)
            .where(
                TicketRow.order_number == order_number,
                TicketRow.kind.in_(kinds),
                TicketRow.state == OPEN,
            )
            .order_by(TicketRow.created_at.desc(), TicketRow.serial.desc())
        ).first()
        return None if row is None else _ticket(row)


def of_viewer(shopper: str | None, conversation: str) -> list[Ticket]:
    """The tickets of a known shopper, or of this conversation alone, the newest first."""
    mine = TicketRow.shopper == shopper if shopper else TicketRow.conversation == conversation
    with read() as session:
        rows = session.scalars(
            select(TicketRow)
            .where(mine)
            .order_by(TicketRow.created_at.desc(), TicketRow.serial.desc())
        )
        return [_ticket(row) for row in rows]


def _new_row(session, kind: str, message_key: str) -> TicketRow:
    now = clock.now()
    day = now.strftime("%y%m%d")
    last = session.scalar(select(func.max(TicketRow.serial)).where(TicketRow.day == day)) or 0
    prefix = "AS" if kind in AFTER_SALE else "SR"
    return TicketRow(
        number=f"{prefix}{day}{last + 1:04d}",
        kind=kind,
        day=day,
        serial=last + 1,
        message_key=message_key,
        state=OPEN,
        created_at=now,
    )


def _ticket(row: TicketRow) -> Ticket:
    return Ticket(
        row.number, row.kind, row.order_number, row.state, row.created_at, json.loads(row.data)
    )
