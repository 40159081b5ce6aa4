"""Size charts: which one, and which size of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.graph import Graph
from kg.sizes import BETWEEN, BY_AGE, FITS, SizeChart, advise, chart_for, charts

SHOES = SizeChart(
    "feet", "鞋", "unisex", ["foot_length"], [],
    [{"size": str(35 + n), "foot_length": [22.5 + n / 2, 23 + n / 2]} for n in range(12)], "",
)  # fmt: skip
BODY = SizeChart(
    "body", "衣", "men", ["height", "weight"], ["age"],
    [
        {"size": "M", "height": [165, 172], "weight": [55, 65], "age": [12, 14]},
        {"size": "L", "height": [172, 178], "weight": [65, 75], "age": [14, 16]},
        {"size": "XL", "height": [178, 184], "weight": [75, 85]},
    ], "",
)  # fmt: skip
BRAS = SizeChart(
    "bras", "文胸", "women", ["underbust", "bust"], [],
    [
        {"size": "70A", "underbust": [68, 73], "bust": [79, 81.5]},
        {"size": "70B", "underbust": [68, 73], "bust": [81.5, 84]},
        {"size": "75A", "underbust": [73, 78], "bust": [84, 86.5]},
    ], "",
)  # fmt: skip


def sizes_of(chart: SizeChart, **body: float) -> list[tuple[str, str]]:
    return [(size, fit) for size, _, fit in advise(chart, **body)]


async def test_which_chart(graph: Graph) -> None:
    async def id_of(**asked: str) -> str | None:
        found = await chart_for(graph, **asked)
        return found.id if found else None

    assert await id_of(product_id="A1") == "feet"
    assert await id_of(product_id="A3") == "feet"
    assert await id_of(product_id="B1") == "body_men"
    assert await id_of(product_id="B1", audience="women") == "body_women"
    assert await id_of(category="wear", audience="women") == "body_women"
    assert await id_of(category="wear", audience="kids") is None
    assert await id_of(category="gadgets") is None
    assert await id_of(product_id="none") is None
    assert await id_of() is None
    assert [chart.id for chart in await charts(graph)] == ["feet", "body_men", "body_women"]
    feet = await chart_for(graph, category="running")
    assert feet is not None and (feet.by, feet.note) == (["foot_length"], "脚背高大一码")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"foot_length_cm": 26.3}, [("42", FITS)]),
        ({"foot_length_cm": 26.0}, [("42", BETWEEN)]),
        ({"foot_length_cm": 22.5}, [("35", FITS)]),
        ({"foot_length_cm": 22.4}, []),
        ({"foot_length_cm": 28.5}, []),
        ({"height_cm": 175}, []),
        ({}, []),
    ],
)
def test_shoes(body: dict[str, float], expected: list[tuple[str, str]]) -> None:
    assert sizes_of(SHOES, **body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"height_cm": 170, "weight_kg": 60}, [("M", FITS)]),
        ({"height_cm": 170, "weight_kg": 70}, [("L", BETWEEN)]),
        ({"height_cm": 180, "weight_kg": 60}, [("XL", BETWEEN)]),
        ({"height_cm": 180}, [("XL", FITS)]),
        ({"weight_kg": 70}, [("L", FITS)]),
        ({"height_cm": 170, "weight_kg": 120}, []),
        ({"age": 13}, [("M", BY_AGE)]),
        ({"age": 13, "height_cm": 175}, [("L", FITS)]),
        ({"age": 40}, []),
    ],
)
def test_clothes(body: dict[str, float], expected: list[tuple[str, str]]) -> None:
    assert sizes_of(BODY, **body) == expected


def test_bras_have_two_scales() -> None:
    assert sizes_of(BRAS, underbust_cm=70, bust_cm=82) == [("70B", FITS)]
    assert sizes_of(BRAS, underbust_cm=70) == [("70A", FITS), ("70B", FITS)]
    assert sizes_of(BRAS, underbust_cm=70, bust_cm=85) == []


@given(st.floats(20, 31))
def test_a_longer_foot_never_gets_a_smaller_size(length: float) -> None:
    found = sizes_of(SHOES, foot_length_cm=length)
    assert bool(found) == (22.5 <= length < 28.5)
    for size, _ in found:
        longer = sizes_of(SHOES, foot_length_cm=min(length + 0.3, 28.4))
        assert int(longer[0][0]) >= int(size)
