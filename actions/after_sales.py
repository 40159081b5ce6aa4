"""Refund, return, exchange and repair: one flow from the order to the ticket.

The order and its state come first; then the reason; then the graph's policies decide, and the
shopper hears why; then how the goods travel back; then a confirmation; then a ticket. Slots:
`after_sale_kind`, `order_id`, `item` (sku), `reason`, `opened`, `new_size`, `return_method`,
`confirmed`, `decided` (policy@version that allowed it), `outcome` (`submit`, or why it ended).
"""

from __future__ import annotations

from actions import order_slot, words
from actions.after_sale_questions import line_of, next_open
from actions.after_sale_words import (
    CAUSES,
    KINDS,
    METHODS,
    REASONS,
    drops,
    kind_in,
    opened_in,
    reason_in,
    return_method_in,
    service_name,
    what_follows,
)
from actions.base import Answer, Flow
from actions.cards import money
from actions.exchange_goods import size_named, wanted_in
from actions.order_services import INFORMING, SERVICES
from actions.ticketing import make_ticket
from actions.turn import Turn

# A change of service, goods or reason wants another decision, and what followed from it.
_UNDECIDED = {"decided": None, "confirmed": None, "new_size": None}


class ValidateAfterSalesForm(Flow):
    """Asks what a refund, return, exchange or repair needs; the policies decide.

    Slots read: after_sale_kind, item, reason, opened, new_size, return_method, confirmed,
        decided, outcome, order_id, last_order, offered_orders, given_number, gate_tries,
        offered_items, offered_sizes, flow, paused, requested_slot.
    Slots set: the same, and last_ticket.
    Entities read: order_number, phone, phone_last4, after_sale_kind, reason, method, item, size,
        opened.
    Says: `question_…` for what is missing, `after_sale_…` for what was decided and why; news of
        the order where that is asked on the way.
    Failures: an order that the gate refuses: asked again, after three times a person; graph or
        database away: `unavailable`, with the way to a person.
    """

    form = "after_sales_form"
    state_slots = (
        "after_sale_kind",
        "item",
        "reason",
        "opened",
        "new_size",
        "return_method",
        "confirmed",
        "decided",
        "outcome",
        *order_slot.SLOTS,
    )

    async def fill(self, turn: Turn, starting: bool) -> bool:
        """Take kind, order and whatever else the message gives."""
        if not starting and (self.leaves(turn) or drops(turn.text)):
            turn.say("left_after_sale")
            turn.set(outcome="left")
            return True
        if not starting and await _answered_on_the_way(turn):
            return True
        if not starting and _about_something_else(turn):
            return False
        changed = self._take_kind(turn, starting)
        changed |= await order_slot.take_order(turn, starting)
        if starting and turn.slot("order_id") and not turn.slot("reason"):
            _keep_reason(turn)
        if words.means_another_order(turn.text) and not turn.chosen:
            turn.set(item=None, reason=None, opened=None, **_UNDECIDED)
            return True
        if turn.chosen or starting or not words.is_question(turn.text):
            changed |= self._take_details(turn)
        # 不对，上门取件: a correction is no refusal.
        return changed or self._take_confirmation(turn)

    @staticmethod
    def _take_kind(turn: Turn, starting: bool) -> bool:
        kind, asked = KINDS.get(turn.intent), turn.slot("requested_slot")
        wanted = asked == "after_sale_kind" or starting
        # I'll send it back myself: the way that was asked for, whatever intent it looks like.
        by_way = asked == "return_method" and return_method_in(turn.text)
        if by_way and not turn.chosen and not kind_in(turn.text):
            return False
        # 7天无理由退货是什么意思 asks about returns and wants none.
        if kind is None and not (wanted or turn.chosen) and words.is_question(turn.text):
            return False
        if wanted or kind is None:
            kind = turn.entity("after_sale_kind") or kind_in(turn.text) or kind
        if starting and turn.intent in REASONS:
            turn.set(reason=reason_in(turn.text) or REASONS[turn.intent])
            kind = turn.entity("after_sale_kind") or kind_in(turn.text)
        if kind is None or kind == turn.slot("after_sale_kind"):
            return False
        turn.set(after_sale_kind=kind, **_UNDECIDED)
        if kind == "repair":  # nobody has something repaired that is whole
            turn.set(reason="quality")
        return True

    @staticmethod
    def _take_details(turn: Turn) -> bool:
        given = {
            "reason": turn.entity("reason") or reason_in(turn.text),
            "opened": turn.entity("opened") or opened_in(turn.text),
            "return_method": turn.entity("method") or return_method_in(turn.text),
            "item": turn.entity("item"),
        }
        requested = turn.slot("requested_slot")
        given["new_size"] = wanted_in(turn) if requested == "new_size" else size_named(turn)
        if requested == "item":
            given["item"] = given["item"] or turn.picked(turn.slot("offered_items"))
        elif requested == "reason":
            given["reason"] = given["reason"] or turn.picked(list(CAUSES))
        elif requested == "return_method":
            given["return_method"] = given["return_method"] or turn.picked(list(METHODS))
        new = {name: value for name, value in given.items() if value and value != turn.slot(name)}
        if "reason" in new or "item" in new:
            new = {**_UNDECIDED, **new}
        turn.set(**new)
        return bool(new) or (bool(given["reason"]) and requested != "confirmed")

    @staticmethod
    def _take_confirmation(turn: Turn) -> bool:
        if turn.slot("requested_slot") != "confirmed":
            return False
        answer = words.yes_or_no(turn.text, turn.intent)
        if answer is None:
            return False
        if answer:
            turn.set(confirmed=True, outcome="submit")
        else:
            turn.say("left_after_sale")
            turn.set(outcome="left")
        return True

    async def next_question(self, turn: Turn) -> str | None:
        """Order, state, item, reason, decision, way back, confirmation: the first that is open."""
        if turn.slot("outcome"):
            return None
        return await next_open(turn)


