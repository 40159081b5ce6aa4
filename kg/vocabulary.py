"""Every name a shopper may say, with what it names, for the entity linker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg import catalogue
from kg.fields import LANGUAGES
from kg.graph import Reader
from kg.translations import WORDS

OTHERS = LANGUAGES[1:]
_KIND_OF = {"series": "series", "colours": "colour", "sizes": "size"}

# A bare number is a size only in context, so the linker must not take every number for one.
_SIZE_WORD = re.compile(r"[A-Za-z\u4e00-\u9fff]")


@dataclass(frozen=True)
class Term:
    """A text and what it names.

    `kind` is product, brand, category, series, colour or size. `id` is the id of a product, brand
    or category; of a series, colour or size it is the name itself, as products carry it.
    """

    text: str
    kind: str
    id: str


async def vocabulary(g: Reader) -> list[Term]:
    """All terms of the version in force, without repeats. Reads the whole catalogue."""
    async with g.snapshot() as snapshot:
        found = [
            *[t for c in await catalogue.categories(snapshot) for t in _names("category", c)],
            *[t for b in await catalogue.brands(snapshot) for t in _names("brand", b)],
            *[t for p in await catalogue.all_products(snapshot) for t in _product_terms(p)],
            *[t for language in OTHERS for t in await _translated(snapshot, language)],
        ]
    return list(dict.fromkeys(found))


async def _translated(g: Reader, language: str) -> list[Term]:
    """The same names in another language; what they name stays the same."""
    terms: list[Term] = []
    for row in await g.query("translations", language=language):
        texts = json.loads(row["card"])
        if row["kind"] == WORDS:
            for kind, names in texts.items():
                terms += [Term(name, _KIND_OF[kind], id) for id, name in names.items()]
        elif row["kind"] in ("product", "category", "brand"):
            names = [texts.get("name"), *texts.get("aliases", ())]
            terms += [Term(name, row["kind"], row["of"]) for name in names if name]
    return terms


def _names(
    kind: str, thing: catalogue.Category | catalogue.Brand | catalogue.Product
) -> Iterator[Term]:
    for name in (thing.name, *thing.aliases):
        yield Term(name, kind, thing.id)


def _product_terms(product: catalogue.Product) -> Iterator[Term]:
    yield from _names("product", product)
    if product.series:
        yield Term(product.series, "series", product.series)
    for colour in product.colours:
        yield Term(colour, "colour", colour)
    for size in product.sizes:
        if _SIZE_WORD.search(size):
            yield Term(size, "size", size)
