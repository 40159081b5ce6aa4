"""What must hold between records: ids are unique, references lead somewhere, rules make sense.

Single fields are checked where records are read (`kg.fields`); here content is seen as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kg.content import Content, Record, record_key
from kg.problems import Problem, shown
from kg.tables import named_series, variants
from kg.translations import TEXTS, WORDS, unfit

# More would make product cards unwieldy and is surely a mistake in a feed.
MOST_VARIANTS = 500


def validate(content: Content) -> list[Problem]:
    """Every problem of the content as a whole, warnings among them; empty when all is well."""
    known = _Known(content)
    return [
        *_unique(content),
        *_shared_aliases(content),
        *_categories(content, known),
        *_products(content, known),
        *_size_charts(content, known),
        *_rules(content, known),
        *_faqs(content, known),
        *_translations(content),
    ]


def _translations(content: Content) -> Iterator[Problem]:
    """Of records there are, and of texts that they have; what is out of date is only passed over.

    A shop's feed may take away what the seed translated.
    """
    known = {
        (kind, record_key(kind, record)) for kind, record in content.records() if kind in TEXTS
    }
    for record in content.translations:
        expected = unfit(record["kind"], record["texts"])
        if expected:
            yield _problem(record, record["of"], shown(record["texts"]), expected)
        elif record["kind"] != WORDS and (record["kind"], record["of"]) not in known:
            told = f"the key of a {record['kind']} that exists"
            yield _problem(record, "of", shown(record["of"]), told, "warning")


class _Known:
    """The ids that references may name."""

    def __init__(self, content: Content) -> None:
        self.ids = {
            "brand": {record["id"] for record in content.brands},
            "category": {record["id"] for record in content.categories},
            "product": {record["id"] for record in content.products},
            "size_chart": {record["id"] for record in content.size_charts},
            "policy": {record["id"] for record in content.policies},
            "promotion": {record["id"] for record in content.promotions},
            "series": set(named_series(content.products)),
        }

    def check(
        self, kind: str, found: Iterable[Any], record: Record, field: str
    ) -> Iterator[Problem]:
        for key in found:
            if key not in self.ids[kind]:
                yield _problem(record, field, shown(key), f"the id of a {kind} that exists")


def _problem(
    record: Record, field: str, found: str, expected: str, severity: str = "error"
) -> Problem:
    file = record.get("_file") or f"published {record['id']}"
    return Problem(file, record.get("_row", 0), field, found, expected, severity)


def _unique(content: Content) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Record] = {}
    for kind, record in content.records():
        key = (kind, record_key(kind, record))
        if key in seen:
            first = seen[key]
            place = f"{first.get('_file', 'published')}, row {first.get('_row', 0)}"
            field = "id and version" if kind == "policy" else "id"
            yield _problem(record, field, shown(key[1]), f"a {kind} id not used before ({place})")
        seen.setdefault(key, record)


def _shared_aliases(content: Content) -> Iterator[Problem]:
    for kind in ("brand", "category", "product"):
        owners: dict[str, str] = {}
        for record in content.of_kind(kind):
            for name in dict.fromkeys((record["name"], *record["aliases"])):
                owner = owners.setdefault(name.lower(), record["id"])
                if owner != record["id"]:
                    expected = f"a name that {owner} does not use too"
                    yield _problem(record, "aliases", shown(name), expected, "warning")


def _categories(content: Content, known: _Known) -> Iterator[Problem]:
    parents = {record["id"]: record["parent"] for record in content.categories}
    for record in content.categories:
        if record["parent"]:
            yield from known.check("category", [record["parent"]], record, "parent")
        if record["size_chart"]:
            yield from known.check("size_chart", [record["size_chart"]], record, "size_chart")
        seen, above = set(), record["id"]
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above in seen:
            yield _problem(record, "parent", shown(record["parent"]), "a tree without a circle")


def _products(content: Content, known: _Known) -> Iterator[Problem]:
    skus: dict[str, str] = {}
    for record in content.products:
        yield from known.check("brand", [record["brand"]], record, "brand")
        yield from known.check("category", [record["category"]], record, "category")
        for field in ("goes_with", "compatible_with"):
            yield from known.check("product", record[field], record, field)
            if record["id"] in record[field]:
                yield _problem(record, field, "the product itself", "other products")
        count = max(1, len(record["colours"])) * max(1, len(record["sizes"]))
        if count > MOST_VARIANTS:
            found = f"{count} variants"
            yield _problem(record, "colours × sizes", found, f"at most {MOST_VARIANTS}")
            continue
        for sku, _, _ in variants(record):
            owner = skus.setdefault(sku, record["id"])
            if owner != record["id"]:
                yield _problem(record, "id", shown(record["id"]), f"variants unlike {owner}'s")
                break


def _size_charts(content: Content, known: _Known) -> Iterator[Problem]:
    for record in content.size_charts:
        yield from known.check("category", record["categories"], record, "categories")


_SCOPE_KINDS = {
    "categories": "category", "brands": "brand", "products": "product", "series": "series",
}  # fmt: skip


def _rules(content: Content, known: _Known) -> Iterator[Problem]:
    for record in (*content.policies, *content.promotions):
        if record["from"] and record["to"] and record["from"] > record["to"]:
            yield _problem(record, "to", shown(record["to"]), f"a day not before {record['from']}")
        for field in ("scope", "except"):
            for kind, items in (record[field] or {}).items():
                if kind != "all":
                    yield from known.check(_SCOPE_KINDS[kind], items, record, f"{field}.{kind}")
    for record in content.promotions:
        yield from _promotion(record, known)


def _promotion(record: Record, known: _Known) -> Iterator[Problem]:
    needed = record["needs"].get("with_categories", [])
    if not isinstance(needed, list):
        yield _problem(record, "needs.with_categories", shown(needed), "a list of category ids")
    else:
        yield from known.check("category", needed, record, "needs.with_categories")
    value = record["value"]
    if record["kind"] == "percent" and not (value and 0 < value < 1):
        yield _problem(record, "value", shown(value), "the fraction to pay, such as 0.8 for 8 折")
    if record["kind"] in ("full_reduction", "direct") and not value:
        yield _problem(record, "value", shown(value), "an amount in yuan")
    if record["kind"] == "full_reduction" and not record["threshold"]:
        yield _problem(record, "threshold", shown(record["threshold"]), "an amount in yuan")
    if record["kind"] == "instalment" and not record["periods"]:
        yield _problem(record, "periods", "nothing", "numbers of months such as [3, 6, 12]")
    extra = set(record["interest_free"]) - set(record["periods"])
    if extra:
        yield _problem(record, "interest_free", shown(sorted(extra)), "months among periods")


def _faqs(content: Content, known: _Known) -> Iterator[Problem]:
    topics = {record["topic"] for record in content.policies}
    for record in content.faqs:
        for reference in record["about"]:
            kind, _, key = reference.partition(":")
            if kind != "topic":
                yield from known.check(kind, [key], record, "about")
            elif key not in topics:
                yield _problem(record, "about", shown(reference), "a topic of some policy")
