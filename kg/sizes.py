"""Size charts, and which size of a chart fits a body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kg import catalogue
from kg.graph import Reader

Row = dict[str, Any]

# How a size was found: `advise` explains them.
FITS, BETWEEN, BY_AGE = "fits", "between", "by_age"

_MEASURES = ("foot_length", "height", "weight", "underbust", "bust", "age")

_ADULTS = ("men", "women", "unisex")
_CHILDREN = ("kids", "baby")


@dataclass(frozen=True)
class SizeChart:
    """A size chart.

    `by` lists the measures that decide (foot_length, height, weight, underbust, bust), `also` those
    that may stand in for them (age). A row has its `size` and pairs [low, high) of measures, in cm,
    kg and years.
    """

    id: str
    name: str
    audience: str | None
    by: list[str]
    also: list[str]
    rows: list[Row]
    note: str


async def chart_for(
    g: Reader,
    product_id: str | None = None,
    category: str | None = None,
    audience: str | None = None,
) -> SizeChart | None:
    """The chart for a product, or for a category and audience; None where there is none.

    A chart for the category itself comes before one for what the category lies in; among those the
    one for the very audience. `audience` given beside a product stands in for the product's own.
    """
    async with g.snapshot() as snapshot:
        if product_id is not None:
            product = await catalogue.product(snapshot, product_id)
            if product is None:
                return None
            category, audience = product.category, audience or product.audience
        if category is None:
            return None
        rows = await snapshot.query("size_charts_of_category", id=category)
    fitting = []
    for order, row in enumerate(rows):
        chart = _chart(json.loads(row["card"]))
        distance = _distance(chart.audience, audience)
        if distance is not None:
            fitting.append((row["depth"], distance, order, chart))
    return min(fitting, key=lambda item: item[:3])[3] if fitting else None


async def charts(g: Reader) -> list[SizeChart]:
    """Every size chart, in the shop's order."""
    return [_chart(json.loads(row["card"])) for row in await g.query("size_charts")]


def advise(
    chart: SizeChart,
    *,
    foot_length_cm: float | None = None,
    height_cm: float | None = None,
    weight_kg: float | None = None,
    age: float | None = None,
    underbust_cm: float | None = None,
    bust_cm: float | None = None,
) -> list[tuple[str, Row, str]]:
    """Sizes of a chart for a body: (size, the chart's row, how it was found), best first.

    `fits`: every measure given lies in the row. `between`: the measures point to two sizes, or one
    lies just where two sizes meet, and this is the larger. `by_age`: only the age was there to go
    by. Nothing is returned for a body outside the chart, or without a measure the chart knows.
    """
    given = {
        "foot_length": foot_length_cm,
        "height": height_cm,
        "weight": weight_kg,
        "age": age,
        "underbust": underbust_cm,
        "bust": bust_cm,
    }
    body = {name: given[name] for name in chart.by if given.get(name) is not None}
    stand_in = not body
    if stand_in:
        body = {name: given[name] for name in chart.also if given.get(name) is not None}
    if not body:
        return []
    rows = {name: _rows_for(chart, name, value) for name, value in body.items()}
    if not all(rows.values()):
        return []
    common = sorted(set.intersection(*map(set, rows.values())))
    if stand_in:
        return [(chart.rows[i]["size"], chart.rows[i], BY_AGE) for i in common]
    if common:
        return [(chart.rows[i]["size"], chart.rows[i], _fit(chart, i, body)) for i in common]
    if "bust" in chart.by:
        # Band and cup are two scales: there is no larger of two.
        return []
    larger = chart.rows[max(max(found) for found in rows.values())]
    return [(larger["size"], larger, BETWEEN)]


def _rows_for(chart: SizeChart, name: str, value: float) -> list[int]:
    pairs = [(index, row.get(name)) for index, row in enumerate(chart.rows)]
    return [index for index, pair in pairs if pair and pair[0] <= value < pair[1]]


def _fit(chart: SizeChart, index: int, body: dict[str, float]) -> str:
    """BETWEEN when a measure lies where this row and the one before it meet."""
    if index and "bust" not in chart.by:
        before = chart.rows[index - 1]
        for name, value in body.items():
            if name in before and before[name][1] == value == chart.rows[index][name][0]:
                return BETWEEN
    return FITS


def _distance(chart: str | None, asked: str | None) -> int | None:
    """How far a chart's audience is from the one asked for; None when it is for others."""
    if chart == asked:
        return 0
    if chart is None or (chart == "unisex" and asked in (*_ADULTS, None)):
        return 1
    if asked is None or (asked == "unisex" and chart in _ADULTS):
        return 2
    if asked in _CHILDREN and chart in _CHILDREN:
        return 3
    return None


def _chart(card: dict[str, Any]) -> SizeChart:
    rows = card["rows"]
    # `by` joins names with "_"; that "bust" is part of "underbust" does no harm, since a chart by
    # the one alone has no column of the other.
    by = [name for name in _MEASURES if name in (card["by"] or "") and _column(rows, name)]
    by = by or [name for name in _MEASURES if name != "age" and _column(rows, name)]
    return SizeChart(
        id=card["id"],
        name=card["name"],
        audience=card["audience"],
        by=by,
        also=card["also"] or (["age"] if _column(rows, "age") else []),
        rows=rows,
        note=card["note"],
    )


def _column(rows: list[Row], name: str) -> bool:
    return any(name in row for row in rows)
