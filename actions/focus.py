"""Which product, or which kind of product, a message is about.

A product is named in the text (linked to the graph), picked from those shown last (第二个), pointed
back to (那双), the one whose page the shopper is looking at, or, with consent, the one looked at
last on the pages (刚才看的). Slots: `product` (spoken of last),
`category` (the kind spoken of last), `offered_products` (shown last).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions import cues, profile
from actions.cards import product_card
from actions.knowledge import graph
from actions.turn import Turn, in_thread
from kg import catalogue
from kg.catalogue import Product
from shop import offers

# Model names as they are typed (S13, x8 Pro, P3001), which the graph may know by a longer name.
_MODEL = re.compile(
    r"(?<![a-z0-9])[a-z]{1,8}\s?\d{1,4}(?!\d)(?:\s?(?:pro|max|lite|ultra|air))?", re.IGNORECASE
)
_PRODUCT_ID = re.compile(r"P\d{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """What the text names beside a product: ids of category and brand, a series, an audience."""

    category: str | None
    brand: str | None
    series: str | None
    audience: str | None

    def __bool__(self) -> bool:
        return any((self.category, self.brand, self.series))


def mention(turn: Turn) -> Mention:
    """The kind of product that the message names."""
    audience = cues.which("wearer", turn.text)
    categories = [entity["value"] for entity in turn.entities("category")]
    return Mention(
        categories[-1] if categories else None,
        turn.entity("brand"),
        turn.entity("series"),
        audience,
    )


async def candidates(turn: Turn) -> list[Product]:
    """The products that the message may mean: none, the one, or several to choose from."""
    entities = turn.entities("product")
    if entities:
        ids = list(
            dict.fromkeys(id for e in entities[:1] for id in (e.get("candidates") or [e["value"]]))
        )
        return await catalogue.products(graph(), ids)
    picked = turn.picked(turn.slot("offered_products"))
    if picked:
        return await catalogue.products(graph(), [picked])
    named = mention(turn)
    if named.series:
        return await catalogue.search(
            graph(), series=named.series, brand=named.brand, category=named.category, limit=6
        )
    by_model = await _by_model(turn, named)
    if by_model:
        return by_model
    known = turn.metadata.get("product") or turn.slot("product") or await _seen(turn)
    found = await catalogue.products(graph(), [known]) if known else []
    return [product for product in found if _may_be(product, named)]


async def _seen(turn: Turn) -> str | None:
    """The product looked at last on the pages, where the message points back to such a one."""
    if turn.chosen or not cues.says("goods.seen", turn.text):
        return None
    viewed = (await profile.known(turn)).viewed
    return viewed[0] if viewed else None


async def _by_model(turn: Turn, named: Mention) -> list[Product]:
    typed = None if turn.chosen else _MODEL.search(turn.text)
    if typed is None:
        return []
    if _PRODUCT_ID.fullmatch(typed.group(0)):
        return await catalogue.products(graph(), [typed.group(0).upper()])
    found = await catalogue.search(
        graph(), text=typed.group(0), category=named.category, brand=named.brand, limit=6
    )
    # S13 is the phone that is called so, not the case made for it.
    said = typed.group(0).replace(" ", "").lower()
    own = [p for p in found if any(a.replace(" ", "").lower().endswith(said) for a in p.aliases)]
    return own or found


def _may_be(product: Product, named: Mention) -> bool:
    """Whether what the text names can be said of this product."""
    if named.category and named.category not in product.category_path:
        return False
    if named.brand and named.brand != product.brand:
        return False
    return named.audience != "kids" or product.audience in ("kids", "baby")


async def product_or_ask(turn: Turn) -> Product | None:
    """The one product that is meant; else asks which and returns None."""
    found = await candidates(turn)
    if len(found) == 1:
        turn.set(product=found[0].id)
        profile.note_interest(turn, product=found[0])
        return found[0]
    named = mention(turn)
    if not found and named:
        found = await catalogue.search(
            graph(),
            category=named.category,
            brand=named.brand,
            audience=named.audience,
            limit=4,
        )
        # What is asked next (100块以内的) narrows this.
        turn.set(search={"category": named.category, "brand": named.brand})
    if not found and not named:
        found = await catalogue.products(graph(), turn.slot("offered_products") or [])
    if found:
        if named and _only_names(turn):
            await show(turn, found[:4], "found_kind")
        else:
            await show(turn, found[:4], "which_product", intent=turn.intent)
    else:
        turn.say("question_product")
    return None


def _only_names(turn: Turn) -> bool:
    """Whether the message says no more than whether there is such a thing (有没有门锁)."""
    ends = [e.get("end") or 0 for kind in ("category", "brand") for e in turn.entities(kind)]
    said = cues.without("talk.trailing", turn.text, "").rstrip("?？。. ")
    return cues.says("goods.is_there", turn.text) and max(ends, default=0) >= len(said)


async def show(
    turn: Turn, products: list[Product], response: str, intent: str | None = None, **values
) -> None:
    """Show products as cards and remember them for 第二个; `intent` asks the same of the chosen."""
    offered = await in_thread(offers.many, [product.id for product in products])
    cards = [product_card(turn, product, offered[product.id]) for product in products]
    if intent:
        for card in cards:
            card["buttons"] = [turn.button("this_product", intent, product=card["id"])]
    turn.set(offered_products=[product.id for product in products])
    if len(products) == 1:
        turn.set(product=products[0].id)
    turn.say(response, cards=cards, count=len(products), **values)
