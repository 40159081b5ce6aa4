"""Size advice: from the size chart of what is to be worn, by the measures that chart goes by.

Slots: `product` or `size_category` with `size_audience` (what is worn, by whom), and the body:
`foot_length`, `height` (cm), `weight` (kg), `age` (years). Asks only for a measure that the chart
needs and that is not known yet, neither from this talk nor, with consent, from the profile.
"""

from __future__ import annotations

import re

from actions import cues, handoff, profile, wants, words
from actions.base import Answer, Flow
from actions.faq_answers import answer_from_faq
from actions.focus import candidates, mention, show
from actions.knowledge import graph
from actions.search import SearchProduct, joint_offer, narrows
from actions.stock import say_stock
from actions.turn import Turn, button, in_thread
from kg import catalogue, sizes
from kg.catalogue import Product
from kg.sizes import SizeChart
from shop import offers

MEASURES = ("foot_length", "height", "weight", "age")
WORN = ("kids_shoes", "sports_shoes", "kids_clothing", "sportswear")
_GROWN = 15
_SEXES = ("men", "women")
_NOT_WORN = {"digital", "food", "custom", "appliances"}
# What is worn by whom, by the word for it (a cue of the group `worn`).
_WORN_BY = {
    "kids_shoes": "kids",
    "kids_clothing": "kids",
    "bras": "women",
    "sports_shoes": "unisex",
    "sportswear": "unisex",
}