class SubmitAfterSales(Answer):
    """Makes the ticket when the form ended with `outcome: submit`.

    Slots read: outcome, order_id, after_sale_kind, item, reason, return_method, new_size,
        decided.
    Slots set: last_ticket.
    Entities read: none.
    Says: `ticket_…` with its number and what comes next; nothing where the form ended otherwise.
    Failures: a message processed twice makes one ticket; database away: `unavailable`, with the
        way to a person.
    """

    action_name = "action_submit_after_sales"

    async def answer(self, turn: Turn) -> None:
        """Store the ticket and tell its number and what comes next."""
        if turn.slot("outcome") != "submit":
            return
        order = await order_slot.current_order(turn)
        kind, line = turn.slot("after_sale_kind"), line_of(turn, order)
        policy, _, version = (turn.slot("decided") or "").partition("@")
        ticket = await make_ticket(
            turn,
            kind,
            order,
            sku=line.sku,
            title=line.title,
            reason=turn.slot("reason"),
            method=turn.slot("return_method"),
            new_size=turn.slot("new_size"),
            policy=policy,
            policy_version=version,
            amount_cents=line.price_cents * line.quantity,
        )
        turn.say(
            f"ticket_{kind}",
            ticket=ticket.number,
            amount=money(turn, line.price_cents * line.quantity),
            size=turn.slot("new_size") or "",
            name=service_name(turn, kind, turn.slot("reason")),
            next=what_follows(turn, turn.slot("return_method"), kind),
        )


async def _answered_on_the_way(turn: Turn) -> bool:
    """Answer a question about an order, without leaving the flow."""
    order = await order_slot.current_order(turn)
    if order is None or turn.intent not in INFORMING or turn.entity("order_number"):
        return False
    service = SERVICES[turn.intent]
    await service.act(turn, await order_slot.likelier(turn, order, service.likely))
    turn.set(after_sale_kind=turn.slot("after_sale_kind"))
    return True


def _about_something_else(turn: Turn) -> bool:
    """Whether another service is wanted: a change, or news of an order that the message names."""
    service, asked = SERVICES.get(turn.intent), turn.slot("requested_slot")
    if service is None or (asked == "order_id" and not service.confirm):
        return False
    if asked == "reason" and reason_in(turn.text):  # 不想要了 is the answer, not a cancellation
        return False
    return service.confirm or bool(turn.entity("order_number"))


def _keep_reason(turn: Turn) -> None:
    # Refused one service and asking for another, nobody wants to tell the reason again.
    before = turn.tracker.get_slot
    if before("outcome") == "refused" and before("order_id") == turn.slot("order_id"):
        turn.set(reason=before("reason"))
