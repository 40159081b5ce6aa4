"""Which product, or which kind of product, a message is about.

A product is named in the text (linked to the graph), picked from those shown last (第二个), pointed
back to (那双), or the one whose page the shopper is looking at. Slots: `product` (spoken of last),
`category` (the kind spoken of last), `offered_products` (shown last).
"""

from __future__ import annotations

from dataclasses import dataclass

from actions import words
from actions.cards import product_card
from actions.knowledge import graph
from actions.turn import Turn, button, in_thread
from kg import catalogue
from kg.catalogue import Product
from shop import offers

AUDIENCES = (
    ("kids", ("儿童", "小孩", "孩子", "宝宝", "童", "女儿", "儿子", "小朋友", "娃")),
    ("women", ("女士", "女生", "女款", "女式", "老婆", "女朋友", "妈妈", "女的")),
    ("men", ("男士", "男生", "男款", "男式", "老公", "男朋友", "爸爸", "男的")),
)


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
    audience = next(
        (name for name, signs in AUDIENCES if any(sign in turn.text for sign in signs)), None
    )
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
    known = turn.metadata.get("product") or turn.slot("product")
    if known and (not named or words.points_back(turn.text)):
        return await catalogue.products(graph(), [known])
    return []


async def product_or_ask(turn: Turn) -> Product | None:
    """The one product that is meant; else asks which and returns None."""
    found = await candidates(turn)
    if len(found) == 1:
        turn.set(product=found[0].id)
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
    if found:
        await show(turn, found[:4], "which_product", intent=turn.intent)
    else:
        turn.say("question_product")
    return None


async def show(
    turn: Turn, products: list[Product], response: str, intent: str | None = None, **values
) -> None:
    """Show products as cards, and remember them for 第二个; `intent` asks the same of the chosen."""
    offered = await in_thread(offers.many, [product.id for product in products])
    cards = [product_card(product, offered[product.id]) for product in products]
    if intent:
        for card in cards:
            card["buttons"] = [button("就这款", intent, product=card["id"])]
    turn.set(offered_products=[product.id for product in products])
    if len(products) == 1:
        turn.set(product=products[0].id)
    turn.say(response, cards=cards, count=len(products), **values)
