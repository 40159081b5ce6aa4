"""What a person looks at and likes: newest products, affinities that fade, social interaction."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import lru_cache

from cdp.events import Event

HALF_LIFE = timedelta(days=30)
VIEWED = 20
_VIEWED_KINDS = ("page", "view", "click", "search", "cart", "checkout", "favourite", "promotion")
# How much one event of a kind says about a liking for a category or a brand.
WEIGHTS = {
    "page": 1,
    "search": 1,
    "promotion": 1,
    "view": 1,
    "click": 2,
    "share": 3,
    "review": 3,
    "cart": 4,
    "favourite": 4,
    "checkout": 5,
    "order": 8,
}
SOCIAL = ("share", "favourite", "review", "follow")
MOST_SCORES = 300
_EPOCH = datetime(2026, 1, 1)
_MANTISSA = 16
_LONGEST = 100


def add(body: dict, event: Event) -> None:
    """Take up the products of an event, and what it says of likings."""
    kind = event.kind
    if kind in SOCIAL:
        social = body.setdefault("social", {})
        social[kind] = social.get(kind, 0) + 1
    if kind not in WEIGHTS:
        return
    properties = event.body.get("properties") or {}
    products = properties.get("products")
    listed = products if isinstance(products, list) else ()
    items = [one for one in (properties, *listed) if isinstance(one, dict)]
    weight = weight_at(WEIGHTS[kind], event.at)
    for item in items:
        for name in ("category", "brand"):
            if isinstance(item.get(name), str) and item[name]:
                scores = body.setdefault("affinity", {}).setdefault(name, {})
                what = item[name][:_LONGEST]
                scores[what] = scores.get(what, 0.0) + weight
                _keep_strongest(scores)
    if kind in _VIEWED_KINDS:
        seen = [
            one
            for one in (_viewed(event, item) for item in items)
            if "id" in one or "category" in one
        ]
        if seen:
            _remember(body, seen)


def combine(body: dict, other: dict) -> None:
    """Take the interests of another body into the first one."""
    for kind, count in (other.get("social") or {}).items():
        social = body.setdefault("social", {})
        social[kind] = social.get(kind, 0) + count
    for name, scores in (other.get("affinity") or {}).items():
        mine = body.setdefault("affinity", {}).setdefault(name, {})
        for what, score in scores.items():
            mine[what] = mine.get(what, 0.0) + score
        _keep_strongest(mine)
    if other.get("viewed"):
        _remember(body, other["viewed"])


def _keep_strongest(scores: dict[str, float]) -> None:
    # No shop has so many categories: a sender of nonsense must not make every event dear.
    while len(scores) > MOST_SCORES:
        del scores[min(scores, key=lambda what: (scores[what], what))]


def weight_at(weight: int, at: datetime) -> float:
    """weight · 2^((at − 2026-01-01) / 30 days): what is newer weighs more, and nothing stored has
    to be made less as time goes by.

    Rounded to 16 binary digits, so that sums are exact, and the same in any order, as long as
    they span less than about two years.
    """
    scale = _scale(at.replace(second=0, microsecond=0))
    return weight * scale


@lru_cache(maxsize=20_000)
def _scale(at: datetime) -> float:
    mantissa, exponent = math.frexp(2.0 ** ((at - _EPOCH) / HALF_LIFE))
    return math.ldexp(round(mantissa * (1 << _MANTISSA)), exponent - _MANTISSA)


def _viewed(event: Event, item: dict) -> dict:
    named = {
        "id": item.get("product_id"),
        "name": item.get("name"),
        "category": item.get("category"),
        "brand": item.get("brand"),
    }
    told = {
        name: str(value)[:_LONGEST]
        for name, value in named.items()
        if isinstance(value, (str, int)) and value != ""
    }
    return {**told, "at": event.stamp, "kind": event.kind, "seq": event.seq}


def _remember(body: dict, seen: list[dict]) -> None:
    """The newest products looked at, each once for each kind of event, the newest first."""
    ranked = list(body.get("viewed") or ())
    for one in seen:
        place = _place(one)
        rank = one["at"], *place
        known = next((at for at, other in enumerate(ranked) if _place(other) == place), None)
        if known is not None:
            other = ranked[known]
            if (one["at"], one["seq"]) <= (other["at"], other["seq"]):
                continue
            del ranked[known]
        # What arrives is mostly the newest: its place is found near the front.
        before = (at for at, other in enumerate(ranked) if (other["at"], *_place(other)) < rank)
        ranked.insert(next(before, len(ranked)), one)
    body["viewed"] = ranked[:VIEWED]


def _place(one: dict) -> tuple[str, str]:
    return one["kind"], one.get("id") or f"category {one.get('category')}"
