"""Tickets as actions make them: about an order, for this message, once."""

from __future__ import annotations

from actions.turn import Turn, in_thread
from shop import tickets
from shop.orders import Order
from shop.tickets import Ticket


async def make_ticket(turn: Turn, kind: str, order: Order, **data) -> Ticket:
    """Make a ticket, or find the one this message has made. Sets `last_ticket`."""
    ticket = await in_thread(
        tickets.create,
        kind,
        conversation=turn.conversation,
        message_key=turn.message_key,
        order_number=order.number,
        shopper=turn.shopper,
        data=data,
    )
    turn.set(last_ticket=ticket.number)
    return ticket
