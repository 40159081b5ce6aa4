"""Shopify's product export: one row a variant or picture, rows of one product share its handle.

Columns read: Handle, Title, Body (HTML), Vendor, Product Category, Type, Tags, Status, Option1 Name
to Option3 Value, Variant SKU, Variant Price, Variant Inventory Qty, Image Src, Google Shopping /
Gender and / Age Group. Others are passed over.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path
from typing import Any

from kg.feeds.row import Feed, FeedRow, offer, price_of, stock_of
from kg.feeds.text import decoded, plain_text, web_address
from kg.problems import shown

_REQUIRED = ("Handle", "Title", "Vendor")
_ID = re.compile(r"[A-Za-z0-9_\-.]{1,64}")
_COLOUR = frozenset({"color", "colour", "颜色", "色"})
_NO_OPTION = "Default Title"
# Shopify lets a product have neither type nor category; the graph does not.
_NO_CATEGORY = "未分类"
_GENDERS = {"male": "men", "female": "women", "unisex": "unisex"}
_AGES = {"kids": "kids", "toddler": "baby", "infant": "baby", "newborn": "baby"}

_Row = tuple[int, dict[str, str]]


def read_shopify(path: Path) -> Feed:
    """The products of a Shopify product CSV; drafts and archived ones are left out."""
    feed, file = Feed(), path.name
    text = decoded(path)
    if text is None:
        feed.problem(0, "file", "bytes that are no text", "text in UTF-8", file)
        return feed
    for rows in _products(feed, file, text).values():
        _add(feed, file, rows)
    if not feed.rows and not feed.problems:
        feed.problem(0, "file", "no product", "at least one active product", file)
    return feed


def _products(feed: Feed, file: str, text: str) -> dict[str, list[_Row]]:
    """Rows by handle, in the order of the file."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    grouped: dict[str, list[_Row]] = {}
    try:
        columns = reader.fieldnames or []
        missing = [name for name in _REQUIRED if name not in columns]
        if missing:
            found = ", ".join(columns) or "nothing"
            feed.problem(1, "header", shown(found), "columns " + ", ".join(missing), file)
            return {}
        for number, raw in enumerate(reader, start=2):
            if None in raw or None in raw.values():
                feed.problem(number, "row", "another number of cells", "as in the header", file)
                continue
            handle = raw["Handle"].strip()
            if not handle:
                feed.problem(number, "Handle", "nothing", "the product's handle", file)
                continue
            grouped.setdefault(handle, []).append((number, raw))
    except csv.Error as error:
        feed.problem(reader.line_num, "row", str(error), "CSV with closed quotes", file)
    return grouped


def _add(feed: Feed, file: str, rows: list[_Row]) -> None:
    number, first = rows[0]
    if (first.get("Status") or "active").strip().lower() != "active":
        return
    id = product_id(first["Handle"].strip())
    colours, sizes, offers = _variants(feed, file, id, rows)
    fields: dict[str, Any] = {
        "id": id,
        "name": plain_text(first["Title"]),
        "brand": plain_text(first["Vendor"]),
        "category": _category(first),
        "audience": _audience(first),
        "description": plain_text(first.get("Body (HTML)") or ""),
        "tags": [tag.strip() for tag in (first.get("Tags") or "").split(",") if tag.strip()],
        "colours": colours,
        "sizes": sizes,
        "images": _images(feed, file, rows),
    }
    feed.rows.append(FeedRow(file, number, fields, offers, create_category=True))


def product_id(handle: str) -> str:
    """A handle as an id; one with other letters than an id may have is shortened to its hash."""
    if _ID.fullmatch(handle):
        return handle
    return "h-" + hashlib.sha256(handle.encode()).hexdigest()[:16]


def _category(row: dict[str, str]) -> str:
    for name in ("Product Category", "Type"):
        value = plain_text(row.get(name) or "")
        if value:
            return value
    return _NO_CATEGORY


def _audience(row: dict[str, str]) -> str | None:
    age = (row.get("Google Shopping / Age Group") or "").strip().lower()
    gender = (row.get("Google Shopping / Gender") or "").strip().lower()
    return _AGES.get(age) or _GENDERS.get(gender)


def _images(feed: Feed, file: str, rows: list[_Row]) -> list[str]:
    found = []
    for number, row in rows:
        address = (row.get("Image Src") or "").strip()
        if address and web_address(address):
            found.append(address)
        elif address:
            feed.problem(number, "Image Src", shown(address), "an http or https address", file)
    return list(dict.fromkeys(found))


def _variants(
    feed: Feed, file: str, id: str, rows: list[_Row]
) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Colours, sizes and offers. Options that are not a colour make up the size together."""
    names = [rows[0][1].get(f"Option{n} Name") or "" for n in (1, 2, 3)]
    colours: dict[str, None] = {}
    sizes: dict[str, None] = {}
    offers = []
    for number, row in rows:
        if not any((row.get(f"Option{n} Value") or "").strip() for n in (1, 2, 3)):
            continue
        colour, rest = "", []
        for n, name in enumerate(names, start=1):
            value = plain_text(row.get(f"Option{n} Value") or "")
            if not value or value == _NO_OPTION:
                continue
            if name.strip().lower() in _COLOUR:
                colour = value
            else:
                rest.append(value)
        size = " / ".join(rest)
        colours.update({colour: None} if colour else {})
        sizes.update({size: None} if size else {})
        price = price_of(feed, file, number, "Variant Price", row.get("Variant Price"))
        stock = _stock(feed, file, number, row.get("Variant Inventory Qty"))
        sku = plain_text(row.get("Variant SKU") or "") or None
        offers.append(offer(id, price, stock, colour or None, size or None, sku))
    return list(colours), list(sizes), offers


def _stock(feed: Feed, file: str, number: int, value: str | None) -> int | None:
    """Shopify's stock goes below zero when more was sold than there was: that is none."""
    text = (value or "").strip()
    if text.startswith("-") and text[1:].isdecimal():
        return 0
    return stock_of(feed, file, number, "Variant Inventory Qty", text)
