"""Products, categories and brands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kg.graph import Reader, Rows
from kg.shelves import ANY, DEPTH, SEEN_BY, shelf_id


@dataclass(frozen=True)
class Variant:
    """One thing that can be bought: a product in one colour and size ("" where it has none)."""

    sku: str
    colour: str
    size: str


@dataclass(frozen=True)
class Product:
    """A product with its names, place in the catalogue and variants; no price, no stock.

    `category_path` leads from the leaf category to the root, as ids. `launched` is a month
    (2026-03) or None.
    """

    id: str
    name: str
    brand: str
    brand_name: str
    category: str
    category_name: str
    category_path: list[str]
    series: str | None
    audience: str
    description: str
    attributes: dict[str, str]
    package: list[str]
    usage: list[str]
    aliases: list[str]
    launched: str | None
    variants: list[Variant]
    tags: list[str]
    images: list[str]

    @property
    def colours(self) -> list[str]:
        """The colours it comes in, in order."""
        return list(dict.fromkeys(v.colour for v in self.variants if v.colour))

    @property
    def sizes(self) -> list[str]:
        """The sizes it comes in, in order."""
        return list(dict.fromkeys(v.size for v in self.variants if v.size))

    def variant(self, colour: str = "", size: str = "") -> Variant | None:
        """The first variant of a colour and size; "" stands for any."""
        for variant in self.variants:
            if colour in ("", variant.colour) and size in ("", variant.size):
                return variant
        return None


@dataclass(frozen=True)
class Category:
    """A category; `path` leads from itself to the root, as ids; `unit` is its measure word."""

    id: str
    name: str
    parent: str | None
    aliases: list[str]
    unit: str
    path: list[str]


@dataclass(frozen=True)
class Brand:
    """A brand."""

    id: str
    name: str
    aliases: list[str]
    story: str


async def product(g: Reader, id: str) -> Product | None:
    """A product by its id."""
    rows = await g.query("product", id=id)
    return _product(rows[0]) if rows else None


async def products(g: Reader, ids: Sequence[str]) -> list[Product]:
    """Products by their ids, in that order; ids that do not exist are left out."""
    if not ids:
        return []
    found = await g.query_each("product", [{"id": id} for id in ids])
    return [_product(rows[0]) for rows in found if rows]


async def search(
    g: Reader,
    *,
    category: str | None = None,
    brand: str | None = None,
    audience: str | None = None,
    series: str | None = None,
    text: str | None = None,
    limit: int = 20,
) -> list[Product]:
    """Products that fit all that is given, in the shop's order, at most `limit`.

    `category` is an id and includes all below it; `brand` is an id; `series` is a name. For men or
    women unisex products fit too. `text` is words, each of which must be in a product's names;
    the first four count.
    """
    words = (text or "").lower().split()
    async with g.snapshot() as snapshot:
        if not words and limit <= DEPTH:
            ids = await _shelf(snapshot, category, brand, series, audience)
            return await products(snapshot, ids[:limit])
        params: dict[str, Any] = {
            "brand": brand or "",
            "series": series or "",
            # Never an empty list: the embedded engine cannot tell what it would be a list of.
            "audiences": list(SEEN_BY.get(audience, (audience,))) if audience else [""],
            "limit": limit,
            # Every search text has a space; the embedded engine finds "" in none.
            **{f"word{n}": word for n, word in enumerate([*words, *"    "][:4], start=1)},
        }
        if category:
            rows = await snapshot.query("search_category", category=category, **params)
        else:
            rows = await snapshot.query("search_all", **params)
        return await products(snapshot, _ids(rows))


async def goes_with(g: Reader, id: str) -> list[Product]:
    """What goes with a product: what it names itself first, then what names it."""
    return await _both_ways(g, "goes_with", id)


async def compatible_with(g: Reader, id: str) -> list[Product]:
    """What an accessory fits, or the accessories that fit a product."""
    return await _both_ways(g, "compatible_with", id)


async def same_series(
    g: Reader, id: str, category: str | None = None, limit: int = 20
) -> list[Product]:
    """Other products of its series and brand, of one category and all below it if given."""
    async with g.snapshot() as snapshot:
        found = await product(snapshot, id)
        if found is None or found.series is None:
            return []
        ids = await _shelf(snapshot, category, found.brand, found.series, None)
        return await products(snapshot, [other for other in ids if other != id][:limit])


async def all_products(g: Reader) -> list[Product]:
    """Every product. For pages and indexes: it reads the whole catalogue."""
    return [_product(row) for row in await g.query("all_products")]


async def category(g: Reader, id: str) -> Category | None:
    """A category by its id."""
    rows = await g.query("category", id=id)
    return _category(rows[0]) if rows else None


async def categories(g: Reader) -> list[Category]:
    """Every category, in the shop's order."""
    return [_category(row) for row in await g.query("categories")]


async def brand(g: Reader, id: str) -> Brand | None:
    """A brand by its id."""
    rows = await g.query("brand", id=id)
    return _brand(rows[0]) if rows else None


async def brands(g: Reader) -> list[Brand]:
    """Every brand, in the shop's order."""
    return [_brand(row) for row in await g.query("brands")]


async def _shelf(
    g: Reader, category: str | None, brand: str | None, series: str | None, audience: str | None
) -> list[str]:
    """The ids on a shelf, in the shop's order: none, or at most DEPTH."""
    key = shelf_id(category or ANY, brand or ANY, series or ANY, audience or ANY)
    rows = await g.query("shelf", id=key)
    ids: list[str] = json.loads(rows[0]["products"]) if rows else []
    return ids


async def _both_ways(g: Reader, relation: str, id: str) -> list[Product]:
    async with g.snapshot() as snapshot:
        ids = _ids(await snapshot.query(relation, id=id))
        ids += _ids(await snapshot.query(f"{relation}_this", id=id))
        return await products(snapshot, list(dict.fromkeys(ids)))


def _ids(rows: Rows) -> list[str]:
    return [row["id"] for row in rows]


_PRODUCT_FIELDS = tuple(Product.__dataclass_fields__)


def _product(row: dict[str, Any]) -> Product:
    card = json.loads(row["card"])
    values = {name: card[name] for name in _PRODUCT_FIELDS}
    values["variants"] = [Variant(*variant) for variant in values["variants"]]
    return Product(**values)


def _category(row: dict[str, Any]) -> Category:
    return Category(**_taken(row, Category.__dataclass_fields__))


def _brand(row: dict[str, Any]) -> Brand:
    return Brand(**_taken(row, Brand.__dataclass_fields__))


def _taken(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    card = json.loads(row["card"])
    return {name: card[name] for name in names}
