"""Searching the catalogue by what a shopper says, and recommending what goes with a product."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace

from actions import cues, profile, wants
from actions.base import Answer
from actions.faq_answers import answer_from_faq
from actions.focus import Mention, candidates, mention, show
from actions.knowledge import graph
from actions.stock import say_stock
from actions.turn import Turn, in_thread
from kg import catalogue, promotions
from kg.catalogue import Product
from shop import clock, offers

_NUMBER = re.compile(r"\d{2,5}")
# Kinds that are said more widely than a category is named: category for adults, for children.
_WIDE = {
    "shoes": ("sports_shoes", "kids_shoes"),
    "clothes": ("sportswear", "kids_clothing"),
    "jacket": ("sports_jackets", "kids_clothing"),
    "bag": ("kids_backpacks", "kids_backpacks"),
}


@dataclass(frozen=True)
class Query:
    """What is looked for; prices in yuan. `below` is a price that must be undercut, `need` the
    words beside the names, `without` brands not wanted, `seen` products not to be shown again."""

    category: str | None = None
    brand: str | None = None
    series: str | None = None
    audience: str | None = None
    colour: str | None = None
    size: str | None = None
    price_from: float | None = None
    price_to: float | None = None
    below: float | None = None
    need: str | None = None
    without: list[str] | None = None
    seen: list[str] | None = None

    def __bool__(self) -> bool:
        return any((self.category, self.brand, self.series))

    def as_slot(self) -> dict:
        """The query as a slot's value."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    async def words(self, turn: Turn) -> str:
        """The query as a shopper would say it."""
        said = {
            "series": turn.named(self.series) if self.series else "",
            "colour": _colour_name(turn, self.colour) if self.colour else "",
            "size": turn.phrase("query.size", size=turn.named(self.size)) if self.size else "",
            "price": self._price_words(turn),
        }
        if self.brand:
            brand = await catalogue.brand(graph(), self.brand)
            said["brand"] = brand.name if brand else self.brand
        category = await catalogue.category(graph(), self.category) if self.category else None
        if category:
            kind, alone = category.name, not any(said.values())
            said["kind"] = kind if alone else turn.phrase("query.of_kind", name=kind)
        parts = [said[name] for name in turn.phrase("query.order").split() if said.get(name)]
        joint = turn.phrase("query.joint")
        if len(parts) < 3:
            return joint.join(parts)
        return " ".join(parts[:-1]) + joint + parts[-1]

    def _price_words(self, turn: Turn) -> str:
        words = []
        if self.price_to and self.price_from:
            words.append(turn.phrase("query.between", low=self.price_from, high=self.price_to))
        elif self.price_to:
            words.append(turn.phrase("query.up_to", price=self.price_to))
        elif self.price_from:
            words.append(turn.phrase("query.from", price=self.price_from))
        if self.below:
            words.append(turn.phrase("query.below", price=self.below))
        return " ".join(words)


def _colour_name(turn: Turn, colour: str) -> str:
    """A plain colour is a sign (黑); any other is the name of a product's."""
    return turn.phrase(f"colour.{colour}") if len(colour) == 1 else turn.named(colour)


def wide_category(text: str, audience: str | None) -> str | None:
    """The category that a wide word (鞋, 衣服) stands for, or None."""
    kind = cues.which("kind", text)
    return _WIDE[kind][audience == "kids"] if kind else None


def _wide(turn: Turn, named: Mention) -> str | None:
    return None if named.series or turn.chosen else wide_category(turn.text, named.audience)


async def read_query(turn: Turn) -> Query:
    """The query of this message, joined with the last one where it only narrows that."""
    named = mention(turn)
    low, high = _price(turn)
    kinds = ("category", "brand", "series", "product", "colour", "size", "money")
    said = [turn.text[e["start"] : e["end"]] for kind in kinds for e in turn.entities(kind)
            if e.get("end")]  # fmt: skip
    fresh = Query(
        category=named.category or _wide(turn, named),
        brand=named.brand,
        series=named.series,
        audience=named.audience,
        colour=turn.entity("colour") or wants.colour(turn.text),
        size=turn.entity("size"),
        price_from=low,
        price_to=high,
        need=None if turn.chosen else wants.rest(turn.text, said) or None,
    )
    before = Query(**(turn.slot("search") or {}))
    if fresh.category or fresh.series or not before:
        return fresh
    joined = Query(**{**before.as_slot(), "seen": None, **fresh.as_slot()})
    if joined.need and before.need and fresh.need:
        joined = replace(joined, need=f"{before.need} {fresh.need}")
    return await _beside_shown(turn, joined, priced=bool(low or high))


async def _beside_shown(turn: Turn, query: Query, priced: bool) -> Query:
    """The query, with what the message says of those that were shown (cheaper, another brand)."""
    ids = turn.slot("offered_products") or []
    if priced:
        return replace(query, below=None)
    if ids and (wants.cheaper(turn.text) or wants.dearer(turn.text)):
        offered = await in_thread(offers.many, ids)
        prices = [offer.price_min / 100 for offer in offered.values() if offer.price_min]
        if prices and wants.cheaper(turn.text):
            return replace(query, below=min(prices), price_to=None)
        if prices:
            return replace(query, price_from=max(prices), below=None, seen=ids)
    if ids and wants.another_brand(turn.text):
        shown = await catalogue.products(graph(), ids)
        brands = {product.brand for product in shown}
        return replace(query, brand=None, without=sorted(brands | set(query.without or [])))
    if ids and wants.others(turn.text):
        return replace(query, seen=ids)
    return query