class ValidateSizeForm(Flow):
    """Asks what is worn, by whom, and the measure that its size chart goes by.

    Slots read: size_product, size_category, size_audience, foot_length, height, weight, age,
        outcome, product, category, offered_products, search, flow, paused, requested_slot.
    Slots set: the same.
    Entities read: product, category, brand, series, colour, size, money, audience, foot_length,
        height, weight, age.
    Says: `question_…` for what is missing; stock or the FAQ's answer where that is what is asked.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    form = "size_form"
    state_slots = ("size_product", "size_category", "size_audience", "outcome", *MEASURES)

    async def fill(self, turn: Turn, starting: bool) -> bool:
        """Take what is worn, by whom, and the measures."""
        if not starting and self.leaves(turn):
            turn.say("left")
            turn.set(outcome="left")
            return True
        given = {name: turn.entity(name) for name in MEASURES}
        if starting and not any(given.values()) and await self._answered(turn):
            turn.set(outcome="answered")
            return True
        if turn.slot("requested_slot") in MEASURES and not any(given.values()):
            given[turn.slot("requested_slot")] = _bare_number(turn)
        if given["weight"] and not given["height"]:
            given["height"] = _bare_height(turn.text)
        sex = turn.entity("audience") or mention(turn).audience
        if turn.slot("requested_slot") == "size_audience" and sex:
            turn.set(size_audience=sex)
            return True
        new = {name: float(value) for name, value in given.items() if value is not None}
        turn.set(**new)
        worn = await self._take_worn(turn, starting, new)
        return bool(new) or worn

    @staticmethod
    async def _answered(turn: Turn) -> bool:
        """Whether what sounds like advice asked for is something else: stock, or a question."""
        found = await candidates(turn)
        stock = cues.says("size.which_sizes", turn.text) or (
            turn.entity("size") and cues.says("size.in_stock", turn.text)
        )
        if len(found) == 1 and stock:
            turn.set(product=found[0].id)
            await say_stock(turn, found[0])
            return True
        if not found and turn.entity("size") and narrows(turn):
            await SearchProduct().answer(turn)
            return True
        bare = cues.says("size.bare", turn.text) or not words.is_question(turn.text)
        return not bare and await answer_from_faq(turn, intent="ask_size", sure=0.75)

    @staticmethod
    async def _take_worn(turn: Turn, starting: bool, measures: dict) -> bool:
        named = mention(turn)
        found = await candidates(turn) if starting or turn.entities("product") else []
        if len(found) == 1 and not (named.category and not turn.entities("product")):
            turn.set(size_product=found[0].id, product=found[0].id, size_category=None)
            return True
        category, audience = named.category, named.audience
        known = turn.slot("size_product") or turn.slot("size_category")
        if category is None and (starting or not known):
            category, audience = await _category_of(turn, named.audience, measures)
        if category is None:
            return False
        leaf = await catalogue.category(graph(), category)
        if leaf and leaf.path[-1] in _NOT_WORN:
            return False
        turn.set(size_category=category, size_audience=audience, size_product=None)
        return True

    def only_asks(self, turn: Turn) -> bool:
        """A size changes nothing."""
        return True

    async def next_question(self, turn: Turn) -> str | None:
        """What is worn, then the first measure of its chart that is missing."""
        if turn.slot("outcome"):
            return None
        if not turn.slot("size_product") and not turn.slot("size_category"):
            turn.say(
                "question_size_category",
                buttons=[button(turn.phrase(f"worn.{id}"), "inform", category=id) for id in WORN],
            )
            return "size_category"
        if await _needs_sex(turn):
            turn.say(
                "question_size_audience",
                buttons=[
                    button(turn.phrase(f"wearer.{id}"), "inform", audience=id) for id in _SEXES
                ],
            )
            return "size_audience"
        chart = await _chart(turn)
        if chart is None or "bust" in chart.by or _known(turn, chart):
            return None
        told = await profile.measures_for(turn, chart)
        if told:
            turn.set(**told)
            return None
        measure = _wanted(chart)
        turn.say(f"question_{measure}")
        return measure


class SizeAdvice(Answer):
    """Tells the size by the chart, what is in stock in it, and what goes with it.

    Slots read: size_product, size_category, size_audience, foot_length, height, weight, age,
        outcome, product.
    Slots set: product, offered_products.
    Entities read: size.
    Says: `size_…`; nothing where the form ended otherwise.
    Failures: no chart: `no_size_chart`; a body outside it: its range; graph or database away:
        `unavailable`, with the way to a person.
    """

    action_name = "action_size_advice"

    async def answer(self, turn: Turn) -> None:
        """The size by the chart."""
        if turn.slot("outcome"):
            return
        chart = await _chart(turn)
        if chart is None:
            turn.say("no_size_chart")
            return
        if "bust" in chart.by:
            _say_bra_size(turn, chart)
            return
        found = sizes.advise(
            chart,
            foot_length_cm=turn.slot("foot_length"),
            height_cm=turn.slot("height"),
            weight_kg=turn.slot("weight"),
            age=turn.slot("age"),
        )
        if not found:
            first, last = chart.rows[0]["size"], chart.rows[-1]["size"]
            turn.say("size_outside", chart=chart.name, first=first, last=last)
            return
        fit = found[0][2]
        measures = _measures(turn)
        if await profile.recalled(turn, chart):
            measures = turn.phrase("measure.told_before", measures=measures)
        profile.note_measures(turn, chart)
        asked = turn.entity("size")
        if asked and fit != sizes.BY_AGE and _row_of(chart, asked) is not None:
            self._say_whether(turn, chart, asked, found, measures)
            return
        size = " / ".join(dict.fromkeys(size for size, _, _ in found))
        turn.say(f"size_{fit}", size=size, chart=chart.name, note=chart.note, measures=measures)
        await self._offer(turn, found[0][0])

    @staticmethod
    def _say_whether(turn: Turn, chart: SizeChart, asked: str, found: list, measures: str) -> None:
        """Whether the size that was asked about fits."""
        fitting = [size for size, _, _ in found]
        away = _row_of(chart, asked) - _row_of(chart, fitting[0])
        verdict = "right" if asked in fitting else "small" if away < 0 else "large"
        turn.say(
            f"size_{verdict}",
            asked=asked,
            size=fitting[0],
            chart=chart.name,
            measures=measures,
            note=chart.note,
        )

    @staticmethod
    async def _offer(turn: Turn, size: str) -> None:
        product, calm = await _product(turn), not handoff.upset(turn)
        if product is None and calm:
            found = await catalogue.search(
                graph(),
                category=turn.slot("size_category"),
                audience=turn.slot("size_audience"),
                limit=30,
            )
            stocked = [p for p in found if any(wants.same_size(size, s) for s in p.sizes)][:3]
            if stocked:
                await show(turn, stocked, "size_products", size=size)
            product = stocked[0] if stocked else None
        elif product:
            await _say_stock(turn, product, size)
        if product and calm:
            others = await catalogue.goes_with(graph(), product.id)
            offer = await joint_offer(product, others)
            if offer:
                shown = turn.slot("product")
                await show(turn, others[:2], "size_goes_with", offer=offer, name=product.name)
                turn.set(product=shown)


async def _say_stock(turn: Turn, product: Product, size: str) -> None:
    offer = await in_thread(offers.offers_for, product.id)
    colours = [
        variant.colour
        for variant in product.variants
        if wants.same_size(size, variant.size)
        and variant.sku in offer.variants
        and offer.variants[variant.sku].stock > 0
    ]
    if colours:
        named = turn.joined(filter(None, colours))
        turn.say("size_in_stock", name=product.name, size=size, colours=named)
    elif any(wants.same_size(size, variant.size) for variant in product.variants):
        turn.say("size_sold_out", name=product.name, size=size)
    else:
        turn.say("size_not_made", name=product.name, size=size, sizes=turn.joined(product.sizes))


def _say_bra_size(turn: Turn, chart: SizeChart) -> None:
    """Both girths are said at once, or asked for at once: one alone gives no size."""
    under, bust = (_girth(turn.text, name) for name in ("underbust", "bust"))
    found = under and bust and sizes.advise(chart, underbust_cm=under, bust_cm=bust)
    if found:
        girths = turn.phrase("measure.girths", under=under, bust=bust)
        turn.say("size_fits", size=found[0][0], chart=chart.name, note=chart.note, measures=girths)
    elif under and bust:
        first, last = chart.rows[0]["size"], chart.rows[-1]["size"]
        turn.say("size_outside", chart=chart.name, first=first, last=last)
    else:
        turn.say("question_girths", note=chart.note)


def _girth(text: str, name: str) -> float | None:
    found = cues.found(f"size.{name}", text)
    return float(found["cm"]) if found else None


async def _needs_sex(turn: Turn) -> bool:
    """Adults' clothes have a chart for men and one for women, so that the kind is not enough."""
    if turn.slot("size_product") or turn.slot("size_audience") in ("men", "women", "kids", "baby"):
        return False
    category = await catalogue.category(graph(), turn.slot("size_category"))
    return category is not None and "sportswear" in category.path


