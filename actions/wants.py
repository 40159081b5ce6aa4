"""What a shopper says of the goods they look for, beside kind, brand and price.

Read off the text: a colour, cheaper or dearer than what was shown, another brand, other ones, and
the rest of the words, which is compared with what the products say of themselves (透气, 拍照 …).
"""

from __future__ import annotations

import math
from collections import Counter

from actions import cues
from actions.likeness import pieces
from kg.catalogue import Product
from kg.text import fold


def colour(text: str) -> str | None:
    """A plain colour that the text asks for (黑色, 有黑的吗, in black), as the graph's 黑."""
    found = cues.found("search.colour", text)
    if found:
        return found["a"] or found["b"]
    named = cues.found("search.colour_word", text)
    return cues.value("search.colours", named[0]) if named else None


def elliptical(text: str) -> bool:
    """Whether a property alone is said, of what was looked for before (降噪的, 要加绒的)."""
    return cues.is_whole("search.elliptical", text.strip())


def cheaper(text: str) -> bool:
    """Whether something cheaper is asked for."""
    return cues.says("search.cheaper", text)


def dearer(text: str) -> bool:
    """Whether something better, at a higher price, is asked for."""
    return cues.says("search.dearer", text) and not cheaper(text)


def another_brand(text: str) -> bool:
    """Whether other brands than those shown are asked for."""
    return cues.says("search.another_brand", text)


def others(text: str) -> bool:
    """Whether other goods than those shown are asked for."""
    return cues.says("search.others", text)


def rest(text: str, named: list[str]) -> str:
    """What the text says beside the names that were found in it and words of asking."""
    for name in sorted(named, key=len, reverse=True):
        text = text.replace(name, " ")
    said = cues.without("search.filler", text)
    return " ".join("".join(c if c.isalpha() else " " for c in said).split())


def fitting(products: list[Product], need: str) -> list[Product]:
    """The products in order of how well they fit the words, without those that say they do not."""
    kept = [product for product in products if not _denies(product, need)]
    wanted = pieces(need)
    told = {product.id: pieces(_told(product)) & wanted for product in kept}
    spread = Counter(piece for found in told.values() for piece in found)
    weight = {piece: math.log((1 + len(kept)) / count) for piece, count in spread.items()}
    score = {id: sum(weight[piece] for piece in found) for id, found in told.items()}
    return sorted(kept, key=lambda product: -score[product.id])


def same_size(advised: str, offered: str) -> bool:
    """A product's size may say more than the one meant ("NB 68片") or span several ("39-42")."""
    first = offered.split(" ")[0]
    low, dash, high = first.partition("-")
    if dash and low.isdigit() and high.isdigit() and advised.isdigit():
        return int(low) <= int(advised) <= int(high)
    return first == advised


def _told(product: Product) -> str:
    facts = " ".join(f"{name} {value}" for name, value in product.attributes.items())
    return f"{product.name} {product.description} {facts} {' '.join(product.tags)}"


def _denies(product: Product, need: str) -> bool:
    said = fold(need)
    return any(
        fold(name) in said and cues.says("fact.denies", value)
        for name, value in product.attributes.items()
    )
