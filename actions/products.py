"""Facts of one product: attributes, use, what is in the box, price, stock; and comparing two."""

from __future__ import annotations

from actions import cues, wants
from actions.base import Answer, to_person
from actions.cards import money, price_range, product_card
from actions.faq_answers import answer_from_faq
from actions.focus import candidates, mention, product_or_ask
from actions.knowledge import graph
from actions.likeness import pieces
from actions.search import SearchProduct, narrows
from actions.stock import say_stock, version
from actions.turn import Turn, in_thread
from kg import catalogue
from kg.catalogue import Product
from kg.text import fold
from shop import offers


def matching(product: Product, text: str) -> dict[str, str]:
    """The attributes that the text asks about, by their names or in other words."""
    topics = [topic for topic in cues.names("asked") if cues.says(f"asked.{topic}", text)]
    said, folded = pieces(text), fold(text)
    return {
        name: value
        for name, value in product.attributes.items()
        if any(cues.is_whole(f"attribute.{topic}", name) for topic in topics)
        or any(part and not part.isascii() and part in folded for part in fold(name).split("/"))
        or pieces(name) & said
    }


class ProductAttribute(Answer):
    """Tells the attribute that is asked for; of several shown, that of each.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `attribute…`, `colours`, or the FAQ's answer; what else is known where the one asked for
        is not.
    Failures: not clear which product: asked; graph or database away: `unavailable`, with the way
        to a person.
    """

    action_name = "action_product_attribute"

    async def answer(self, turn: Turn) -> None:
        """Attributes that the text names, colours, else a short description."""
        if not await candidates(turn) and await answer_from_faq(turn, sure=0.7):
            return
        if await self._of_each(turn):
            return
        if wants.elliptical(turn.text) and narrows(turn) and not await candidates(turn):
            await SearchProduct().answer(turn)
            return
        product = await product_or_ask(turn)
        if product is None:
            return
        asked = matching(product, turn.text)
        coloured = cues.says("goods.coloured", turn.text) and product.colours and not asked
        if cues.says("goods.colour", turn.text) or coloured:
            colours = turn.joined(product.colours) or turn.phrase("product.one_colour")
            turn.say("colours", name=product.name, colours=colours)
        elif asked:
            turn.say("attribute", name=product.name, facts=_facts(turn, asked))
        else:
            at_large = turn.chosen or cues.says("goods.at_large", turn.text)
            turn.say(
                "attributes" if at_large else "attributes_else",
                name=product.name,
                description=product.description,
                facts="\n".join(
                    turn.phrase("line.named", name=name, text=value)
                    for name, value in product.attributes.items()
                ),
                buttons=None if at_large else [to_person(turn)],
            )

    @staticmethod
    async def _of_each(turn: Turn) -> bool:
        """Of several that were shown, none of them singled out: the fact for each."""
        shown = turn.slot("offered_products") or []
        if len(shown) < 2 or turn.chosen or mention(turn) or await candidates(turn):
            return False
        lines = [
            turn.phrase("line.named", name=product.name, text=_facts(turn, asked))
            for product in await catalogue.products(graph(), shown)
            if (asked := matching(product, turn.text))
        ]
        if lines:
            turn.say("attribute_each", list="\n".join(lines))
        return bool(lines)


class ProductUsage(Answer):
    """Tells how a product is used: its own tips, or the FAQ's.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `usage…` or the FAQ's answer.
    Failures: not clear which product: asked; graph or database away: `unavailable`, with the way
        to a person.
    """

    action_name = "action_product_usage"

    async def answer(self, turn: Turn) -> None:
        """The product's own tips where it is known which; else the FAQ."""
        known = await candidates(turn)
        if not known and wants.elliptical(turn.text) and narrows(turn):
            await SearchProduct().answer(turn)
            return
        told = len(known) == 1 and known[0].usage
        if not told and await answer_from_faq(turn, intent="ask_product_usage"):
            return
        product = await product_or_ask(turn)
        if product is None:
            return
        tips = "\n".join(f"· {tip}" for tip in product.usage)
        turn.say("usage" if tips else "usage_unknown", name=product.name, tips=tips)


class PackageContents(Answer):
    """Tells what is in the box.

    Slots read: product, offered_products.
    Slots set: product, offered_products, search.
    Entities read: product, category, brand, series.
    Says: `package` or the FAQ's answer.
    Failures: not clear which product: asked; graph or database away: `unavailable`, with the way
        to a person.
    """

    action_name = "action_package_contents"

    async def answer(self, turn: Turn) -> None:
        """List the contents."""
        known = await candidates(turn)
        if not known and turn.slot("product") and not turn.entities("product"):
            # 带充电线吗 names a cable and asks for the phone's box.
            known = await catalogue.products(graph(), [turn.slot("product")])
        if not known and await answer_from_faq(turn, sure=0.7):
            return
        product = known[0] if len(known) == 1 else await product_or_ask(turn)
        if product:
            inside = turn.joined(product.package) or turn.phrase("product.only_itself")
            turn.say("package", name=product.name, contents=inside)


