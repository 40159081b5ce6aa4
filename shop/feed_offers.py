"""Prices and stock of a shop's own feed, put where the shop reads them.

`python -m kg import` keeps them beside the version it publishes, in `offers.jsonl`: one JSON object
a line, with a price in yuan and a stock for a product, or for those of its variants that have the
colour and the size named:

    {"product": "N1", "colour": null, "size": "42", "price": 199.0, "stock": 5}

A stock told of a product holds for each of its variants. What a line leaves out stays as it was; a
variant of which no stock was ever told has none. Everything is checked against the graph in force
before anything is written, and only what differs is written, so that a second load changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select

from kg import releases
from kg.content import Record
from kg.errors import FeedInvalid, UnknownVersion
from kg.feeds.row import Feed, price_of, stock_of
from kg.graph import graph_folder
from kg.problems import shown
from kg.tables import variants
from shop import clock
from shop.offers import OfferRow
from storage import create_tables, read, write

OFFERS = "offers.jsonl"
MOST_YUAN = 20_000_000
_FIELDS = frozenset({"product", "colour", "size", "price", "stock", "merchant_sku"})
# Products a transaction: other writers wait only as long as these take.
_CHUNK = 200


@dataclass(frozen=True)
class Told:
    """What one line says, and which line it is; a None is not told."""

    line: int
    product: str
    colour: str | None
    size: str | None
    price_cents: int | None
    stock: int | None


@dataclass
class Loaded:
    """How many variants' offers were new, changed, and as they were; `unknown_stock` of the new
    ones came without a stock; `removed` are of variants that a product no longer has."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0
    unknown_stock: int = 0


def offers_of(version: str | None = None) -> Path:
    """The file of prices and stock kept beside a version (default: the one in force).

    Raises:
        UnknownVersion: none are kept beside it; the message names the versions that have some.
        NothingPublished: there is no version at all.
    """
    wanted = version or releases.current()
    kept = sorted(path.parent.name for path in graph_folder().glob(f"*/{OFFERS}"))
    if wanted not in kept:
        raise UnknownVersion(
            f"no prices and stock are kept beside version {wanted!r}; they are beside: "
            f"{', '.join(kept) or 'none (only a feed that has them brings them)'}"
        )
    return graph_folder() / wanted / OFFERS


def load(path: Path) -> Loaded:
    """Check a whole file against the graph in force, then write what differs.

    Raises:
        FeedInvalid: the file is not in order; the message lists every problem, nothing was changed.
        NothingPublished: there is no graph to check against.
        OSError: the file cannot be read.
    """
    create_tables()
    content = releases.content_of(releases.current())
    products = {product["id"]: product for product in content.products}
    feed = Feed()
    wanted = _resolved(feed, path.name, _told(feed, path), products)
    _priced(feed, path.name, wanted)
    if feed.problems:
        raise FeedInvalid(sorted(feed.problems, key=lambda problem: problem.row))
    loaded, waiting = Loaded(), iter(wanted.items())
    while chunk := dict(islice(waiting, _CHUNK)):
        _write(chunk, products, loaded)
    return loaded


def _told(feed: Feed, path: Path) -> list[Told]:
    """The lines that can be read; a problem for each that cannot."""
    found, file = [], path.name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        feed.problem(0, "file", "bytes that are no text", "text in UTF-8", file)
        return []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            feed.problem(number, "line", str(error), "one JSON object a line", file)
            continue
        if not isinstance(raw, dict):
            feed.problem(number, "line", shown(raw), "a JSON object", file)
            continue
        for name in raw.keys() - _FIELDS:
            expected = "one of " + ", ".join(sorted(_FIELDS))
            feed.problem(number, shown(name), "an unknown field", expected, file)
        found.append(_line(feed, file, number, raw))
    if not found and not feed.problems:
        feed.problem(0, "file", "no line", "at least one price or stock", file)
    return found


def _line(feed: Feed, file: str, number: int, raw: dict[str, Any]) -> Told:
    texts = {}
    for name in ("product", "colour", "size"):
        value = raw.get(name)
        if value is not None and not isinstance(value, str):
            feed.problem(number, name, shown(value), "a text", file)
            value = None
        texts[name] = value or None
    price = price_of(feed, file, number, "price", raw.get("price"))
    if price is not None and price > MOST_YUAN:
        feed.problem(number, "price", shown(price), f"at most {MOST_YUAN:,} yuan", file)
    stock = stock_of(feed, file, number, "stock", raw.get("stock"))
    cents = None if price is None else round(price * 100)
    return Told(
        number, texts["product"] or "", texts["colour"], texts["size"], price_cents=cents,
        stock=stock,
    )  # fmt: skip


