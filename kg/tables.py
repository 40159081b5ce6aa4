"""Content as rows of nodes and relations, in the columns of `kg.schema`, for either engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kg import translations
from kg.content import Content, Record, bare, record_key
from kg.schema import FIRST_DAY, LAST_DAY
from kg.shelves import shelves

SHOP = "shop"
Row = tuple[Any, ...]


@dataclass
class Tables:
    """Rows by node kind (id, then the kind's properties) and by relation.

    A relation's key is (type, kind of the near end, kind of the far end) and its rows are
    (near id, far id, then the relation's properties).
    """

    nodes: dict[str, list[Row]] = field(default_factory=dict)
    relations: dict[tuple[str, str, str], list[Row]] = field(default_factory=dict)

    def node(self, kind: str, *row: Any) -> None:
        """Add one node. Empty text is no value: one engine would read it back as none at all."""
        clean = tuple(None if value == "" else value for value in row)
        self.nodes.setdefault(kind, []).append(clean)

    def relate(self, name: str, near: str, far: str, *row: Any) -> None:
        """Add one relation."""
        self.relations.setdefault((name, near, far), []).append(row)


def tables(content: Content) -> Tables:
    """All rows of validated content."""
    result = Tables()
    result.node("Shop", SHOP)
    ancestors = category_ancestors(content.categories)
    _brands(result, content)
    _categories(result, content, ancestors)
    _products(result, content, ancestors)
    _size_charts(result, content)
    _rules(result, content)
    _faqs(result, content)
    for row in translations.rows(content):
        result.node("Translation", *row)
    return result


def category_ancestors(categories: list[Record]) -> dict[str, list[str]]:
    """For every category itself, its parent and so on to the root.

    A parent that is missing or that closes a circle ends the walk: validation reports both.
    """
    parents = {category["id"]: category["parent"] for category in categories}
    result = {}
    for start in parents:
        path = [start]
        above = parents[start]
        while above in parents and above not in path:
            path.append(above)
            above = parents[above]
        result[start] = path
    return result


def series_id(brand: str, name: str) -> str:
    """The id of a series: its name may be used by more than one brand."""
    return f"{brand}:{name}"


def variants(product: Record) -> list[tuple[str, str, str]]:
    """(sku, colour, size) of a product: colours in order, and within each its sizes.

    A product with neither has one variant with both empty.
    """
    pairs = [
        (colour, size) for colour in product["colours"] or [""] for size in product["sizes"] or [""]
    ]
    return [(f"{product['id']}-{n:02d}", *pair) for n, pair in enumerate(pairs, start=1)]


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _card(record: Record) -> str:
    return _json(bare(record))


def _brands(result: Tables, content: Content) -> None:
    for position, brand in enumerate(content.brands):
        result.node("Brand", brand["id"], brand["name"], position, _card(brand))


def _categories(result: Tables, content: Content, ancestors: dict[str, list[str]]) -> None:
    for position, category in enumerate(content.categories):
        key = category["id"]
        card = _card({**bare(category), "path": ancestors[key]})
        result.node("Category", key, category["name"], category["parent"], position, card)
        for depth, above in enumerate(ancestors[key]):
            result.relate("WITHIN", "Category", "Category", key, above, depth)


def _products(result: Tables, content: Content, ancestors: dict[str, list[str]]) -> None:
    brands = {brand["id"]: brand["name"] for brand in content.brands}
    categories = {category["id"]: category["name"] for category in content.categories}
    for position, product in enumerate(content.products):
        skus = variants(product)
        card = {
            **bare(product),
            "brand_name": brands[product["brand"]],
            "category_name": categories[product["category"]],
            "category_path": ancestors[product["category"]],
            "variants": skus,
        }
        # Made again from `variants`; twice in each card they would only cost space.
        del card["colours"], card["sizes"]
        result.node(
            "Product", product["id"], product["name"], product["brand"], product["category"],
            product["series"], product["audience"], search_text(product, card), position,
            _card(card),
        )  # fmt: skip
        _product_relations(result, product, skus)
    for shelf in shelves(content.products, ancestors):
        result.node("Shelf", *shelf)
    _named_nodes(result, content)


def search_text(product: Record, card: Record) -> str:
    """What a text search looks through: names in small letters, one space between."""
    parts = [product["name"], *product["aliases"], card["category_name"], product["series"] or ""]
    return " ".join(" ".join(parts).lower().split())


def _product_relations(result: Tables, product: Record, skus: list[tuple[str, str, str]]) -> None:
    key = product["id"]
    result.relate("IN_CATEGORY", "Product", "Category", key, product["category"])
    result.relate("OF_BRAND", "Product", "Brand", key, product["brand"])
    if product["series"]:
        series = series_id(product["brand"], product["series"])
        result.relate("IN_SERIES", "Product", "Series", key, series)
    for position, (sku, colour, size) in enumerate(skus):
        result.node("Variant", sku, key, colour, size)
        result.relate("HAS_VARIANT", "Product", "Variant", key, sku, position)
    for name, value in product["attributes"].items():
        result.relate("HAS_ATTRIBUTE", "Product", "Attribute", key, f"{name}={value}")
    for tag in product["tags"]:
        result.relate("TAGGED", "Product", "Tag", key, tag)
    for name, ids in (("GOES_WITH", "goes_with"), ("COMPATIBLE_WITH", "compatible_with")):
        for position, other in enumerate(product[ids]):
            result.relate(name, "Product", "Product", key, other, position, key, other)


def _named_nodes(result: Tables, content: Content) -> None:
    """Series, attributes, tags and channels have no record of their own: their names make them."""
    series, attributes, tags, channels = {}, {}, {}, {}
    for product in content.products:
        if product["series"]:
            key = series_id(product["brand"], product["series"])
            series[key] = (product["series"], product["brand"])
        for name, value in product["attributes"].items():
            attributes[f"{name}={value}"] = (name, value)
        tags.update((tag, (tag,)) for tag in product["tags"])
    for promotion in content.promotions:
        channels.update((channel, (channel,)) for channel in promotion["channels"])
    found = (("Series", series), ("Attribute", attributes), ("Tag", tags), ("Channel", channels))
    for kind, named in found:
        for key, row in named.items():
            result.node(kind, key, *row)


def _size_charts(result: Tables, content: Content) -> None:
    pairs: dict[tuple[str, str], None] = {}
    for position, chart in enumerate(content.size_charts):
        result.node("SizeChart", chart["id"], chart["audience"], position, _card(chart))
        pairs.update(((category, chart["id"]), None) for category in chart["categories"])
    for category in content.categories:
        if category["size_chart"]:
            pairs[(category["id"], category["size_chart"])] = None
    for pair in pairs:
        result.relate("SIZED_BY", "Category", "SizeChart", *pair)


def _rules(result: Tables, content: Content) -> None:
    series = named_series(content.products)
    for policy in content.policies:
        key = record_key("policy", policy)
        result.node(
            "Policy", key, policy["id"], policy["version"], policy["topic"],
            policy["from"] or FIRST_DAY, policy["to"] or LAST_DAY, _card(policy),
        )  # fmt: skip
        _scopes(result, "Policy", key, policy, series)
    names = {
        kind: {record["id"]: record["name"] for record in records}
        for kind, records in (
            ("categories", content.categories),
            ("brands", content.brands),
            ("products", content.products),
        )
    }
    for position, promotion in enumerate(content.promotions):
        result.node(
            "Promotion", promotion["id"], promotion["kind"], promotion["from"] or FIRST_DAY,
            promotion["to"] or LAST_DAY, position,
            _card({**promotion, "position": position, "scope_names": _names(promotion, names)}),
        )  # fmt: skip
        _scopes(result, "Promotion", promotion["id"], promotion, series)
        for channel in promotion["channels"]:
            result.relate("OFFERED_ON", "Promotion", "Channel", promotion["id"], channel)


def _names(promotion: Record, names: dict[str, dict[str, str]]) -> list[str]:
    """What a promotion holds for, as names a shopper knows; a series is its own name."""
    found = []
    for kind, items in promotion["scope"].items():
        if kind == "series":
            found += [item.rpartition(":")[2] for item in items]
        elif kind != "all":
            found += [names[kind][item] for item in items]
    return found


def named_series(products: list[Record]) -> dict[str, list[str]]:
    """Ids of the series a rule may mean by a name, and by the id itself."""
    found: dict[str, dict[str, None]] = {}
    for product in products:
        if product["series"]:
            key = series_id(product["brand"], product["series"])
            found.setdefault(product["series"], {})[key] = None
            found.setdefault(key, {})[key] = None
    return {name: list(keys) for name, keys in found.items()}


_SCOPE_NODES = {"categories": "Category", "brands": "Brand", "products": "Product"}


def _scopes(
    result: Tables, kind: str, key: str, rule: Record, series: dict[str, list[str]]
) -> None:
    for relation, role, scope in (
        ("APPLIES_TO", "applies", rule["scope"]),
        ("EXCEPT_FOR", "except", rule["except"] or {}),
    ):
        for far, item in _scope_ends(scope, series):
            name = f"{far.lower()}:{item}"
            result.relate(relation, kind, far, key, item, role, name)


def _scope_ends(scope: dict[str, Any], series: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for kind, items in scope.items():
        if kind == "all":
            yield "Shop", SHOP
        elif kind == "series":
            for name in items:
                yield from (("Series", key) for key in series[name])
        else:
            yield from ((_SCOPE_NODES[kind], item) for item in items)


_ABOUT = {
    "product": "Product", "category": "Category", "promotion": "Promotion", "policy": "Policy",
}  # fmt: skip


def _faqs(result: Tables, content: Content) -> None:
    numbers: dict[str, list[str]] = {}
    for policy in content.policies:
        numbers.setdefault(policy["id"], []).append(record_key("policy", policy))
    for position, faq in enumerate(content.faqs):
        result.node("Faq", faq["id"], faq["intent"], faq["topic"], position, _card(faq))
        for reference in faq["about"]:
            kind, _, key = reference.partition(":")
            if kind == "topic":
                continue
            # A question rests on a policy whatever its version.
            for end in numbers[key] if kind == "policy" else [key]:
                result.relate("ANSWERS", "Faq", _ABOUT[kind], faq["id"], end)
