"""The demo checkout: a known shopper buys one variant, and a real order is in the shop's books.

Price and stock are those of the moment of buying, looked at in the same transaction that takes the
goods off the stock; a try that is repeated (its token is the same) finds the order it made.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, DateTime, String, func, select

from shop import clock, events, orders
from shop.offers import OfferRow
from shop.orders import LineRow, Order, OrderRow
from storage import Base, write

# Numbers of the seeded orders lie below.
FIRST_SERIAL, LAST_SERIAL = 1001, 9999


class CheckoutRow(Base):
    """A try to buy, by the token that the page drew for it."""

    __tablename__ = "checkouts"

    token = Column(String(64), primary_key=True)
    order_number = Column(String(32), nullable=False)
    at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Wanted:
    """What is bought: the variant, at the price in cents that was shown; the names are the
    catalogue's, `category` and `brand` as ids."""

    sku: str
    product_id: str
    title: str
    price_cents: int
    category: str | None = None
    brand: str | None = None
    quantity: int = 1


class CannotBuy(Exception):
    """`code`: "unknown", "sold_out", "price_changed", "no_address" or "not_yours"."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def buy(shopper: str, wanted: Wanted, token: str) -> Order:
    """The order of that try: made now, or when it was first tried.

    Raises:
        CannotBuy: no such variant, too few left, another price than was shown, a shopper whose
            address the shop does not know, or a token of somebody else.
    """
    with write() as session:
        done = session.get(CheckoutRow, token)
        number = done.order_number if done else _place(session, shopper, wanted, token)
    order = orders.find(number)
    if order.shopper != shopper:
        raise CannotBuy("not_yours", "token: another shopper's; expected a new one")
    if done is None:
        events.hand_over()
    return order


def _place(session, shopper: str, wanted: Wanted, token: str) -> str:
    offer = session.get(OfferRow, wanted.sku)
    if offer is None or offer.product_id != wanted.product_id:
        raise CannotBuy("unknown", f"sku: {wanted.sku!r} is no variant of {wanted.product_id!r}")
    if offer.stock < wanted.quantity:
        raise CannotBuy("sold_out", f"stock: {offer.stock} left, {wanted.quantity} wanted")
    if offer.price_cents != wanted.price_cents:
        raise CannotBuy(
            "price_changed", f"price: {offer.price_cents} now, {wanted.price_cents} was shown"
        )
    before = session.scalars(
        select(OrderRow).where(OrderRow.shopper == shopper).order_by(OrderRow.placed_at.desc())
    ).first()
    if before is None:
        raise CannotBuy("no_address", "shopper: no order yet that says where to send it")
    now = clock.now()
    order = OrderRow(
        number=_number(session, f"QD{now:%Y%m}"),
        shopper=shopper,
        phone=before.phone,
        receiver=before.receiver,
        address=before.address,
        state=orders.PAID,
        total_cents=offer.price_cents * wanted.quantity,
        placed_at=now,
    )
    line = LineRow(
        order_number=order.number,
        sku=wanted.sku,
        product_id=wanted.product_id,
        title=wanted.title,
        quantity=wanted.quantity,
        price_cents=offer.price_cents,
    )
    session.add(order)
    session.flush()
    session.add_all([line, CheckoutRow(token=token, order_number=order.number, at=now)])
    offer.stock -= wanted.quantity
    offer.updated_at = now
    facts = {wanted.product_id: {"category": wanted.category, "brand": wanted.brand}}
    events.note(session, events.COMPLETED, order, [line], facts)
    return order.number


def _number(session, month: str) -> str:
    last = session.scalar(
        select(func.max(OrderRow.number)).where(
            OrderRow.number.between(f"{month}{FIRST_SERIAL}", f"{month}{LAST_SERIAL}")
        )
    )
    serial = int(last[-4:]) + 1 if last else FIRST_SERIAL
    if serial > LAST_SERIAL:
        raise CannotBuy("sold_out", f"orders: the demo shop's numbers of {month} are used up")
    return f"{month}{serial}"