def narrows(turn: Turn) -> bool:
    """Whether the message can be read as narrowing the search before it."""
    text = turn.text
    return bool(turn.slot("search")) and not turn.chosen and bool(
        any(turn.entities(kind) for kind in ("colour", "money", "brand", "category", "size"))
        or wants.elliptical(text)
        or wants.colour(text) or wants.cheaper(text) or wants.dearer(text)
        or wants.another_brand(text) or wants.others(text)
        or any(_price(turn)) or mention(turn).audience
    )  # fmt: skip


async def find(query: Query) -> list[Product]:
    """The products that the query asks for, the fitting ones first."""
    if not query:
        return []
    scope = {"category": query.category, "brand": query.brand, "series": query.series}
    found = await catalogue.search(graph(), **scope, audience=query.audience, limit=100)
    if not found and query.audience:
        found = await catalogue.search(graph(), **scope, limit=100)
    found = wants.fitting(found, query.need) if query.need else found
    return await _narrowed(query, found)


async def _narrowed(query: Query, found: list[Product]) -> list[Product]:
    offered = await in_thread(offers.many, [product.id for product in found])
    price = {id: (offer.price_min or 0) / 100 for id, offer in offered.items()}
    kept = [
        product
        for product in found
        if product.brand not in (query.without or [])
        and product.id not in (query.seen or [])
        and not (query.price_to and price[product.id] > query.price_to)
        and not (query.price_from and price[product.id] < query.price_from)
        and not (query.below and price[product.id] >= query.below)
        and not (query.size and not any(wants.same_size(query.size, s) for s in product.sizes))
        and not (query.colour and not any(_same_colour(query.colour, c) for c in product.colours))
    ]
    if query.below:
        kept.sort(key=lambda product: price[product.id])
    return sorted(kept, key=lambda product: not offered[product.id].in_stock)


def _same_colour(wanted: str, colour: str) -> bool:
    return wanted in colour or wanted.rstrip("色")[-1:] in colour


def _price(turn: Turn) -> tuple[float | None, float | None]:
    amounts = [float(entity["value"]) for entity in turn.entities("money")]
    text = "" if turn.chosen else turn.text
    span = cues.found("search.range", text)
    if span:
        return float(span["low"]), float(span["high"])
    bare = _NUMBER.search(text)
    bounded = cues.says("search.up_to", text) or cues.says("search.from", text)
    if not amounts and bare and bounded:
        amounts = [float(bare[0])]
    if len(amounts) >= 2:
        return min(amounts), max(amounts)
    if not amounts:
        return None, None
    if cues.says("search.from", turn.text):
        return amounts[0], None
    if cues.says("search.about", turn.text):
        return amounts[0] * 0.75, amounts[0] * 1.25
    return None, amounts[0]


async def show_found(turn: Turn, query: Query, response: str) -> None:
    """Show what the query finds; where nothing fits wholly, say so and show what comes near."""
    profile.note_interest(turn, query.category, query.brand)
    found = await find(query)
    what = await query.words(turn)
    turn.set(category=query.category or turn.slot("category"), search=query.as_slot(), product=None)
    if found:
        await show(turn, found[:5], response, what=what)
        return
    near = await _near(query)
    if not near:
        turn.say("found_none", what=what)
        return
    response = "found_cheapest" if query.below and not query.without else "found_near"
    await show(turn, near[:4], response, what=what)


async def _near(query: Query) -> list[Product]:
    """What is found when the query asks for less: first any colour and size, then any price."""
    looser = replace(query, colour=None, size=None)
    any_price = replace(looser, below=None, price_from=None, price_to=None, seen=None)
    for tried in (looser, any_price, replace(any_price, without=None)):
        near = await find(tried)
        if near:
            break
    if query.below or query.price_to:
        offered = await in_thread(offers.many, [product.id for product in near])
        near.sort(key=lambda product: offered[product.id].price_min or 0)
    elif query.price_from:
        offered = await in_thread(offers.many, [product.id for product in near])
        near.sort(key=lambda product: -(offered[product.id].price_max or 0))
    return near


class SearchProduct(Answer):
    """Searches by kind, brand, price, colour, size and need; a follow-up narrows the last search.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `found…` with cards, or the FAQ's answer.
    Failures: nothing fits wholly: what comes near; graph or database away: `unavailable`, with
        the way to a person.
    """

    action_name = "action_search"

    async def answer(self, turn: Turn) -> None:
        """Products by kind, brand, audience, price, colour, size and the words of the need."""
        if turn.entities("product"):
            found = await candidates(turn)
            if len(found) == 1 and (wants.colour(turn.text) or turn.entity("size")):
                turn.set(product=found[0].id)
                await say_stock(turn, found[0])
            else:
                await show(turn, found[:5], "found_named")
            return
        if (
            turn.slot("product")
            and cues.says("goods.goes_with", turn.text)
            and mention(turn).category
        ):
            await Recommend().answer(turn)
            return
        query = await read_query(turn)
        if query:
            await show_found(turn, query, "found")
            return
        need = wants.rest("" if turn.chosen else turn.text, [])
        named = await catalogue.search(graph(), text=need, limit=5) if len(need) >= 2 else []
        if named:
            await show(turn, named, "found_words", what=need)
        elif await answer_from_faq(turn):
            return
        elif len(need) >= 2 and not query.price_to and not query.price_from:
            turn.say("found_none", what=need)
        else:
            turn.say("question_search")


class Recommend(Answer):
    """Recommends what goes with a product, with the offer that joins them, or good ones of a kind.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `goes_with…` or `recommend` with cards, or what is still to be known.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

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
        if base and wanted.category not in base.category_path:
            await self._with(turn, base, wanted.category)
            return
        query = await read_query(turn)
        if query:
            await show_found(turn, query, "recommend")
        elif cues.says("goods.is_there", turn.text) and len(wants.rest(turn.text, [])) >= 2:
            await SearchProduct().answer(turn)
        else:
            turn.say("question_recommendation")

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
