"""A feed put into content: brands and categories found or made, products replaced or added."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kg.content import Content, Record, bare
from kg.errors import FeedInvalid
from kg.feeds.row import Feed, FeedRow
from kg.feeds.shopify import read_shopify
from kg.feeds.table import read_csv, read_jsonl
from kg.fields import normalise
from kg.problems import Problem, errors_only, shown
from kg.validation import validate

FORMATS: dict[str, Callable[[Path], Feed]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "shopify": read_shopify,
}

_SLUG = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


def read_feed(
    path: Path, format: str, base: Content, *, replace: bool = False
) -> tuple[Content, list[Problem]]:
    """Content with a feed's products put in, and warnings: columns passed over, brands made.

    `base` is the content to start from and is left as it is. With `replace` its products give way
    to the feed's; else a product of the feed takes the place of that of the same id, with the old
    values of fields that the feed has no column for.
    Raises FeedInvalid with every problem of the feed and of what it would make of the content.
    """
    content, problems = merged(FORMATS[format](path), base, replace=replace)
    found = errors_only(problems) + errors_only(validate(content))
    if found:
        raise FeedInvalid(found)
    return content, problems


def merged(feed: Feed, base: Content, *, replace: bool) -> tuple[Content, list[Problem]]:
    """Content with a feed's rows put in, and the problems found, warnings among them."""
    content = Content(
        brands=list(base.brands),
        categories=list(base.categories),
        products=[] if replace else list(base.products),
        size_charts=base.size_charts,
        policies=base.policies,
        promotions=base.promotions,
        faqs=base.faqs,
    )
    problems = list(feed.problems)
    names = _Names(content, problems)
    places = {record["id"]: place for place, record in enumerate(content.products)}
    seen: dict[str, int] = {}
    for row in feed.rows:
        record = _record(row, names, problems)
        if record is None:
            continue
        id = record["id"]
        if id in seen:
            expected = f"an id not used before (row {seen[id]})"
            problems.append(Problem(row.file, row.row, "id", shown(id), expected))
            continue
        seen[id] = row.row
        if id in places:
            old = bare(content.products[places[id]])
            kept = {name: value for name, value in old.items() if name not in row.fields}
            content.products[places[id]] = {**record, **kept}
        else:
            content.products.append(record)
        content.offers.extend(row.offers)
    return content, problems


def _record(row: FeedRow, names: _Names, problems: list[Problem]) -> Record | None:
    fields = dict(row.fields)
    if fields.get("brand"):
        fields["brand"] = names.brand(str(fields["brand"]), row)
    if fields.get("category"):
        fields["category"] = names.category(str(fields["category"]), row)
        if fields["category"] is None:
            # Reported already, with what would do; as a missing field it would come up twice.
            return None
    record, found = normalise("product", fields, row.file, row.row)
    problems.extend(found)
    return record


class _Names:
    """Brands and categories by id, name and alias; makes those that a feed may bring along."""

    def __init__(self, content: Content, problems: list[Problem]) -> None:
        self._content = content
        self._problems = problems
        self._brands = _by_name(content.brands)
        self._categories = _by_name(content.categories)

    def brand(self, name: str, row: FeedRow) -> str:
        """The id of a brand; one not known is made."""
        id = self._brands.get(name.casefold())
        if id is None:
            id = self._made("brand", name, row, {"id": slug(name, "brand"), "name": name})
            self._brands[name.casefold()] = id
        return id

    def category(self, name: str, row: FeedRow) -> str | None:
        """The id of a category by id, name, alias or path; None when there is none."""
        steps = [step.strip() for step in name.split(">") if step.strip()]
        if len(steps) > 1 or (steps and row.create_category):
            return self._path(steps, row)
        id = self._categories.get(name.casefold())
        if id is None:
            expected = "a category that exists (id or name), or a path such as 运动户外 > 跑步鞋"
            self._problems.append(Problem(row.file, row.row, "category", shown(name), expected))
        return id

    def _path(self, steps: list[str], row: FeedRow) -> str:
        parent: str | None = None
        for depth, step in enumerate(steps):
            key = " > ".join(steps[: depth + 1]).casefold()
            id = self._categories.get(key) or self._known_step(step, parent)
            if id is None:
                raw = {"id": slug(key, "category"), "name": step, "parent": parent}
                id = self._made("category", step, row, raw)
            self._categories[key] = id
            parent = id
        assert parent is not None
        return parent

    def _known_step(self, step: str, parent: str | None) -> str | None:
        """A category of this name, if it lies right below the parent."""
        id = self._categories.get(step.casefold())
        found = next((c for c in self._content.categories if c["id"] == id), None)
        return id if found and found["parent"] == parent else None

    def _made(self, kind: str, name: str, row: FeedRow, raw: dict[str, Any]) -> str:
        record, found = normalise(kind, raw, row.file, row.row)
        self._problems.extend(found)
        if record:
            self._content.of_kind(kind).append(record)
        expected = f"a {kind} that exists: it is made"
        problem = Problem(row.file, row.row, kind, shown(name), expected, "warning")
        self._problems.append(problem)
        return str(raw["id"])


def _by_name(records: list[Record]) -> dict[str, str]:
    found: dict[str, str] = {}
    for names in (lambda r: (r["id"],), lambda r: (r["name"],), lambda r: r["aliases"]):
        for record in records:
            for name in names(record):
                found.setdefault(name.casefold(), record["id"])
    return found


def slug(name: str, kind: str) -> str:
    """An id for a name: the name itself where it can be one, else the kind with a hash."""
    plain = name.casefold().replace(" ", "-")
    if len(plain) <= 48 and _SLUG.fullmatch(plain):
        return plain
    return f"{kind}-{hashlib.sha256(name.casefold().encode()).hexdigest()[:12]}"