def _row_of(chart: SizeChart, size: str) -> int | None:
    return next((n for n, row in enumerate(chart.rows) if row["size"] == size), None)


async def _product(turn: Turn) -> Product | None:
    chosen = turn.slot("size_product")
    return await catalogue.product(graph(), chosen) if chosen else None


async def _chart(turn: Turn) -> SizeChart | None:
    if turn.slot("size_product"):
        return await sizes.chart_for(graph(), product_id=turn.slot("size_product"))
    return await sizes.chart_for(
        graph(), category=turn.slot("size_category"), audience=turn.slot("size_audience")
    )


def _known(turn: Turn, chart: SizeChart) -> bool:
    return any(turn.slot(measure) is not None for measure in (*chart.by, *chart.also))


def _wanted(chart: SizeChart) -> str:
    return next((measure for measure in chart.by if measure in MEASURES), "height")


async def _category_of(turn: Turn, audience: str | None, measures: dict):
    """What is worn, by the text, else by what was looked at last, else by the measures."""
    if measures.get("age", _GROWN) < _GROWN:
        audience = audience or "kids"
    if cues.which("worn", turn.text) is None:
        looked_at = await catalogue.category(graph(), turn.slot("category") or "")
        if looked_at and looked_at.path[-1] not in _NOT_WORN:
            return looked_at.id, audience
    return _category_in(turn.text, audience, measures)


def _category_in(text: str, audience: str | None, measures: dict):
    worn = cues.which("worn", text)
    if worn:
        of_children = {"sports_shoes": "kids_shoes", "sportswear": "kids_clothing"}
        category = of_children.get(worn, worn) if audience == "kids" else worn
        return category, audience or _WORN_BY[worn]
    if "foot_length" in measures:
        return ("kids_shoes" if audience == "kids" else "sports_shoes"), audience
    if "height" in measures or "weight" in measures:
        child = audience == "kids" or measures.get("height", 170) < 150
        return ("kids_clothing", "kids") if child else ("sportswear", audience or "unisex")
    return None, None


def _bare_height(text: str) -> float | None:
    """Beside a weight a number like 163 is a height."""
    for found in re.finditer(r"(?<![\d.])1[4-9]\d(?!\d)", text):
        if not cues.says("size.weight_unit", text[found.end() :]):
            return float(found[0])
    return None


def _bare_number(turn: Turn) -> float | None:
    found = re.search(r"\d+(?:\.\d+)?", "" if turn.chosen else turn.text)
    return float(found.group(0)) if found and len(turn.text) <= 12 else None


def _measures(turn: Turn) -> str:
    return turn.joined(
        turn.phrase(f"measure.{name}", value=turn.slot(name))
        for name in MEASURES
        if turn.slot(name) is not None
    )
