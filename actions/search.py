"""Searching the catalogue by what a shopper says, and recommending what goes with a product."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from actions.base import Answer
from actions.focus import candidates, mention, show
from actions.knowledge import graph
from actions.turn import Turn, in_thread
from kg import catalogue, promotions
from kg.catalogue import Product
from shop import clock, offers

_UP_TO = re.compile(r"(以内|以下|不超过|不到|之内|封顶|便宜)")
_FROM = re.compile(r"(以上|起步|高于|不低于)")
_NUMBERS = re.compile(r"(\d{2,5})\s*(?:[-~到至]\s*(\d{2,5}))?")


@dataclass(frozen=True)
class Query:
    """What is looked for; prices in yuan."""

    category: str | None = None
    brand: str | None = None
    series: str | None = None
    audience: str | None = None
    colour: str | None = None
    size: str | None = None
    price_from: float | None = None
    price_to: float | None = None

    def __bool__(self) -> bool:
        return any((self.category, self.brand, self.series))

    def as_slot(self) -> dict:
        """The query as a slot's value."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    async def words(self) -> str:
        """The query as a shopper would say it."""
        parts = []
        if self.brand:
            brand = await catalogue.brand(graph(), self.brand)
            parts.append(brand.name if brand else self.brand)
        parts += [part for part in (self.series, self.colour, self.size) if part]
        if self.category:
            category = await catalogue.category(graph(), self.category)
            parts.append(category.name if category else self.category)
        if self.price_to:
            parts.append(f"{self.price_to:g} 元以内")
        if self.price_from:
            parts.append(f"{self.price_from:g} 元以上")
        return " ".join(parts)


async def find(turn: Turn) -> tuple[Query, list[Product]]:
    """The query of this message, joined with the last one where it only narrows, and its finds."""
    named = mention(turn)
    low, high = _price(turn)
    query = Query(
        category=named.category,
        brand=named.brand,
        series=named.series,
        audience=named.audience,
        colour=turn.entity("colour"),
        size=turn.entity("size"),
        price_from=low,
        price_to=high,
    )
    if not query:
        before = turn.slot("search") or {}
        query = Query(**{**before, **query.as_slot()})
    if not query:
        return query, []
    found = await catalogue.search(
        graph(),
        category=query.category,
        brand=query.brand,
        series=query.series,
        audience=query.audience,
        limit=50,
    )
    if not found and query.audience:
        found = await catalogue.search(
            graph(), category=query.category, brand=query.brand, series=query.series, limit=50
        )
    return query, await _narrowed(query, found)


async def _narrowed(query: Query, found: list[Product]) -> list[Product]:
    offered = await in_thread(offers.many, [product.id for product in found])
    kept = []
    for product in found:
        cheapest = (offered[product.id].price_min or 0) / 100
        if query.price_to and cheapest > query.price_to:
            continue
        if query.price_from and cheapest < query.price_from:
            continue
        if query.size and query.size not in product.sizes:
            continue
        if query.colour and not any(_same_colour(query.colour, c) for c in product.colours):
            continue
        kept.append(product)
    return sorted(kept, key=lambda product: not offered[product.id].in_stock)


def _same_colour(wanted: str, colour: str) -> bool:
    return wanted.rstrip("色")[-1:] in colour


def _price(turn: Turn) -> tuple[float | None, float | None]:
    amounts = [float(entity["value"]) for entity in turn.entities("money")]
    span = _NUMBERS.search(turn.text)
    if span and span.group(2):
        return float(span.group(1)), float(span.group(2))
    if not amounts and span and (_UP_TO.search(turn.text) or _FROM.search(turn.text)):
        amounts = [float(span.group(1))]
    if len(amounts) >= 2:
        return min(amounts), max(amounts)
    if not amounts:
        return None, None
    if _FROM.search(turn.text):
        return amounts[0], None
    if "左右" in turn.text:
        return amounts[0] * 0.75, amounts[0] * 1.25
    return None, amounts[0]


class SearchProduct(Answer):
    """Entities read: category, brand, series, colour, size, money, age. Sets `offered_products`,
    `category`; remembers what was searched so that a follow-up narrows it."""

    action_name = "action_search"

    async def answer(self, turn: Turn) -> None:
        """Products by kind, brand, audience, price, colour and size."""
        query, found = await find(turn)
        turn.set(category=query.category or turn.slot("category"), search=query.as_slot())
        if not query:
            turn.say("question_search")
        elif found:
            await show(turn, found[:5], "found", what=await query.words())
        else:
            turn.say("found_none", what=await query.words())


class Recommend(Answer):
    """Entities read: product, category. What goes with a product, with the offer that joins them;
    else good things of a kind."""

    action_name = "action_recommend"

    async def answer(self, turn: Turn) -> None:
        """What goes with the product in focus, or products of the kind named."""
        wanted = mention(turn)
        known = turn.slot("product")
        found = await candidates(turn)
        base = found[0] if len(found) == 1 else None
        if base is None and known and wanted.category:
            base = next(iter(await catalogue.products(graph(), [known])), None)
            if base and wanted.category in base.category_path:
                base = None
        if base:
            await self._with(turn, base, wanted.category)
            return
        query, products = await find(turn)
        if not query:
            turn.say("question_recommendation")
        elif products:
            turn.set(search=query.as_slot())
            await show(turn, products[:4], "recommend", what=await query.words())
        else:
            turn.say("found_none", what=await query.words())

    @staticmethod
    async def _with(turn: Turn, base: Product, category: str | None) -> None:
        fitting = await catalogue.goes_with(graph(), base.id)
        fitting += await catalogue.compatible_with(graph(), base.id)
        if base.series:
            fitting += await catalogue.same_series(graph(), base.id)
        if category:
            fitting = [p for p in fitting if category in p.category_path]
        unique = list({product.id: product for product in fitting}.values())[:4]
        turn.set(product=base.id)
        if not unique:
            turn.say("goes_with_none", name=base.name)
            return
        offer = await joint_offer(base, unique)
        await show(turn, unique, "goes_with", name=base.name, offer=offer)
        turn.set(product=base.id)


async def joint_offer(base: Product, others: list[Product]) -> str:
    """The promotion that buying these together brings, as a sentence, or nothing."""
    for other in others:
        for promotion in await promotions.in_force(graph(), clock.today(), product_id=other.id):
            needs = promotion.needs
            if not needs.get("with_categories") and not needs.get("same_series"):
                continue
            if needs.get("same_series") and other.series != base.series:
                continue
            if needs.get("same_brand") and other.brand != base.brand:
                continue
            wanted = needs.get("with_categories") or base.category_path
            if set(wanted) & set(base.category_path):
                return promotion.text
    return ""
