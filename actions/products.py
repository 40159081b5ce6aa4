"""Facts of one product: attributes, use, what is in the box, price, stock; and comparing two."""

from __future__ import annotations

from actions.base import Answer
from actions.cards import money, price_range, product_card
from actions.focus import candidates, product_or_ask
from actions.knowledge import faq, graph
from actions.turn import Turn, button, in_thread
from kg import catalogue
from kg.catalogue import Product
from shop import offers

FAQ_SURE = 0.55


async def answer_from_faq(turn: Turn, intent: str | None = None, sure: float = FAQ_SURE) -> bool:
    """Answer with the question in the graph that fits; whether one did."""
    if turn.chosen:
        return False
    found = await faq().search(turn.text, intent=intent, limit=1)
    if not found or found[0][1] < sure:
        return False
    turn.say_text(found[0][0].answer)
    return True


def _matching(product: Product, text: str) -> dict[str, str]:
    """The attributes whose name or value the text speaks of."""
    return {
        name: value
        for name, value in product.attributes.items()
        if name in text
        or any(part in text for part in name.split("/"))
        or (len(name) >= 2 and any(name[i : i + 2] in text for i in range(len(name) - 1)))
    }


class ProductAttribute(Answer):
    """Entities read: product, colour, size. Says the attribute asked for, or what is known."""

    action_name = "action_product_attribute"

    async def answer(self, turn: Turn) -> None:
        """Attributes that the text names, colours, else a short description."""
        if not await candidates(turn) and await answer_from_faq(turn, sure=0.7):
            return
        product = await product_or_ask(turn)
        if product is None:
            return
        asked = _matching(product, turn.text)
        if "颜色" in turn.text or "色" in turn.text and product.colours and not asked:
            turn.say("colours", name=product.name, colours="、".join(product.colours) or "单色")
        elif asked:
            facts = "；".join(f"{name}：{value}" for name, value in asked.items())
            turn.say("attribute", name=product.name, facts=facts)
        else:
            facts = "\n".join(f"· {name}：{value}" for name, value in product.attributes.items())
            turn.say(
                "attributes", name=product.name, description=product.description, facts=facts
            )


class ProductUsage(Answer):
    """Entities read: product. Tips of the product, or the FAQ's."""

    action_name = "action_product_usage"

    async def answer(self, turn: Turn) -> None:
        """The FAQ where it knows; else the product's own tips."""
        if await answer_from_faq(turn, intent="ask_product_usage"):
            return
        product = await product_or_ask(turn)
        if product is None:
            return
        tips = "\n".join(f"· {tip}" for tip in product.usage)
        turn.say("usage" if tips else "usage_unknown", name=product.name, tips=tips)


class PackageContents(Answer):
    """Entities read: product. What is in the box."""

    action_name = "action_package_contents"

    async def answer(self, turn: Turn) -> None:
        """List the contents."""
        if not await candidates(turn) and await answer_from_faq(turn, sure=0.7):
            return
        product = await product_or_ask(turn)
        if product:
            turn.say("package", name=product.name, contents="、".join(product.package) or "商品本体")


class Price(Answer):
    """Entities read: product, category, brand. What it costs now, by version where that differs."""

    action_name = "action_price"

    async def answer(self, turn: Turn) -> None:
        """The live price."""
        product = await product_or_ask(turn)
        if product is None:
            return
        offer = await in_thread(offers.offers_for, product.id)
        versions = ""
        if offer.price_min != offer.price_max:
            by_size = {
                v.size: offer.variants[v.sku].price_cents
                for v in product.variants
                if v.sku in offer.variants
            }
            versions = "，".join(f"{size} {money(cents)}" for size, cents in by_size.items())
        turn.say(
            "price_versions" if versions else "price",
            name=product.name,
            price=price_range(offer),
            versions=versions,
            buttons=[button("有什么优惠", "ask_promotion", product=product.id)],
        )


class Stock(Answer):
    """Entities read: product, colour, size. What is in stock, and when the rest comes back."""

    action_name = "action_stock"

    async def answer(self, turn: Turn) -> None:
        """The live stock of the variants that the message names."""
        product = await product_or_ask(turn)
        if product is None:
            return
        offer = await in_thread(offers.offers_for, product.id)
        wanted = [v for v in product.variants if _fits(v, turn, product)]
        here = [v for v in wanted if v.sku in offer.variants and offer.variants[v.sku].stock > 0]
        gone = [v for v in wanted if v not in here]
        if not gone:
            few = min((offer.variants[v.sku].stock for v in here), default=0)
            turn.say("stock_few" if few <= 5 and len(here) == 1 else "stock_yes",
                     name=product.name, which=_names(wanted, product), left=few)
            return
        days = [offer.variants[v.sku].restock_days for v in gone if v.sku in offer.variants]
        back = min((d for d in days if d), default=None)
        turn.say(
            "stock_part" if here else "stock_none",
            name=product.name,
            which=_names(gone, product),
            rest=_names(here, product),
            back=f"预计 {back} 天后补货" if back else "补货时间还没定",
        )


class CompareProducts(Answer):
    """Entities read: product (two or more). Reads `offered_products` when none is named."""

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
            differences=_differences(pair, offered),
            cards=[product_card(product, offered[product.id]) for product in pair],
        )


def _fits(variant, turn: Turn, product: Product) -> bool:
    colours = [c for c in product.colours if c in turn.text or c.rstrip("色") in turn.text]
    size = turn.entity("size")
    return (not colours or variant.colour in colours) and (
        not size or size not in product.sizes or variant.size == size
    )


def _names(variants, product: Product) -> str:
    if len(variants) == len(product.variants):
        return "全部颜色尺码"
    named = [f"{v.colour} {v.size}".strip() for v in variants]
    return "、".join(named[:8]) + (" 等" if len(named) > 8 else "")


def _differences(pair: list[Product], offered) -> str:
    first, second = pair
    rows = [
        ("价格", price_range(offered[first.id]), price_range(offered[second.id])),
        ("品牌", first.brand_name, second.brand_name),
        ("类别", first.category_name, second.category_name),
    ]
    shared = [name for name in first.attributes if name in second.attributes]
    own = [name for name in first.attributes if name not in shared][: max(0, 4 - len(shared))]
    rows += [(name, first.attributes[name], second.attributes[name]) for name in shared]
    rows += [(name, first.attributes[name], second.attributes.get(name, "—")) for name in own]
    return "\n".join(f"· {name}：{a}  /  {b}" for name, a, b in rows if a != b)
