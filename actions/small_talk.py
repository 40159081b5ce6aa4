"""Greetings, thanks, a bare yes or no or detail, and what the shop does not do."""

from __future__ import annotations

from actions.base import Answer
from actions.cards import order_card
from actions.focus import candidates, mention, show
from actions.knowledge import graph
from actions.turn import Turn, button, in_thread
from kg import catalogue
from shop import gate

MENU = [
    button("查订单", "ask_order_status"),
    button("退换货", "request_return"),
    button("看优惠", "ask_promotion"),
    button("选尺码", "ask_size"),
]


class SmallTalk(Answer):
    """Answers greet, goodbye, thank, praise, bot_challenge and affirm with the response of that
    name; a form that is under way goes on afterwards."""

    action_name = "action_small_talk"

    async def answer(self, turn: Turn) -> None:
        """The response named after the intent."""
        opening = turn.intent == "greet" and not turn.active_form
        turn.say(turn.intent, buttons=MENU if opening else None)


class Deny(Answer):
    """A no that no form was waiting for."""

    action_name = "action_deny"

    async def answer(self, turn: Turn) -> None:
        """Leave it at that."""
        turn.say("deny")


class OutOfScope(Answer):
    """What the shop does not do: said so, with what it does."""

    action_name = "action_out_of_scope"

    async def answer(self, turn: Turn) -> None:
        """Say what can be had here instead."""
        turn.say("out_of_scope", buttons=None if turn.active_form else MENU)


class Inform(Answer):
    """A detail that nobody asked for. Entities read: order_number, product, category. An order is
    opened through the gate and shown; a product is shown; else it is asked what is wanted."""

    action_name = "action_inform"

    async def answer(self, turn: Turn) -> None:
        """Show what the detail names."""
        number = turn.entity("order_number")
        if number:
            await _show_order(turn, number)
            return
        found = await candidates(turn)
        named = mention(turn)
        if not found and named:
            found = await catalogue.search(
                graph(), category=named.category, brand=named.brand, limit=4
            )
        if found:
            await show(turn, found[:4], "found_named")
        else:
            turn.say("inform", buttons=MENU)


async def _show_order(turn: Turn, number: str) -> None:
    if turn.shopper is None:
        turn.set(given_number=number)
    last4 = turn.entity("phone_last4")
    try:
        order = await in_thread(
            gate.open_order, turn.viewer, number, str(last4) if last4 else None
        )
    except gate.GateLocked:
        turn.say("gate_locked")
        return
    except gate.GateRefused:
        turn.say("gate_refused" if turn.shopper or last4 else "question_order_guest")
        return
    turn.set(last_order=order.number)
    turn.say(
        "order_shown",
        cards=[order_card(order)],
        order=order.number,
        buttons=[
            button("查状态", "ask_order_status"),
            button("查物流", "track_shipment"),
            button("申请售后", "request_return"),
        ],
    )


