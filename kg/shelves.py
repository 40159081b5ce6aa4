"""Shelves: the first products of every category, brand or series, and audience, worked out once.

A search by these facets is then a lookup by key, as fast with 100,000 products as with 1,000.
A shelf keeps at most DEPTH products, in the shop's own order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product as pairs

from kg.content import Record

DEPTH = 100
ANY = ""

# Which products somebody looking for an audience wants to see.
SEEN_BY = {
    "men": ("men", "unisex"),
    "women": ("women", "unisex"),
    "unisex": ("unisex",),
    "kids": ("kids",),
    "baby": ("baby",),
}
_SHOWN_TO = {
    audience: tuple(seeker for seeker, seen in SEEN_BY.items() if audience in seen)
    for audience in SEEN_BY
}


def shelf_id(category: str, brand: str, series: str, audience: str) -> str:
    """The key of a shelf; a facet that does not matter is ANY."""
    return "|".join((category, brand, series, audience))


def shelves(products: Iterable[Record], ancestors: dict[str, list[str]]) -> Iterator[tuple]:
    """Rows (shelf id, JSON list of product ids) of all shelves that are not empty.

    `ancestors` gives for every category itself and all above it.
    """
    found: dict[str, list[str]] = {}
    for product in products:
        categories = (ANY, *ancestors[product["category"]])
        makers = [(ANY, ANY), (product["brand"], ANY)]
        if product["series"]:
            makers += [(ANY, product["series"]), (product["brand"], product["series"])]
        audiences = (ANY, *_SHOWN_TO[product["audience"]])
        for category, (brand, series), audience in pairs(categories, makers, audiences):
            shelf = found.setdefault(shelf_id(category, brand, series, audience), [])
            if len(shelf) < DEPTH:
                shelf.append(product["id"])
    for key, ids in found.items():
        yield key, json.dumps(ids)
