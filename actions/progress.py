"""How tickets stand."""

from __future__ import annotations

from actions.after_sale_words import KIND_NAMES
from actions.base import Answer
from actions.turn import Turn, button, in_thread
from shop import tickets

SHOWN = 3
NAMES = {
    **KIND_NAMES,
    "urge": "催单",
    "reject": "拒收",
    "invoice": "开发票",
    "change_invoice": "改发票",
    "price_protection": "价保",
    "payment": "支付核查",
    "delivery": "签收核实",
    "missing": "补发",
    "modify": "修改订单",
}


class AfterSaleProgress(Answer):
    """Entities read: ticket_number. Tickets of the signed-in shopper, or of this conversation; a
    number that is not among them is never confirmed to exist."""

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
                buttons=[button("申请售后", "request_return")],
            )
            return
        turn.say(
            "progress",
            list="\n".join(
                f"· {ticket.number}（{NAMES[ticket.kind]}，订单 {ticket.order_number}）："
                f"{ticket.created_at:%m月%d日} 提交，"
                + ("已完成" if ticket.state == tickets.DONE else "审核中，预计 1 个工作日内有结果")
                for ticket in mine[:SHOWN]
            ),
        )
