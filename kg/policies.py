"""Policies: which rule of a topic holds for a product, on a day, under the facts known.

The narrowest rule in force wins: product before series before brand before category (the nearer to
the product first) before the whole shop. Between two as narrow, the one with more conditions wins,
then the higher version. Topics, categories and conditions are data: none is named in this code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kg import catalogue
from kg.graph import Reader
from kg.scopes import ALL, Touched, scopes_of_product, touched


@dataclass(frozen=True)
class Resolution:
    """A policy as it holds for what was asked.

    `allowed` is None where the policy only informs. `days` count from delivery. `freight` says who
    pays for sending back. `path` leads from what was asked to the policy:
    ["P1001", "category:running_shoes", "policy:return_no_reason@3"].
    """

    policy: str
    title: str
    version: int
    topic: str
    allowed: bool | None
    days: int | None
    text: str
    reason: str
    freight: str | None
    data: dict[str, Any]
    conditions: dict[str, Any]
    path: list[str] = field(default_factory=list)
    scope_kind: str = "all"


async def resolve(
    g: Reader,
    topic: str,
    day: date,
    product_id: str | None = None,
    facts: dict[str, Any] | None = None,
) -> Resolution | None:
    """The policy of a topic that holds, or None when none does.

    `facts` is what is known of the case (reason, opened, state …): a policy's conditions must all
    equal them, and a fact not known is not met. Without a product only rules for the whole shop
    count; a product that does not exist has no policy.
    """
    known = facts or {}
    for resolution in await candidates(g, topic, day, product_id):
        if all(key in known and known[key] == want for key, want in resolution.conditions.items()):
            return resolution
    return None


async def candidates(
    g: Reader, topic: str, day: date, product_id: str | None = None
) -> list[Resolution]:
    """Every policy of a topic in force for a product, whatever its conditions, best first."""
    async with g.snapshot() as snapshot:
        widths = await _widths(snapshot, product_id)
        rows = await snapshot.query(
            "policies_for", topic=topic, day=day.isoformat(), scopes=list(widths)
        )
    rules = [rule for rule in touched(rows) if rule.applies and not rule.excepted]
    rules.sort(key=lambda rule: _order(rule, widths))
    return [_resolution(rule, rule.narrowest(widths), product_id) for rule in rules]


async def _widths(g: Reader, product_id: str | None) -> dict[str, int]:
    if product_id is None:
        return {ALL: 0}
    product = await catalogue.product(g, product_id)
    # A scope that no rule has: the embedded engine cannot take an empty list.
    return scopes_of_product(product) if product else {"nothing": 0}


def _order(rule: Touched, widths: dict[str, int]) -> tuple[int, int, int, str]:
    width = widths[rule.narrowest(widths)]
    return (width, -len(rule.card["conditions"]), -rule.card["version"], rule.id)


def _resolution(rule: Touched, scope: str, product_id: str | None) -> Resolution:
    card = rule.card
    return Resolution(
        policy=card["id"],
        title=card["title"],
        version=card["version"],
        topic=card["topic"],
        allowed=card["allowed"],
        days=card["days"],
        text=card["text"],
        reason=card["reason"],
        freight=card["freight"],
        data=card["data"],
        conditions=card["conditions"],
        path=[product_id or "shop", "all" if scope == ALL else scope, f"policy:{rule.id}"],
        scope_kind="all" if scope == ALL else scope.partition(":")[0],
    )
