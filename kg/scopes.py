"""What a rule touches: the scopes that a product or a category lies in, and how narrow each is."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from kg.catalogue import Category, Product
from kg.graph import Rows
from kg.tables import SHOP, series_id

ALL = f"shop:{SHOP}"

# From narrow to wide. Among categories the nearer to the product is the narrower.
_WIDTHS = {"product": 0, "series": 1, "brand": 2, "category": 3, "shop": 1000}


def scopes_of_product(product: Product) -> dict[str, int]:
    """Every scope a product lies in, with its width: the smaller, the narrower."""
    found = {
        f"product:{product.id}": _WIDTHS["product"],
        f"brand:{product.brand}": _WIDTHS["brand"],
    }
    if product.series:
        found[f"series:{series_id(product.brand, product.series)}"] = _WIDTHS["series"]
    return {**found, **_category_scopes(product.category_path), ALL: _WIDTHS["shop"]}


def scopes_of_category(category: Category) -> dict[str, int]:
    """Every scope a whole category lies in, with its width."""
    return {**_category_scopes(category.path), ALL: _WIDTHS["shop"]}


def _category_scopes(path: list[str]) -> dict[str, int]:
    return {f"category:{id}": _WIDTHS["category"] + depth for depth, id in enumerate(path)}


@dataclass
class Touched:
    """A rule that touches some of the scopes asked for: where it applies, where it does not."""

    id: str
    card: dict[str, Any]
    applies: list[str] = field(default_factory=list)
    excepted: list[str] = field(default_factory=list)

    def narrowest(self, widths: dict[str, int]) -> str:
        """The narrowest scope by which it applies."""
        return min(self.applies, key=lambda scope: (widths[scope], scope))


def touched(rows: Rows) -> list[Touched]:
    """Rules out of rows (id, card, role, scope), in the order of their ids."""
    grouped: dict[str, Rows] = defaultdict(list)
    for row in rows:
        grouped[row["id"]].append(row)
    found = []
    for id, group in sorted(grouped.items()):
        rule = Touched(id, json.loads(group[0]["card"]))
        for row in group:
            (rule.applies if row["role"] == "applies" else rule.excepted).append(row["scope"])
        found.append(rule)
    return found
