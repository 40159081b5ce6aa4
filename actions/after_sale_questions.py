"""What the after-sale flow asks and says, from the order's state to the last confirmation.

The first question that is open is asked; each function that asks returns the slot it asks for.
Where the order's state or the policies leave nothing to do, that is said and `outcome` is set.
"""

from __future__ import annotations

from actions import order_slot
from actions.after_sale_words import (
    CAUSES,
    KINDS,
    METHODS,
    NOTHING_BACK,
    service_name,
)
from actions.base import to_person
from actions.cards import state_text
from actions.decisions import Decision, decide, either, what_is_possible
from actions.exchange_goods import wanted_instead
from actions.turn import Turn, button, in_thread
from shop import orders, tickets
from shop.orders import Line, Order

_OPENED = {"yes": True, "no": False}


async def next_open(turn: Turn) -> str | None:
    """Order, state, item, reason, decision, way back, confirmation: the first that is open."""
    if turn.slot("after_sale_kind") is None:
        return _ask_kind(turn)
    order = await order_slot.current_order(turn)
    if order is None:
        return await order_slot.ask_order(turn, first=(orders.DELIVERED,))
    if await _ended_by_state(turn, order):
        return None
    line = line_of(turn, order)
    if line is None:
        return _ask_item(turn, order)
    if turn.slot("reason") is None:
        return await _ask_reason(turn, order, line)
    if not turn.slot("decided"):
        question = await _decide(turn, order, line)
        if question or turn.slot("outcome"):
            return question
    return await _ask_rest(turn, order, line)


def _ask_kind(turn: Turn) -> str:
    turn.say(
        "question_after_sale_kind",
        buttons=[
            button(service_name(turn, kind, turn.slot("reason")), "inform", after_sale_kind=kind)
            for kind in tickets.AFTER_SALE
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
            kind=service_name(turn, ticket.kind),
        )
        turn.set(outcome="exists", last_ticket=ticket.number)
        return True
    if order.state == orders.DELIVERED:
        return False
    buttons = {
        orders.PAID: [turn.button("cancel_order", "cancel_order", order_number=order.number)],
        orders.SHIPPED: [
            turn.button("reject_delivery", "reject_delivery", order_number=order.number),
            turn.button("track", "track_shipment", order_number=order.number),
        ],
        orders.REFUNDING: [
            turn.button("look_up_refund", "ask_refund_status", order_number=order.number)
        ],
    }.get(order.state)
    turn.say(f"after_sale_{order.state}", buttons=buttons, order=order.number)
    turn.set(outcome=order.state)
    return True


def line_of(turn: Turn, order: Order) -> Line | None:
    """The goods of the order that it is about, once that is known."""
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


def _as_before(turn: Turn, *slots: str) -> bool:
    return all(turn.slot(name) == turn.tracker.get_slot(name) for name in slots)


async def _ask_reason(turn: Turn, order: Order, line: Line) -> str:
    kind = turn.slot("after_sale_kind")
    buttons = [button(turn.phrase(f"reason.{why}"), "inform", reason=why) for why in CAUSES]
    if turn.slot("requested_slot") == "reason" and _as_before(turn, "after_sale_kind", "order_id"):
        turn.say("question_reason_again", buttons=buttons, kind=service_name(turn, kind))
        return "reason"
    turn.say(
        "question_reason",
        buttons=buttons,
        order=order.number,
        title=line.title,
        state=state_text(turn, order),
        possible=await what_is_possible(turn, kind, order, line),
        kind=service_name(turn, kind),
    )
    return "reason"


async def _decide(turn: Turn, order: Order, line: Line) -> str | None:
    """Let the policies decide; asks whether it was opened where that matters and is unknown."""
    opened = order.opened if order.opened is not None else _OPENED.get(turn.slot("opened"))
    kind, reason = turn.slot("after_sale_kind"), turn.slot("reason")
    decision = await decide(turn, kind, order, line, reason, opened)
    if decision.needs_opened:
        turn.say(
            "question_opened",
            buttons=[
                turn.button("unopened", "inform", opened="no"),
                turn.button("opened", "inform", opened="yes"),
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
            kind=service_name(turn, kind, reason),
            state=state_text(turn, order),
            reason=decision.reason,
            conditions=decision.conditions_text(turn),
        )
        return None
    _refuse(turn, order, decision)
    return None


def _refuse(turn: Turn, order: Order, decision: Decision) -> None:
    intents = {kind: intent for intent, kind in KINDS.items()}
    faulty = turn.slot("reason") == "quality"
    title, instead = "button.request_faulty", "after_sale.instead"
    if faulty:
        title, instead = "button.request", "after_sale.instead_faulty"
    buttons = [
        button(
            turn.phrase(title, service=service_name(turn, kind)),
            intents[kind],
            order_number=order.number,
            reason=reason,
        )
        for kind, reason in decision.alternatives
    ]
    services = either(turn, [kind for kind, _ in decision.alternatives])
    turn.say(
        "after_sale_refused",
        buttons=[*buttons, to_person(turn)],
        kind=service_name(turn, turn.slot("after_sale_kind")),
        state=state_text(turn, order),
        reason=decision.reason,
        basis=decision.basis_text(turn),
        instead=turn.phrase(instead, services=services) if services else "",
    )
    turn.set(outcome="refused")


async def _ask_rest(turn: Turn, order: Order, line: Line) -> str:
    kind, reason = turn.slot("after_sale_kind"), turn.slot("reason")
    if kind == "exchange":
        wanted = await wanted_instead(turn, line, reason)
        if len(wanted) > 1 and turn.slot("new_size") not in wanted:
            turn.set(offered_sizes=wanted)
            turn.say(
                "question_new_size",
                buttons=[button(turn.named(name), "inform", size=name) for name in wanted[:12]],
                title=line.title,
            )
            return "new_size"
        if len(wanted) == 1:
            turn.set(new_size=wanted[0])
    if turn.slot("return_method") is None:
        turn.say(
            "question_return_method",
            buttons=[button(turn.phrase(f"method.{way}"), "inform", method=way) for way in METHODS],
            address=order.address,
        )
        return "return_method"
    new = turn.slot("new_size")
    turn.say(
        "question_confirm_after_sale",
        buttons=[turn.button("submit", "affirm"), turn.button("not_submit", "deny")],
        kind=service_name(turn, kind, reason),
        order=order.number,
        title=line.title,
        reason=turn.phrase(f"reason.{reason}"),
        method=turn.phrase(f"method.{turn.slot('return_method')}"),
        size=turn.phrase("after_sale.new_size", size=turn.named(new)) if new else "",
    )
    return "confirmed"
