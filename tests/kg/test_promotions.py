"""Promotions in force for the shop, a product, a category."""

from __future__ import annotations

from datetime import date

from kg.graph import Graph
from kg.promotions import in_force, promotion

DAY = date(2026, 11, 22)


async def test_in_force(graph: Graph) -> None:
    async def ids(day: date = DAY, **asked: str) -> list[str]:
        return [found.id for found in await in_force(graph, day, **asked)]

    assert await ids() == ["whole", "shoes_half", "series_socks", "months"]
    assert await ids(date(2026, 12, 1)) == ["shoes_half", "series_socks", "months"]
    assert await ids(product_id="A1") == ["whole", "shoes_half", "series_socks"]
    assert await ids(product_id="B1") == ["series_socks"]
    assert await ids(product_id="G1") == ["whole", "months"]
    assert await ids(date(2025, 12, 31), product_id="G1") == ["past", "months"]
    assert await ids(category="running") == ["whole", "shoes_half"]
    # A part of it is excepted, and a part of it has one of its own.
    assert await ids(category="wear") == ["whole", "shoes_half"]
    assert await ids(category="socks") == []
    assert await ids(category="shoes", kind="percent") == ["shoes_half"]
    assert await ids(product_id="none") == []
    assert await ids(category="none") == []
    assert await ids(product_id="A1", category="running") == ["whole", "shoes_half"]


async def test_what_a_promotion_carries(graph: Graph) -> None:
    found = await promotion(graph, "series_socks")
    assert found is not None
    assert found.needs == {"same_series": True, "with_categories": ["shoes"]}
    assert found.scope_names == ["疾行"]
    shoes = await promotion(graph, "shoes_half")
    assert shoes is not None and (shoes.scope_names, shoes.everywhere) == (["鞋"], False)
    whole = await promotion(graph, "whole")
    assert whole is not None and whole.everywhere
    assert (whole.first_day, whole.last_day) == ("2026-11-01", "2026-11-30")
    assert whole.exceptions == {"categories": ["socks"]}
    assert await promotion(graph, "none") is None
