"""Charts as data: the page's script draws them with plotly, and shows the same as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from web.console.frame import ZONE

KINDS = ("bars", "rows", "lines")


def chart(name: str, title: str, kind: str, unit: str, series: Iterable[dict]) -> dict:
    """One chart. kind: "bars" (upright, over time), "rows" (lying, by name), "lines" (over time).

    series: as `series` makes them. name: its id on the page.
    """
    if kind not in KINDS:
        raise ValueError(f"chart {name!r}: kind {kind!r}, expected one of {KINDS}")
    return {"name": name, "title": title, "kind": kind, "unit": unit, "series": list(series)}


def series(name: str, points: Sequence[tuple], tone: str = "brand") -> dict:
    """One series of (x, y); tone: the colour's name in console.css."""
    return {
        "name": name,
        "tone": tone,
        "x": [_place(x) for x, _ in points],
        "y": [y for _, y in points],
    }


def _place(x) -> str:
    if isinstance(x, datetime):
        return (x + ZONE).strftime("%Y-%m-%d %H:%M")
    return x.isoformat() if isinstance(x, date) else str(x)
