"""What can be had in exchange for a bought thing: the same again, or another size or colour.

Slots: `offered_sizes` (what was offered, as named to the shopper), `new_size` (what is wanted).
"""

from __future__ import annotations

from actions import cues
from actions.knowledge import graph
from actions.turn import Turn, in_thread
from kg import catalogue
from shop import offers
from shop.orders import Line


async def wanted_instead(turn: Turn, line: Line, reason: str) -> list[str]:
    """The names of what is in stock to choose from.

    Wrong size: the other sizes of the same colour. No reason: the other colours of the same size,
    else whatever else there is. Anything else: the very same again, so there is nothing to choose.
    Empty where the product is not sold any more, nothing fitting is in stock, or something was left
    out, which is sent on as it was ordered.
    """
    if reason == "missing_item":
        return []
    product = await catalogue.product(graph(), line.product_id)
    if product is None:
        return []
    own = next((variant for variant in product.variants if variant.sku == line.sku), None)
    if own is None:
        return []
    if reason not in ("size", "no_reason"):
        return [_name(turn, own)]
    offer = await in_thread(offers.offers_for, line.product_id)
    others = [
        variant
        for variant in product.variants
        if variant.sku != own.sku
        and variant.sku in offer.variants
        and offer.variants[variant.sku].stock > 0
    ]
    if reason == "size":
        return _unique([v.size for v in others if v.colour == own.colour and v.size])
    colours = _unique([v.colour for v in others if v.size == own.size and v.colour])
    return colours or [_name(turn, variant) for variant in others]


def wanted_in(turn: Turn) -> str | None:
    """Which of the things offered the message names: by its name, or by its place."""
    offered = turn.slot("offered_sizes") or []
    said = str(
        turn.entity("size") or cues.without("after_sale.size_mark", turn.text.strip(), "")
    ).upper()
    named = [name for name in offered if said in (name.upper(), turn.named(name).upper())]
    # A letter or a number within a sentence may mean anything; a colour's name does not.
    named = named or [
        name
        for name in offered
        if not name.isascii() and any(one in turn.text for one in (name, turn.named(name)))
    ]
    return named[0] if named else turn.picked(offered)


def size_named(turn: Turn) -> str | None:
    """The size that the message asks for unbidden (42 码大了，换 41), the last it names."""
    sizes = turn.entities("size")
    if turn.chosen or not sizes or not cues.says("after_sale.wants_size", turn.text):
        return None
    return str(sizes[-1]["value"])


def _name(turn: Turn, variant: catalogue.Variant) -> str:
    named = "/".join(part for part in (variant.colour, variant.size) if part)
    return named or turn.phrase("after_sale.same_goods")


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))
