"""What a shopper wants changed about an order that is not yet shipped.

Address and phone are changed at once; anything else (a remark, other goods, a later delivery) goes
to the people who pack it, as a ticket. Slot `change` says which; what is wanted is in
`new_address`, `new_phone` or `change_wish`.
"""

from __future__ import annotations

from actions import cues
from actions.cards import state_name
from actions.ticketing import make_ticket
from actions.turn import Turn, in_thread
from shop import orders
from shop.orders import PAID, SHIPPED, Order

DETAILS = {"address": "new_address", "phone": "new_phone", "other": "change_wish"}


def change_in(text: str) -> str | None:
    """address, phone or other, if the text says what is to be changed."""
    for name in ("address", "phone", "other"):
        if cues.says(f"order.{name}", text):
            return name
    return "address" if address_parts(text) >= 3 else None


def address_parts(text: str) -> int:
    """How many parts of an address (省, 市, 路, 号 …) the text names."""
    return cues.count("order.address_part", text)


def detail_of(turn: Turn) -> str:
    """The slot that the change under way needs."""
    return DETAILS[turn.slot("change") or "address"]


async def can_modify(turn: Turn, order: Order) -> bool:
    """Whether it is not too late; else that is said."""
    if order.state == PAID:
        return True
    turn.say(
        f"modify_{'shipped' if order.state == SHIPPED else 'late'}",
        order=order.number,
        state=state_name(turn, order),
    )
    return False


async def modify(turn: Turn, order: Order) -> None:
    """Change the order, or hand the wish to those who pack it."""
    what = turn.slot("change") or "address"
    wanted = turn.slot(detail_of(turn))
    if what == "other":
        ticket = await make_ticket(turn, "modify", order, said=wanted)
        turn.say("modify_noted", order=order.number, ticket=ticket.number)
        return
    change = orders.change_address if what == "address" else orders.change_phone
    if await in_thread(change, order.number, wanted):
        turn.say(f"modified_{what}", order=order.number, wanted=wanted)
    else:
        turn.say("modify_shipped", order=order.number, state=state_name(turn, order))
