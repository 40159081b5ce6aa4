"""What there is of a product: the colours and sizes that a message names, and how many are left."""

from __future__ import annotations

import re

from actions import cues, wants
from actions.turn import Turn, in_thread
from kg.catalogue import Product
from shop import offers

# In so short a message (那43呢) a number that is a size of the product means that size.
_SHORT = 8


async def say_stock(turn: Turn, product: Product) -> None:
    """What there is of a product in the colour and size that the message names."""
    offer = await in_thread(offers.offers_for, product.id)
    if await _not_made(turn, product):
        return
    wanted = [v for v in product.variants if _fits(v, turn, product)]
    here = [v for v in wanted if v.sku in offer.variants and offer.variants[v.sku].stock > 0]
    gone = [v for v in wanted if v not in here]
    if not gone:
        few = min((offer.variants[v.sku].stock for v in here), default=0)
        turn.say(
            "stock_few" if few <= 5 and len(here) == 1 else "stock_yes",
            name=product.name,
            which=_behind_name(turn, _names(turn, wanted, product)),
            left=few,
        )
        return
    days = [offer.variants[v.sku].restock_days for v in gone if v.sku in offer.variants]
    back = min((d for d in days if d), default=None)
    turn.say(
        "stock_part" if here else "stock_none",
        name=product.name,
        which=_behind_name(turn, _names(turn, gone, product)),
        rest=_rest(turn, wanted, here, product),
        back=turn.phrase("stock.back", days=back) if back else turn.phrase("stock.back_unknown"),
    )


async def _not_made(turn: Turn, product: Product) -> bool:
    size, colour = turn.entity("size"), wants.colour(turn.text)
    if size and product.sizes and not any(wants.same_size(size, known) for known in product.sizes):
        turn.say("size_not_made", name=product.name, size=size, sizes=turn.joined(product.sizes))
        return True
    if colour and product.colours and not any(colour in known for known in product.colours):
        made = turn.joined(product.colours)
        wanted = turn.phrase(f"colour.{colour}")
        turn.say("colour_not_made", name=product.name, colour=wanted, colours=made)
        return True
    return False


def version(product: Product, turn: Turn) -> str | None:
    """The size or version of the product that the message names (42码, 12+256), or None."""
    said = turn.entity("size")
    if said in product.sizes:
        return said
    if len(turn.text) <= _SHORT:
        for size in product.sizes:
            if re.search(rf"(?<!\d){re.escape(size)}(?!\d)", turn.text):
                return size
    text = re.sub(r"\s|g|b", "", cues.without("search.plus", turn.text.lower(), "+"))
    for size in product.sizes:
        plain = re.sub(r"\s|g|b", "", size.lower())
        if len(plain) >= 3 and (plain in text or size.lower() in turn.text.lower()):
            return size
    return None


def _fits(variant, turn: Turn, product: Product) -> bool:
    asked = wants.colour(turn.text)
    linked = [entity["value"] for entity in turn.entities("colour")]
    colours = [c for c in product.colours if c in linked or c.rstrip("色") in turn.text]
    if not colours and asked:
        colours = [c for c in product.colours if asked in c]
    size = version(product, turn)
    return (not colours or variant.colour in colours) and (not size or variant.size == size)


def _rest(turn: Turn, wanted, here, product: Product) -> str:
    """What is there: by name where some were asked for, else the others with their sizes."""
    if len(wanted) < len(product.variants):
        return _names(turn, here, product)
    sizes = [size for size in product.sizes if any(v.size == size for v in here)]
    if len(sizes) > 1:
        return turn.phrase("stock.rest_sizes", sizes=turn.joined(sizes))
    return turn.phrase("stock.rest")


def _behind_name(turn: Turn, which: str) -> str:
    return turn.phrase("stock.which", which=which) if which else ""


def _names(turn: Turn, variants, product: Product) -> str:
    """Variants as they are spoken of: 黑色 39、40；云白 41, or one size with its colours."""
    if len(variants) == len(product.variants):
        sizes = [size for size in product.sizes if not cues.is_whole("size.one_size", size)]
        several = len(sizes) > 1
        return turn.phrase("stock.all_sizes", sizes=turn.joined(sizes)) if several else ""
    sizes = list(dict.fromkeys(v.size for v in variants))
    colours = list(dict.fromkeys(v.colour for v in variants if v.colour))
    if len(sizes) == 1 and len(colours) > 1:
        return turn.phrase(
            "stock.size_colours", size=turn.named(sizes[0]), colours=turn.joined(colours)
        )
    if not colours:
        return turn.joined(sizes)
    sizes_of = {c: [v.size for v in variants if v.colour == c] for c in colours}
    return turn.phrase("list.clauses").join(
        f"{turn.named(colour)} {turn.joined(sizes_of[colour])}".strip() for colour in colours
    )