def _resolved(
    feed: Feed, file: str, lines: list[Told], products: dict[str, Record]
) -> dict[str, dict[str, Told]]:
    """By product and sku what is told of it; the more a line names, the more it counts."""
    found: dict[str, dict[str, Told]] = {}
    seen: dict[tuple[str, str | None, str | None], int] = {}
    for told in sorted(lines, key=lambda told: (told.colour is not None) + (told.size is not None)):
        if told.product not in products:
            expected = "the id of a product of the graph in force"
            feed.problem(told.line, "product", shown(told.product), expected, file)
            continue
        key = (told.product, told.colour, told.size)
        if key in seen:
            found_twice = f"{shown(told.product)} again, of the same colour and size"
            expected = f"each once (line {seen[key]})"
            feed.problem(told.line, "product", found_twice, expected, file)
            continue
        seen[key] = told.line
        matching = _matching(feed, file, told, products[told.product])
        known = found.setdefault(told.product, {})
        for sku in matching:
            known[sku] = _over(known.get(sku), told)
    return found


def _matching(feed: Feed, file: str, told: Told, product: Record) -> list[str]:
    """The skus a line speaks of; a problem where there are none."""
    every = variants(product)
    for name, value, place in (("colour", told.colour, 1), ("size", told.size, 2)):
        known = dict.fromkeys(variant[place] for variant in every)
        if value is not None and value not in known:
            expected = f"one of {', '.join(filter(None, known)) or f'none: it comes in no {name}'}"
            feed.problem(told.line, name, shown(value), expected, file)
            return []
    return [
        sku
        for sku, colour, size in every
        if told.colour in (None, colour) and told.size in (None, size)
    ]


def _over(general: Told | None, told: Told) -> Told:
    """A line over a more general one: what it does not tell, the other does."""
    if general is None:
        return told
    price = general.price_cents if told.price_cents is None else told.price_cents
    stock = general.stock if told.stock is None else told.stock
    return Told(told.line, told.product, told.colour, told.size, price, stock)


def _priced(feed: Feed, file: str, wanted: dict[str, dict[str, Told]]) -> None:
    """A problem for each variant that would be on offer without a price."""
    missing = [
        (sku, told)
        for skus in wanted.values()
        for sku, told in skus.items()
        if told.price_cents is None
    ]
    if not missing:
        return
    with read() as session:
        known = set(session.scalars(select(OfferRow.sku)))
    for sku, told in missing:
        if sku not in known:
            expected = f"a price in yuan: the shop knows none of {sku}"
            feed.problem(told.line, "price", "nothing", expected, file)


def _write(chunk: dict[str, dict[str, Told]], products: dict[str, Record], loaded: Loaded) -> None:
    """Write what differs of some products, in one transaction."""
    with write() as session:
        rows = session.scalars(select(OfferRow).where(OfferRow.product_id.in_(list(chunk))))
        known = {row.sku: row for row in rows}
        for sku, row in list(known.items()):
            # A product that changed its colours or sizes has other variants now.
            if sku not in {found[0] for found in variants(products[row.product_id])}:
                session.delete(row)
                loaded.removed += 1
        for sku, told in _flat(chunk):
            row = known.get(sku)
            if row is None:
                session.add(_new(sku, told))
                loaded.new += 1
                loaded.unknown_stock += told.stock is None
            elif _update(row, told):
                loaded.changed += 1
            else:
                loaded.same += 1


def _flat(chunk: dict[str, dict[str, Told]]) -> Iterator[tuple[str, Told]]:
    for skus in chunk.values():
        yield from skus.items()


def _new(sku: str, told: Told) -> OfferRow:
    return OfferRow(
        sku=sku,
        product_id=told.product,
        price_cents=told.price_cents,
        stock=told.stock or 0,
        restock_days=None,
        updated_at=clock.now(),
    )


def _update(row: OfferRow, told: Told) -> bool:
    """Whether the row had to be changed."""
    price = row.price_cents if told.price_cents is None else told.price_cents
    stock = row.stock if told.stock is None else told.stock
    if (row.price_cents, row.stock) == (price, stock):
        return False
    row.price_cents, row.stock, row.updated_at = price, stock, clock.now()
    if stock:
        row.restock_days = None
    return True
