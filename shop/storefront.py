"""What the storefront's pages show: products of the graph joined with live offers.

Everything it reads from is handed in, so that the pages can be shown over another catalogue.
The graph is asynchronous; the offers come from a database and are read in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from typing import Any

from shop.offers import ProductOffers

PAGE_SIZE = 24
SHELF_SIZE = 4


@dataclass(frozen=True)
class Tile:
    """A product in a list, with what it costs now."""

    product: Any
    offers: ProductOffers


@dataclass(frozen=True)
class Shelf:
    """A top category, the categories in it and a few of its products."""

    category: Any
    children: tuple[Any, ...]
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Listing:
    """One page of a category or of a search; `path` leads from the root to the category."""

    tiles: tuple[Tile, ...]
    page: int
    more: bool
    category: Any | None
    path: tuple[Any, ...]
    children: tuple[Any, ...]


@dataclass(frozen=True)
class Details:
    """Everything on a product's page; `path` leads from the root to its category."""

    product: Any
    offers: ProductOffers
    path: tuple[Any, ...]
    promotions: tuple[Any, ...]
    chart: Any | None
    goes_with: tuple[Tile, ...]
    same_series: tuple[Tile, ...]

    def variants(self) -> list[dict[str, Any]]:
        """The variants for the page's picker: colour, size, price in cents, stock, restock."""
        rows = []
        for variant in self.product.variants:
            offer = self.offers.variants.get(variant.sku)
            rows.append(
                {
                    "sku": variant.sku,
                    "colour": variant.colour or None,
                    "size": variant.size or None,
                    "price": offer.price_cents if offer else None,
                    "stock": offer.stock if offer else 0,
                    "restock": offer.restock_days if offer else None,
                }
            )
        return rows


@dataclass(frozen=True)
class Sources:
    """Where the storefront reads: an open graph; the modules `kg.catalogue`, `kg.promotions` and
    `kg.sizes`; `many(product_ids)` of `shop.offers`; which day it is in the shop; and, where the
    graph has texts in several languages, the module `kg.localised`."""

    graph: Any
    catalogue: Any
    promotions: Any
    sizes: Any
    many: Callable[[Iterable[str]], dict[str, ProductOffers]]
    today: Callable[[], date]
    localised: Any = None


