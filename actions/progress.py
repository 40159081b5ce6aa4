"""How tickets stand."""

from __future__ import annotations

from actions.base import Answer
from actions.turn import Turn, in_thread
from shop import tickets
from shop.tickets import Ticket

SHOWN = 3


class AfterSaleProgress(Answer):
    """Tells how tickets stand: the shopper's, or this conversation's.

    Slots read: none.
    Slots set: none.
    Entities read: ticket_number.
    Says: `progress` with the one named, or the newest.
    Failures: a number that is not among them is never confirmed to exist: `progress_not_found`;
        database away: `unavailable`, with the way to a person.
    """

    action_name = "action_after_sale_progress"

    async def answer(self, turn: Turn) -> None:
        """The ticket named, or the newest ones."""
        mine = await in_thread(tickets.of_viewer, turn.shopper, turn.conversation)
        number = turn.entity("ticket_number")
        if number:
            mine = [ticket for ticket in mine if ticket.number == str(number).upper()]
        else:
            # What goes back comes first; the smaller requests only where there is nothing else.
            mine = [ticket for ticket in mine if ticket.kind in tickets.AFTER_SALE] or mine
        if not mine:
            turn.say(
                "progress_not_found" if number else "progress_none",
                buttons=[turn.button("after_sale", "request_return")],
            )
            return
        turn.say("progress", list="\n".join(_line(turn, ticket) for ticket in mine[:SHOWN]))


def _line(turn: Turn, ticket: Ticket) -> str:
    return turn.phrase(
        "line.ticket",
        ticket=ticket.number,
        service=turn.phrase(f"service.{ticket.kind}"),
        order=ticket.order_number,
        at=ticket.created_at,
        state=turn.phrase("progress.done" if ticket.state == tickets.DONE else "progress.checking"),
    )
