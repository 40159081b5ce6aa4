"""What happens to orders, told to the customer-data platform: Order Completed, Cancelled, Refunded.

An event is written to an outbox in the transaction that changes the order, so neither can be
without the other; `drain` hands it to the intake and forgets it once that has it. The intake counts
a message once, so an event that is handed over twice is one. They come from source `shop`: a server
of the shop's own, whose purpose is service (the contract of sale).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import Column, DateTime, Integer, String, Text, delete, select

from cdp import jobs, sources
from cdp.intake.accept import accept
from storage import Base, read, write

COMPLETED, CANCELLED, REFUNDED = "Order Completed", "Order Cancelled", "Order Refunded"
CURRENCY = "CNY"
_AT_ONCE = 200

logger = logging.getLogger(__name__)


class OrderEventRow(Base):
    """One event on its way to the intake; `body` is Segment's envelope as JSON."""

    __tablename__ = "order_events"

    id = Column(Integer, primary_key=True)
    message_id = Column(String(100), nullable=False, unique=True)
    body = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


def note(session, event: str, order, lines: Sequence, facts: dict[str, dict] | None = None) -> None:
    """Write an order's event to the outbox, in the transaction that changes the order.

    order: number, shopper, phone, total_cents. lines: sku, product_id, title, quantity,
    price_cents. facts: product id → {"category", "brand"}, as far as the caller knows them. An
    order of which the event is noted already is left alone.
    """
    message_id = f"{event.lower().replace(' ', '-')}:{order.number}"
    if session.scalars(
        select(OrderEventRow.id).where(OrderEventRow.message_id == message_id)
    ).first():
        return
    now = datetime.now(timezone.utc)
    body = {
        "type": "track",
        "event": event,
        "messageId": message_id,
        "timestamp": now.isoformat(timespec="milliseconds"),
        **_whose(order),
        "properties": {
            "order_id": order.number,
            "total": _yuan(order.total_cents),
            "revenue": _yuan(order.total_cents),
            "currency": CURRENCY,
            "products": [_product(line, (facts or {}).get(line.product_id, {})) for line in lines],
        },
    }
    session.add(
        OrderEventRow(
            message_id=message_id,
            body=json.dumps(body, ensure_ascii=False),
            at=now.replace(tzinfo=None),
        )
    )


def drain() -> int:
    """Hand what waits to the intake, the oldest first; how many events were handed over.

    Raises:
        SQLAlchemyError: the database is away; what waits goes on waiting.
    """
    source = sources.ensure("shop", **sources.BUILTIN["shop"])
    handed = 0
    while True:
        with read() as session:
            rows = session.execute(
                select(OrderEventRow.id, OrderEventRow.body)
                .order_by(OrderEventRow.id)
                .limit(_AT_ONCE)
            ).all()
        if not rows:
            return handed
        for verdict in accept(source, [json.loads(row.body) for row in rows]):
            # The intake keeps what it refuses, with its reason, until it is replayed.
            if verdict.status == "refused":
                logger.error("shop.event.refused code=%s field=%s", verdict.code, verdict.field)
        with write() as session:
            done = delete(OrderEventRow).where(OrderEventRow.id.in_([row.id for row in rows]))
            session.execute(done.execution_options(synchronize_session=False))
        handed += len(rows)


def hand_over() -> None:
    """Hand over what waits, right after the order was changed; the job does what this cannot."""
    try:
        drain()
    except Exception as error:  # the order stands, whatever becomes of the news of it
        logger.warning("shop.events.wait error=%s", type(error).__name__)


def waiting() -> bool:
    """Whether anything waits."""
    with read() as session:
        return session.scalars(select(OrderEventRow.id).limit(1)).first() is not None


@jobs.job("shop.order_events", every=timedelta(seconds=10), when=waiting)
def handed_over() -> int:
    """What another process left waiting, or what could not be handed over at once."""
    return drain()


def _whose(order) -> dict:
    # Only where the buyer is not signed in does the phone have to say whose the order is.
    if order.shopper:
        return {"userId": order.shopper}
    return {"context": {"traits": {"phone": order.phone}}}


def _product(line, facts: dict) -> dict:
    told = {
        "product_id": line.product_id,
        "sku": line.sku,
        "name": line.title,
        "price": _yuan(line.price_cents),
        "quantity": line.quantity,
        "category": facts.get("category"),
        "brand": facts.get("brand"),
    }
    return {name: value for name, value in told.items() if value is not None}


def _yuan(cents: int) -> str:
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"
