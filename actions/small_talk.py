"""Greetings, thanks, a bare yes or no or detail, and what the shop does not do."""

from __future__ import annotations

from actions import words
from actions.base import Answer
from actions.cards import order_card
from actions.focus import candidates, mention, show
from actions.followups import followed_up
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
FOREIGN_MENU = [
    button("My order", "ask_order_status"),
    button("Returns", "ask_return_policy"),
    button("Delivery", "ask_delivery_time"),
    button("Talk to a person", "request_human"),
]


class SmallTalk(Answer):
    """Answers greet, goodbye, thank, praise, bot_challenge and affirm with the response of that
    name; a form that is under way goes on afterwards."""

    action_name = "action_small_talk"

    async def answer(self, turn: Turn) -> None:
        """The response named after the intent."""
        if turn.active_form and turn.intent == "greet":
            turn.say("greet_in_form")
        elif turn.intent == "affirm" and not turn.active_form and words.wordless(turn.text):
            turn.say("wordless", buttons=MENU)
        else:
            opening = turn.intent == "greet"
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
        if turn.entities("product") and not turn.active_form:
            if not await followed_up(turn):
                await show(turn, (await candidates(turn))[:4], "found_named")
            return
        buttons = None if turn.active_form else MENU
        if words.wordless(turn.text) or words.mashed(turn.text):
            turn.say("wordless", buttons=buttons)
        elif words.foreign(turn.text):
            turn.say("foreign", buttons=None if turn.active_form else FOREIGN_MENU)
        else:
            turn.say("out_of_scope", buttons=buttons)


class Inform(Answer):
    """A detail that nobody asked for. Entities read: order_number, product, category. An order is
    opened through the gate and shown; a product is shown; else it is asked what is wanted."""

    action_name = "action_inform"

    async def answer(self, turn: Turn) -> None:
        """Show what the detail names."""
        number = turn.entity("order_number")
        if turn.entity("phone_last4"):  # the digits that were asked for with the number
            number = number or turn.slot("given_number")
        if number:
            await _show_order(turn, number)
            return
        if await followed_up(turn):
            return
        found = await candidates(turn)
        named = mention(turn)
        if not found and named:
            found = await catalogue.search(
                graph(), category=named.category, brand=named.brand, limit=4
            )
        if found:
            await show(turn, found[:4], "found_named")
        elif turn.active_form:
            turn.say("unclear_in_form")
        else:
            turn.say("inform", buttons=MENU)


async def _show_order(turn: Turn, number: str) -> None:
    if turn.shopper is None:
        turn.set(given_number=number)
    # Whoever is signed in opens their own orders alone, whatever digits they know.
    last4 = turn.entity("phone_last4")
    try:
        order = await in_thread(gate.open_order, turn.viewer, number, str(last4) if last4 else None)
    except gate.GateLocked:
        turn.say("gate_locked")
        return
    except gate.GateRefused:
        turn.say("gate_refused" if turn.shopper or last4 else "question_order_guest")
        return
    turn.set(last_order=order.number, given_number=None)
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
