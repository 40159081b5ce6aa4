"""The questions put to the graph by its benchmark: every named query, and what actions call."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any

from bench.shops import LEAVES, TOPICS
from kg import catalogue, faq, policies, promotions, sizes
from kg.graph import Graph

Ask = Callable[[], Awaitable[Any]]

_DAY = date(2026, 11, 22)


def keyed(g: Graph, dice: random.Random, size: int, brands: int) -> dict[str, Ask]:
    """Named queries that start from a key."""

    def number() -> int:
        return dice.randrange(size)

    def scopes() -> list[str]:
        return [
            f"product:P{number()}", f"brand:b{dice.randrange(brands)}",
            f"category:c{dice.randrange(LEAVES)}", "shop:shop",
        ]  # fmt: skip

    return {
        "product": lambda: g.query("product", id=f"P{number()}"),
        "goes_with": lambda: g.query("goes_with", id=f"P{number()}"),
        "goes_with_this": lambda: g.query("goes_with_this", id=f"P{number()}"),
        "compatible_with": lambda: g.query("compatible_with", id=f"P{number()}"),
        "compatible_with_this": lambda: g.query("compatible_with_this", id=f"P{number()}"),
        "shelf": lambda: g.query("shelf", id=f"c{dice.randrange(LEAVES)}|||men"),
        "category": lambda: g.query("category", id=f"c{dice.randrange(LEAVES)}"),
        "category_children": lambda: g.query("category_children", id=f"r{dice.randrange(10)}"),
        "category_family": lambda: g.query("category_family", id=f"r{dice.randrange(10)}"),
        "brand": lambda: g.query("brand", id=f"b{dice.randrange(brands)}"),
        "policies_for": lambda: g.query(
            "policies_for", topic=f"t{dice.randrange(TOPICS)}", day=_DAY.isoformat(),
            scopes=scopes(),
        ),
        "policy": lambda: g.query("policy", id=f"rule{dice.randrange(200)}@1"),
        "promotions_for": lambda: g.query(
            "promotions_for", day=_DAY.isoformat(), scopes=scopes()
        ),
        "promotion": lambda: g.query("promotion", id=f"promo{dice.randrange(60)}"),
        "size_charts_of_category": lambda: g.query("size_charts_of_category", id="c0"),
        "faq": lambda: g.query("faq", id=f"f{dice.randrange(500)}"),
        "answers_about_policy": lambda: g.query(
            "answers_about_policy", id=f"rule{dice.randrange(200)}@1"
        ),
        "translation": lambda: g.query("translation", id=f"en:product:P{number()}"),
    }  # fmt: skip


def reading(g: Graph, dice: random.Random, size: int, brands: int) -> dict[str, Ask]:
    """What actions call: one to four queries each."""
    index = faq.FaqIndex(g)

    def id() -> str:
        return f"P{dice.randrange(size)}"

    return {
        "resolve": lambda: policies.resolve(
            g, f"t{dice.randrange(TOPICS)}", _DAY, id(), {"reason": "quality"}
        ),
        "in_force": lambda: promotions.in_force(g, _DAY, id()),
        "search_category": lambda: catalogue.search(
            g, category=f"c{dice.randrange(LEAVES)}", audience="men", limit=5
        ),
        "search_brand": lambda: catalogue.search(g, brand=f"b{dice.randrange(brands)}", limit=5),
        "goes_with": lambda: catalogue.goes_with(g, id()),
        "same_series": lambda: catalogue.same_series(g, id()),
        "chart_for": lambda: sizes.chart_for(g, category="c1"),
        "faq": lambda: index.search(f"{dice.randrange(500)}号情况能退吗"),
    }


def scans(g: Graph, dice: random.Random, size: int) -> dict[str, Ask]:
    """Queries that read many nodes of a kind, or all."""
    whole = (
        "all_products", "categories", "brands", "series", "policies", "size_charts", "faqs",
    )  # fmt: skip
    asks: dict[str, Ask] = {name: partial(g.query, name) for name in whole}
    return asks | {
        "promotions_in_force": lambda: g.query("promotions_in_force", day=_DAY.isoformat()),
        "translations": lambda: g.query("translations", language="en"),
        "search_category": lambda: catalogue.search(
            g, category=f"r{dice.randrange(10)}", text=f"{dice.randrange(size)}号", limit=5
        ),
        "search_all": lambda: catalogue.search(g, text=f"第{dice.randrange(size)}号"),
    }
