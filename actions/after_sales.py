"""Refund, return, exchange and repair: one flow from the order to the ticket.

The order and its state come first; then the reason; then the graph's policies decide, and the
shopper hears why; then how the goods travel back; then a confirmation; then a ticket. Slots:
`after_sale_kind`, `order_id`, `item` (sku), `reason`, `opened`, `new_size`, `return_method`,
`confirmed`, `decided` (policy@version that allowed it), `outcome` (`submit`, or why it ended).
"""

from __future__ import annotations

from actions import order_slot, words
from actions.after_sale_words import (
    KIND_NAMES,
    KINDS,
    METHOD_NAMES,
    NOTHING_BACK,
    REASON_NAMES,
    REASONS,
    drops,
    kind_in,
    opened_in,
    reason_in,
    return_method_in,
    service_name,
    what_follows,
)
from actions.base import PERSON, Answer, Flow
from actions.cards import money, state_text
from actions.decisions import Decision, decide, what_is_possible
from actions.exchange_goods import size_named, wanted_in, wanted_instead
from actions.order_services import INFORMING, SERVICES
from actions.ticketing import make_ticket
from actions.turn import Turn, button, in_thread
from shop import orders, tickets
from shop.orders import Line, Order

# A change of service, goods or reason wants another decision, and what followed from it.
_UNDECIDED = {"decided": None, "confirmed": None, "new_size": None}
_OPENED = {"yes": True, "no": False}


class ValidateAfterSalesForm(Flow):
    """Slots: see the module. Entities read: order_number, phone, phone_last4, reason, method,
    item, size, opened. Ends with `outcome`; a graph or database that is down is said so."""

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
        kind = KINDS.get(turn.intent)
        if turn.slot("requested_slot") == "after_sale_kind" or starting or kind is None:
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
            given["reason"] = given["reason"] or turn.picked(list(REASON_NAMES))
        elif requested == "return_method":
            given["return_method"] = given["return_method"] or turn.picked(list(METHOD_NAMES))
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
        if turn.slot("after_sale_kind") is None:
            return _ask_kind(turn)
        order = await order_slot.current_order(turn)
        if order is None:
            return await order_slot.ask_order(turn, first=(orders.DELIVERED,))
        if await _ended_by_state(turn, order):
            return None
        line = _line(turn, order)
        if line is None:
            return _ask_item(turn, order)
        if turn.slot("reason") is None:
            return await _ask_reason(turn, order, line)
        if not turn.slot("decided"):
            question = await _decide(turn, order, line)
            if question or turn.slot("outcome"):
                return question
        return await _ask_rest(turn, order, line)


class SubmitAfterSales(Answer):
    """Makes the ticket when the flow ended with `outcome: submit`; else says nothing.

    Slots read: those of the flow. Sets `last_ticket`. A message processed twice makes one ticket.
    """

    action_name = "action_submit_after_sales"

    async def answer(self, turn: Turn) -> None:
        """Store the ticket and tell its number and what comes next."""
        if turn.slot("outcome") != "submit":
            return
        order = await order_slot.current_order(turn)
        kind, line = turn.slot("after_sale_kind"), _line(turn, order)
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
            amount=money(line.price_cents * line.quantity),
            size=turn.slot("new_size") or "",
            name=service_name(kind, turn.slot("reason")),
            next=what_follows(turn.slot("return_method"), kind),
        )


def _as_before(turn: Turn, *slots: str) -> bool:
    return all(turn.slot(name) == turn.tracker.get_slot(name) for name in slots)


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


def _ask_kind(turn: Turn) -> str:
    turn.say(
        "question_after_sale_kind",
        buttons=[
            button(service_name(kind, turn.slot("reason")), "inform", after_sale_kind=kind)
            for kind in KIND_NAMES
            if kind != "refund"
        ],
    )
    return "after_sale_kind"


async def _ended_by_state(turn: Turn, order: Order) -> bool:
    """Whether the order's state leaves nothing to decide; then that has been said."""
    ticket = await in_thread(tickets.open_for_order, order.number)
    if ticket:
        turn.say(
            "after_sale_exists",
            order=order.number,
            ticket=ticket.number,
            kind=KIND_NAMES[ticket.kind],
        )
        turn.set(outcome="exists", last_ticket=ticket.number)
        return True
    if order.state == orders.DELIVERED:
        return False
    buttons = {
        orders.PAID: [button("取消订单", "cancel_order", order_number=order.number)],
        orders.SHIPPED: [
            button("拒收这单", "reject_delivery", order_number=order.number),
            button("查物流", "track_shipment", order_number=order.number),
        ],
        orders.REFUNDING: [button("查退款进度", "ask_refund_status", order_number=order.number)],
    }.get(order.state)
    turn.say(f"after_sale_{order.state}", buttons=buttons, order=order.number)
    turn.set(outcome=order.state)
    return True