class Price(Answer):
    """Tells what a product costs now, by version where that differs.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `price…`; cheaper ones where those are asked for after a search.
    Failures: not clear which product: asked; graph or database away: `unavailable`, with the way
        to a person.
    """

    action_name = "action_price"

    async def answer(self, turn: Turn) -> None:
        """The live price; 便宜点的 after a search looks for cheaper ones."""
        if wants.cheaper(turn.text) and narrows(turn) and not await candidates(turn):
            await SearchProduct().answer(turn)
            return
        product = await product_or_ask(turn)
        if product is None:
            return
        offer = await in_thread(offers.offers_for, product.id)
        meant = version(product, turn)
        variant = product.variant(size=meant) if meant else None
        if variant and variant.sku in offer.variants and offer.price_min != offer.price_max:
            cents = offer.variants[variant.sku].price_cents
            turn.say(
                "price",
                name=f"{product.name} {turn.named(meant)}",
                price=money(turn, cents),
                buttons=[turn.button("which_offers", "ask_promotion", product=product.id)],
            )
            return
        versions = ""
        if offer.price_min != offer.price_max:
            by_size = {
                v.size: offer.variants[v.sku].price_cents
                for v in product.variants
                if v.sku in offer.variants
            }
            versions = turn.phrase("list.parts").join(
                f"{turn.named(size)} {money(turn, cents)}" for size, cents in by_size.items()
            )
        turn.say(
            "price_versions" if versions else "price",
            name=product.name,
            price=price_range(turn, offer),
            versions=versions,
            buttons=[turn.button("which_offers", "ask_promotion", product=product.id)],
        )


class Stock(Answer):
    """Tells what is in stock, and when the rest comes back.

    Slots read: product, category, offered_products, search.
    Slots set: product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money.
    Says: `stock_…` for the colours and sizes named; of a kind, what there is.
    Failures: not clear which product: asked; graph or database away: `unavailable`, with the way
        to a person.
    """

    action_name = "action_stock"

    async def answer(self, turn: Turn) -> None:
        """The live stock of the variants that the message names; of a kind, what there is."""
        named = mention(turn)
        kind = (named.category or named.brand) and not named.series
        # 有黑色的吗 after a search asks for one of its kind.
        if (kind or narrows(turn)) and not await candidates(turn):
            await SearchProduct().answer(turn)
            return
        product = await product_or_ask(turn)
        if product is not None:
            await say_stock(turn, product)


class CompareProducts(Answer):
    """Puts two products side by side: those named, else those spoken of.

    Slots read: product, offered_products.
    Slots set: offered_products.
    Entities read: product.
    Says: `compare` with both cards.
    Failures: fewer than two: `question_compare`; graph or database away: `unavailable`, with the
        way to a person.
    """

    action_name = "action_compare"

    async def answer(self, turn: Turn) -> None:
        """Two products side by side."""
        ids = [entity["value"] for entity in turn.entities("product")]
        if len(ids) < 2:
            known = [turn.slot("product"), *(turn.slot("offered_products") or [])]
            ids = list(dict.fromkeys([*ids, *(id for id in known if id)]))
        pair = (await catalogue.products(graph(), ids[:2])) if len(ids) >= 2 else []
        if len(pair) < 2:
            turn.say("question_compare")
            return
        offered = await in_thread(offers.many, [product.id for product in pair])
        turn.set(offered_products=[product.id for product in pair])
        turn.say(
            "compare",
            first=pair[0].name,
            second=pair[1].name,
            differences=_differences(turn, pair, offered),
            cards=[product_card(turn, product, offered[product.id]) for product in pair],
        )


def _facts(turn: Turn, attributes: dict[str, str]) -> str:
    said = [_fact(turn, name, value) for name, value in attributes.items()]
    return turn.phrase("list.clauses").join(said)


def _fact(turn: Turn, name: str, value: str) -> str:
    # 防水：否 reads like a form.
    if cues.is_whole("fact.plain_no", value) and cues.says("fact.keeps_out", name):
        return turn.phrase("product.is_not", name=name)
    return turn.phrase("product.is", name=name, value=value)


def _differences(turn: Turn, pair: list[Product], offered) -> str:
    first, second = pair
    told = matching(second, turn.text)
    asked = [name for name in matching(first, turn.text) if name in told]
    if asked:
        return "\n".join(
            _compared(turn, name, first.attributes[name], second.attributes[name]) for name in asked
        )
    prices = [price_range(turn, offered[product.id]) for product in pair]
    rows = [
        (turn.phrase("product.price"), *prices),
        (turn.phrase("product.brand"), first.brand_name, second.brand_name),
        (turn.phrase("product.category"), first.category_name, second.category_name),
    ]
    shared = [name for name in first.attributes if name in second.attributes]
    own = [name for name in first.attributes if name not in shared][: max(0, 4 - len(shared))]
    rows += [(name, first.attributes[name], second.attributes[name]) for name in shared]
    rows += [(name, first.attributes[name], second.attributes.get(name, "—")) for name in own]
    return "\n".join(_compared(turn, name, a, b) for name, a, b in rows if a != b)


def _compared(turn: Turn, name: str, first: str, second: str) -> str:
    return turn.phrase("line.compared", name=name, first=first, second=second)
