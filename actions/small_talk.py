"""Greetings, thanks, a bare yes or no or detail, and what the shop does not do."""

from __future__ import annotations

from actions import profile, words
from actions.base import Answer, to_person
from actions.cards import order_card
from actions.focus import candidates, mention, show
from actions.followups import followed_up
from actions.knowledge import graph
from actions.order_slot import in_language, say_refused
from actions.turn import Turn, in_thread
from kg import catalogue
from kg.fields import LANGUAGES
from shop import gate


def menu(turn: Turn) -> list[dict]:
    """What can be had here, as buttons."""
    return [
        turn.button("my_orders", "ask_order_status"),
        turn.button("returns", "request_return"),
        turn.button("offers", "ask_promotion"),
        turn.button("sizes", "ask_size"),
    ]


def foreign_menu(turn: Turn) -> list[dict]:
    """The same for somebody who writes in another language than is spoken here."""
    return [
        turn.button("foreign_order", "ask_order_status"),
        turn.button("foreign_returns", "ask_return_policy"),
        turn.button("foreign_delivery", "ask_delivery_time"),
        turn.button("foreign_person", "request_human"),
    ]


# What emoji alone may be read as; it says too little to be answered so.
_MEANT = ("affirm", "praise")


class SmallTalk(Answer):
    """Answers greet, goodbye, thank, praise, bot_challenge and affirm.

    Slots read: none.
    Slots set: language.
    Entities read: none.
    Says: the response of the intent's name; greeting, with what was looked at last if allowed.
    Failures: none; where nothing can be known of the shopper, it says less.
    """

    action_name = "action_small_talk"

    async def answer(self, turn: Turn) -> None:
        """The response named after the intent."""
        if turn.active_form and turn.intent == "greet":
            turn.say("greet_in_form")
        elif turn.intent in _MEANT and not turn.active_form and words.wordless(turn.text):
            turn.say("wordless", buttons=menu(turn))
        else:
            turn.say(turn.intent, buttons=await _opening(turn) if turn.intent == "greet" else None)


async def _opening(turn: Turn) -> list[dict]:
    """What can be had here, in the shopper's language, and the product looked at last."""
    known = await profile.known(turn)
    told = turn.entity("language")
    if not told and known.language != turn.slot("language") and known.language in LANGUAGES:
        turn.set(language=known.language)
        await turn.prepare()
    seen = [turn.button("seen", "search_product", product=one) for one in known.viewed[:1]]
    return [*seen, *menu(turn)]


class Deny(Answer):
    """Leaves it at a no that no form was waiting for.

    Slots read: none.
    Slots set: none.
    Entities read: none.
    Says: `deny`.
    Failures: none; it asks neither the graph nor the database.
    """

    action_name = "action_deny"

    async def answer(self, turn: Turn) -> None:
        """Leave it at that."""
        turn.say("deny")


class OutOfScope(Answer):
    """Says what the shop does not do, and what it does.

    Slots read: language, product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money, foot_length, height,
        weight, age.
    Says: `out_of_scope`, `wordless` or `foreign`; a product that is named is shown.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    action_name = "action_out_of_scope"

    async def answer(self, turn: Turn) -> None:
        """Say what can be had here instead."""
        if turn.entities("product") and not turn.active_form:
            if not await followed_up(turn):
                await show(turn, (await candidates(turn))[:4], "found_named")
            return
        buttons = None if turn.active_form else menu(turn)
        if words.wordless(turn.text) or words.mashed(turn.text):
            turn.say("wordless", buttons=buttons)
        elif words.foreign(turn.text) and turn.slot("language") not in LANGUAGES:
            turn.say("foreign", buttons=None if turn.active_form else foreign_menu(turn))
        else:
            turn.say("out_of_scope", buttons=buttons)


class Inform(Answer):
    """Shows what a detail names that nobody asked for: an order through the gate, or products.

    Slots read: given_number, gate_tries, product, category, offered_products, search.
    Slots set: given_number, gate_tries, last_order, product, category, offered_products, search.
    Entities read: language, order_number, phone_last4, product, category, brand, series, colour,
        size, money, foot_length, height, weight, age.
    Says: `order_shown`, products, or what is wanted of it; `language_changed` where another
        language is asked for.
    Failures: the gate refuses: its one sentence, after three times a person; graph or database
        away: `unavailable`, with the way to a person.
    """

    action_name = "action_inform"

    async def answer(self, turn: Turn) -> None:
        """Show what the detail names."""
        if any(entity.get("asked") for entity in turn.entities("language")):
            turn.say("language_changed", buttons=None if turn.active_form else menu(turn))
            return
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
            turn.say("inform", buttons=menu(turn))


async def _show_order(turn: Turn, number: str) -> None:
    if turn.shopper is None:
        turn.set(given_number=number)
    # Whoever is signed in opens their own orders alone, whatever digits they know.
    last4 = turn.entity("phone_last4")
    if turn.shopper is None and not last4:
        # A number alone proves nothing, and is no failed try either.
        turn.say("question_order_guest")
        return
    try:
        order = await in_thread(gate.open_order, turn.viewer, number, str(last4) if last4 else None)
    except gate.GateLocked:
        turn.say("gate_locked", buttons=[to_person(turn)])
        return
    except gate.GateRefused:
        say_refused(turn)
        return
    order = (await in_language([order]))[0]
    turn.set(last_order=order.number, given_number=None, gate_tries=0)
    turn.say(
        "order_shown",
        cards=[order_card(turn, order)],
        order=order.number,
        buttons=[
            turn.button("order_state", "ask_order_status"),
            turn.button("track", "track_shipment"),
            turn.button("after_sale", "request_return"),
        ],
    )