def _line(turn: Turn, order: Order) -> Line | None:
    if len(order.lines) == 1:
        return order.lines[0]
    return next((line for line in order.lines if line.sku == turn.slot("item")), None)


def _ask_item(turn: Turn, order: Order) -> str:
    turn.set(offered_items=[line.sku for line in order.lines])
    turn.say(
        "question_item",
        buttons=[button(line.title, "inform", item=line.sku) for line in order.lines],
        order=order.number,
    )
    return "item"


async def _ask_reason(turn: Turn, order: Order, line: Line) -> str:
    kind = turn.slot("after_sale_kind")
    buttons = [button(name, "inform", reason=reason) for reason, name in REASON_NAMES.items()]
    if turn.slot("requested_slot") == "reason" and _as_before(turn, "after_sale_kind", "order_id"):
        turn.say("question_reason_again", buttons=buttons, kind=KIND_NAMES[kind])
        return "reason"
    turn.say(
        "question_reason",
        buttons=buttons,
        order=order.number,
        title=line.title,
        state=state_text(order),
        possible=await what_is_possible(kind, order, line, KIND_NAMES),
        kind=KIND_NAMES[kind],
    )
    return "reason"


async def _decide(turn: Turn, order: Order, line: Line) -> str | None:
    """Let the policies decide; asks whether it was opened where that matters and is unknown."""
    opened = order.opened if order.opened is not None else _OPENED.get(turn.slot("opened"))
    decision = await decide(turn.slot("after_sale_kind"), order, line, turn.slot("reason"), opened)
    if decision.needs_opened:
        turn.say(
            "question_opened",
            buttons=[
                button("还没拆封", "inform", opened="no"),
                button("已经拆开用过", "inform", opened="yes"),
            ],
            title=line.title,
        )
        return "opened"
    if decision.allowed:
        turn.set(decided=decision.reference)
        if not decision.return_needed:
            turn.set(return_method=NOTHING_BACK)
        elif turn.slot("return_method") == NOTHING_BACK:
            turn.set(return_method=None)
        turn.say(
            "after_sale_allowed",
            kind=service_name(turn.slot("after_sale_kind"), turn.slot("reason")),
            state=state_text(order),
            reason=decision.reason,
            conditions=decision.conditions_text,
        )
        return None
    _refuse(turn, order, decision)
    return None


def _refuse(turn: Turn, order: Order, decision: Decision) -> None:
    intents = {kind: intent for intent, kind in KINDS.items()}
    faulty = turn.slot("reason") == "quality"
    buttons = [
        button(
            f"申请{KIND_NAMES[kind]}" if faulty else f"有质量问题，申请{KIND_NAMES[kind]}",
            intents[kind],
            order_number=order.number,
            reason=reason,
        )
        for kind, reason in decision.alternatives
    ]
    names = "或".join(KIND_NAMES[kind] for kind, _ in decision.alternatives)
    instead = f"申请{names}。" if names else ""
    if instead:
        instead = f"您可以{instead}" if faulty else f"不过如果商品有质量问题，可以{instead}"
    turn.say(
        "after_sale_refused",
        buttons=[*buttons, PERSON],
        kind=KIND_NAMES[turn.slot("after_sale_kind")],
        state=state_text(order),
        reason=decision.reason,
        basis=decision.basis_text,
        instead=instead,
    )
    turn.set(outcome="refused")


async def _ask_rest(turn: Turn, order: Order, line: Line) -> str:
    kind = turn.slot("after_sale_kind")
    if kind == "exchange":
        wanted = await wanted_instead(line, turn.slot("reason"))
        if len(wanted) > 1 and turn.slot("new_size") not in wanted:
            turn.set(offered_sizes=wanted)
            turn.say(
                "question_new_size",
                buttons=[button(name, "inform", size=name) for name in wanted[:12]],
                title=line.title,
            )
            return "new_size"
        if len(wanted) == 1:
            turn.set(new_size=wanted[0])
    if turn.slot("return_method") is None:
        turn.say(
            "question_return_method",
            buttons=[
                button(name, "inform", method=method) for method, name in METHOD_NAMES.items()
            ],
            address=order.address,
        )
        return "return_method"
    turn.say(
        "question_confirm_after_sale",
        buttons=[button("确认提交", "affirm"), button("先不办了", "deny")],
        kind=service_name(kind, turn.slot("reason")),
        order=order.number,
        title=line.title,
        reason=REASON_NAMES.get(turn.slot("reason"), turn.slot("reason")),
        method=METHOD_NAMES.get(turn.slot("return_method"), "商品不用寄回"),
        size=f"，换成 {turn.slot('new_size')}" if turn.slot("new_size") else "",
    )
    return "confirmed"