class Storefront:
    """The pages' questions to the shop. Errors of the graph and the database pass through."""

    def __init__(self, sources: Sources):
        self.sources = sources

    def in_language(self, language: str) -> Storefront:
        """The same shop with the graph's texts in a language (ISO 639-1), as far as it has them."""
        source = self.sources
        if source.localised is None:
            return self
        reader = source.localised.LocalisedReader(source.graph, language)
        return Storefront(replace(source, graph=reader))

    async def words(self, language: str) -> dict[str, str]:
        """What series, colours and sizes are called in a language, by their own names."""
        source = self.sources
        return await source.localised.words(source.graph, language) if source.localised else {}

    async def top_categories(self) -> list[Any]:
        """The categories that lie in no other, in the catalogue's order."""
        return [found for found in await self._categories() if not found.parent]

    async def shelves(self) -> list[Shelf]:
        """A few products of every top category that has any, from all parts of it."""
        every = await self._categories()
        tops = [found for found in every if not found.parent]
        chosen = await asyncio.gather(*(self._choose(every, top.id) for top in tops))
        tiles = await self._tiles([product for products in chosen for product in products])
        by_id = {tile.product.id: tile for tile in tiles}
        return [
            Shelf(top, _children(every, top.id), tuple(by_id[product.id] for product in products))
            for top, products in zip(tops, chosen, strict=True)
            if products
        ]

    async def _choose(self, every: Sequence[Any], category: str) -> list[Any]:
        """The first products of a category's children in turn, or its own where it has none."""
        parts = [found.id for found in _children(every, category)] or [category]
        found = await asyncio.gather(
            *(self._search(category=part, limit=SHELF_SIZE) for part in parts)
        )
        rounds = (product for turn in zip_longest(*found) for product in turn if product)
        return list({product.id: product for product in rounds}.values())[:SHELF_SIZE]

    async def listing(self, category: str | None, text: str | None, page: int) -> Listing | None:
        """Page `page` (from 1) of a category or a search; None where the category is unknown."""
        every = await self._categories()
        by_id = {found.id: found for found in every}
        if category is not None and category not in by_id:
            return None
        start = (page - 1) * PAGE_SIZE
        products = await self._search(category=category, text=text, limit=start + PAGE_SIZE + 1)
        shown = products[start : start + PAGE_SIZE]
        return Listing(
            tiles=tuple(await self._tiles(shown)),
            page=page,
            more=len(products) > start + PAGE_SIZE,
            category=by_id.get(category) if category else None,
            path=_path(by_id, category),
            children=_children(every, category),
        )

    async def details(self, product_id: str) -> Details | None:
        """The page of one product; None where there is no such product."""
        product = await self.product(product_id)
        if product is None:
            return None
        source = self.sources
        every, promotions, chart, matching, series = await asyncio.gather(
            self._categories(),
            source.promotions.in_force(source.graph, source.today(), product_id=product_id),
            source.sizes.chart_for(source.graph, product_id=product_id),
            source.catalogue.goes_with(source.graph, product_id),
            source.catalogue.same_series(source.graph, product_id),
        )
        matching, series = matching[:SHELF_SIZE], series[:SHELF_SIZE]
        tiles = await self._tiles([product, *matching, *series])
        return Details(
            product=product,
            offers=tiles[0].offers,
            path=_path({found.id: found for found in every}, product.category),
            promotions=tuple(promotions),
            chart=chart,
            goes_with=tuple(tiles[1 : 1 + len(matching)]),
            same_series=tuple(tiles[1 + len(matching) :]),
        )

    async def product(self, product_id: str) -> Any | None:
        """The catalogue's product, or None."""
        return await self.sources.catalogue.product(self.sources.graph, product_id)

    async def tiles(self, product_ids: Sequence[str]) -> list[Tile]:
        """The tiles of the products among these ids that exist, in their order."""
        found = await self.sources.catalogue.products(self.sources.graph, list(product_ids))
        return await self._tiles(found)

    async def promotions(self, category: str | None = None) -> list[Any]:
        """The promotions in force today, of a category or of all."""
        source = self.sources
        return await source.promotions.in_force(source.graph, source.today(), category=category)

    async def state(self) -> dict[str, dict[str, str]]:
        """Whether the graph and the offers can be read: {name: {"state": "ok"|"down", …}}."""
        graph, offers = await asyncio.gather(
            _probe(self.sources.graph.version()),
            _probe(asyncio.to_thread(self.sources.many, [])),
        )
        return {"graph": graph, "offers": offers}

    async def _categories(self) -> list[Any]:
        return await self.sources.catalogue.categories(self.sources.graph)

    async def _search(self, **wanted: Any) -> list[Any]:
        return await self.sources.catalogue.search(self.sources.graph, **wanted)

    async def _tiles(self, products: Sequence[Any]) -> list[Tile]:
        ids = [product.id for product in products]
        offers = await asyncio.to_thread(self.sources.many, ids) if ids else {}
        return [Tile(product, offers[product.id]) for product in products]


async def _probe(waiting: Any) -> dict[str, str]:
    """The state of one dependency; whatever it raises counts as down."""
    try:
        found = await asyncio.wait_for(waiting, timeout=2)
    except Exception as error:  # a health page reports, it does not fail
        return {"state": "down", "reason": type(error).__name__}
    return {"state": "ok", "version": found} if isinstance(found, str) else {"state": "ok"}


def _children(every: Sequence[Any], parent: str | None) -> tuple[Any, ...]:
    return tuple(found for found in every if (found.parent or None) == parent)


def _path(by_id: dict[str, Any], category: str | None) -> tuple[Any, ...]:
    steps: list[Any] = []
    while category and category in by_id and len(steps) < 20:
        steps.insert(0, by_id[category])
        category = by_id[category].parent
    return tuple(steps)
