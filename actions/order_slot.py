"""Which order a flow is about: taken from the message, opened through the gate, else asked for.

Slots: `order_id` (opened, never anything else), `last_order` (the one spoken of last, across
flows), `offered_orders` (numbers shown, for 第二个), `given_number` (said, but not yet opened),
`gate_tries` (refusals in this flow).
"""

from __future__ import annotations

from dataclasses import replace

from actions import words
from actions.base import to_person
from actions.cards import order_card
from actions.knowledge import graph, speaks_other
from actions.turn import Turn, in_thread
from kg import catalogue
from shop import gate, orders
from shop.orders import Order

SLOTS = ("order_id", "offered_orders", "given_number", "gate_tries")
OFFERED = 6
TRIES = 3


async def current_order(turn: Turn) -> Order | None:
    """The order that the flow has opened."""
    return await _opened(turn, turn.slot("order_id"))


async def of_shopper(turn: Turn) -> list[Order]:
    """The orders of whoever is signed in."""
    return await in_language(await in_thread(orders.of_shopper, turn.shopper))


async def in_language(found: list[Order]) -> list[Order]:
    """Orders whose goods are called as the graph calls them in the language spoken.

    In Chinese, and where a product is sold no more, they keep the name they were bought by.
    """
    if not speaks_other():
        return found
    ids = {line.product_id for order in found for line in order.lines}
    names = {product.id: product.name for product in await catalogue.products(graph(), list(ids))}
    return [
        replace(
            order,
            lines=[
                replace(line, title=names.get(line.product_id, line.title)) for line in order.lines
            ],
        )
        for order in found
    ]


async def likelier(turn: Turn, order: Order, states: tuple[str, ...]) -> Order:
    """The order that a question is about: the one at hand, unless it is in none of `states` and
    the shopper has exactly one that is (asked where the parcel is, of one long delivered)."""
    if order.state in states:
        return order
    return await _only(turn, states) or order


async def take_order(
    turn: Turn,
    starting: bool,
    states: tuple[str, ...] = orders.STATES,
    likely: tuple[str, ...] = (),
) -> bool:
    """Open the order that the message names; whether the message was about that.

    At the start of a flow the order spoken of last counts as named, or, if only one of a known
    shopper's orders is in one of `likely` or else of `states`, that one.
    """
    said_other = not turn.chosen and words.means_another_order(turn.text)
    number = turn.entity("order_number") or _picked(turn)
    if number:
        return await _open(turn, number)
    if said_other:
        turn.set(order_id=None, given_number=None, last_order=None)
        return True
    if turn.slot("given_number") and _last4(turn):
        return await _open(turn, turn.slot("given_number"))
    if starting:
        return await _presume(turn, states, likely)
    return False


async def ask_order(
    turn: Turn, states: tuple[str, ...] = orders.STATES, first: tuple[str, ...] = ()
) -> str:
    """Ask which order is meant, offering those in `first` before others; the slot asked for."""
    if turn.shopper is None:
        given = turn.slot("given_number")
        turn.say("question_phone_last4" if given else "question_order_guest", order=given or "")
        return "order_id"
    mine = await of_shopper(turn)
    fitting = [order for order in mine if order.state in states]
    offered = sorted(fitting, key=lambda order: order.state not in first)[:OFFERED]
    turn.set(offered_orders=[order.number for order in offered])
    if offered:
        turn.say(
            "question_order", cards=[order_card(turn, order, choose=True) for order in offered]
        )
    else:
        turn.say("question_order_number")
    return "order_id"


def _picked(turn: Turn) -> str | None:
    if turn.slot("requested_slot") != "order_id" or turn.slot("order_id"):
        return None
    return turn.picked(turn.slot("offered_orders"))


def _last4(turn: Turn) -> str | None:
    digits = turn.entity("phone_last4")
    phone = turn.entity("phone")
    return str(digits) if digits else (str(phone)[-4:] if phone else None)


async def _opened(turn: Turn, number: str | None) -> Order | None:
    order = await in_thread(orders.find, number) if number else None
    # Who is signed in may change within a conversation; what the one opened is not the other's.
    if order is not None and turn.shopper not in (None, order.shopper):
        return None
    return (await in_language([order]))[0] if order else None


async def _presume(turn: Turn, states: tuple[str, ...], likely: tuple[str, ...]) -> bool:
    order = await _opened(turn, turn.slot("last_order"))
    if order is not None and likely:
        order = await likelier(turn, order, likely)
    if order is None:
        order = await _only(turn, likely) or await _only(turn, states)
    if order is None:
        return False
    turn.set(order_id=order.number, last_order=order.number)
    return True


async def _only(turn: Turn, states: tuple[str, ...]) -> Order | None:
    if turn.shopper is None:
        return None
    mine = await of_shopper(turn)
    fitting = [order for order in mine if order.state in states]
    return fitting[0] if len(fitting) == 1 else None


async def _open(turn: Turn, number: str) -> bool:
    # Whoever is signed in opens their own orders alone, whatever digits they know.
    last4 = _last4(turn)
    known = number in (turn.slot("order_id"), turn.slot("last_order"))
    if known and await _opened(turn, number):
        turn.set(order_id=number, last_order=number, given_number=None)
        return True
    if turn.shopper is None and last4 is None:
        turn.set(given_number=number, order_id=None)
        return True
    try:
        order = await in_thread(gate.open_order, turn.viewer, number, last4)
    except gate.GateLocked:
        turn.say("gate_locked", buttons=[to_person(turn)])
        turn.set(order_id=None, given_number=None, outcome="locked")
        return True
    except gate.GateRefused:
        turn.set(order_id=None, given_number=None)
        if say_refused(turn):
            turn.set(outcome="refused")
        return True
    turn.set(order_id=order.number, last_order=order.number, given_number=None, gate_tries=0)
    return True


def say_refused(turn: Turn) -> bool:
    """The gate's one sentence, and a person after `TRIES` of it; whether that was offered."""
    tries = (turn.slot("gate_tries") or 0) + 1
    turn.set(gate_tries=tries)
    turn.say("gate_refused")
    if tries >= TRIES:
        turn.say("gate_person", buttons=[to_person(turn)])
    return tries >= TRIES
