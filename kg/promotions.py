"""Promotions in force on a day: all of them, or those for one product or category."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from kg import catalogue
from kg.graph import Reader
from kg.scopes import scopes_of_category, scopes_of_product, touched


@dataclass(frozen=True)
class Promotion:
    """A promotion.

    `threshold` and `value` are yuan, except that of a percent promotion `value` is the fraction to
    pay (0.8 is 8 折). `first_day` and `last_day` are ISO days, both inclusive, or None where open.
    `scope_names` is what it holds for, as names a shopper knows; empty for the whole shop.
    """

    id: str
    name: str
    kind: str
    threshold: float | None
    value: float | None
    scope: dict[str, Any]
    exceptions: dict[str, Any]
    needs: dict[str, Any]
    periods: list[int]
    interest_free: list[int]
    gift: str | None
    code: str | None
    channels: list[str]
    first_day: str | None
    last_day: str | None
    text: str
    terms: str
    scope_names: list[str]

    @property
    def everywhere(self) -> bool:
        """Whether it holds for the whole shop, exceptions aside."""
        return bool(self.scope.get("all"))


async def in_force(
    g: Reader,
    day: date,
    product_id: str | None = None,
    category: str | None = None,
    kind: str | None = None,
) -> list[Promotion]:
    """Promotions in force on a day, in the shop's order.

    For a product: those whose scope it lies in and whose exceptions it does not. For a category:
    those for it, for what it lies in and for any category below it. Both may be given.
    """
    async with g.snapshot() as snapshot:
        found: dict[str, dict[str, Any]] | None = None
        for within, below in await _asked(snapshot, product_id, category):
            rows = await snapshot.query(
                "promotions_for", day=day.isoformat(), scopes=sorted(within | below)
            )
            # An exception for a part of a category leaves the promotion to the other parts.
            fit = {
                rule.id: rule.card
                for rule in touched(rows)
                if rule.applies and not within.intersection(rule.excepted)
            }
            found = fit if found is None else {id: found[id] for id in found if id in fit}
        if found is None:
            rows = await snapshot.query("promotions_in_force", day=day.isoformat())
            found = {row["id"]: json.loads(row["card"]) for row in rows}
    cards = sorted(found.values(), key=lambda card: card["position"])
    return [_promotion(card) for card in cards if kind in (None, card["kind"])]


async def promotion(g: Reader, id: str) -> Promotion | None:
    """A promotion by its id, in force or not."""
    rows = await g.query("promotion", id=id)
    return _promotion(json.loads(rows[0]["card"])) if rows else None


async def _asked(
    g: Reader, product_id: str | None, category: str | None
) -> list[tuple[set[str], set[str]]]:
    """For each thing asked for the scopes it lies in, and those that lie in it.

    A thing that does not exist lies in none; the embedded engine cannot take an empty list.
    """
    asked: list[tuple[set[str], set[str]]] = []
    if product_id is not None:
        product = await catalogue.product(g, product_id)
        asked.append((set(scopes_of_product(product)) if product else {"nothing"}, set()))
    if category is not None:
        found = await catalogue.category(g, category)
        family = await g.query("category_family", id=category)
        below = {f"category:{row['id']}" for row in family if row["depth"] < 0}
        asked.append((set(scopes_of_category(found)) if found else {"nothing"}, below))
    return asked


def _promotion(card: dict[str, Any]) -> Promotion:
    return Promotion(
        id=card["id"],
        name=card["name"],
        kind=card["kind"],
        threshold=card["threshold"],
        value=card["value"],
        scope=card["scope"],
        exceptions=card["except"] or {},
        needs=card["needs"],
        periods=card["periods"],
        interest_free=card["interest_free"],
        gift=card["gift"],
        code=card["code"],
        channels=card["channels"],
        first_day=card["from"],
        last_day=card["to"],
        text=card["text"],
        terms=card["terms"],
        scope_names=card["scope_names"],
    )
