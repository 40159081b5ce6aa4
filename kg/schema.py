"""The graph's one schema, for both engines.

Every node carries `id` (unique among its kind) and `version` (the release it belongs to). Fields
that a query filters or sorts by are properties of their own; everything else a reader needs is in
`card`, the record as JSON, so that one keyed lookup gives a whole product.
"""

from __future__ import annotations

STRING = "STRING"
INT = "INT64"

NODES: dict[str, dict[str, str]] = {
    "Shop": {},
    "Brand": {"name": STRING, "position": INT, "card": STRING},
    "Category": {"name": STRING, "parent": STRING, "position": INT, "card": STRING},
    "Series": {"name": STRING, "brand": STRING},
    "Tag": {"name": STRING},
    "Channel": {"name": STRING},
    "Attribute": {"name": STRING, "value": STRING},
    "SizeChart": {"audience": STRING, "position": INT, "card": STRING},
    "Product": {
        "name": STRING,
        "brand": STRING,
        "category": STRING,
        "series": STRING,
        "audience": STRING,
        "search_text": STRING,
        "position": INT,
        "card": STRING,
    },
    "Variant": {"product": STRING, "colour": STRING, "size": STRING},
    # Products on one shelf (a category, brand, series and audience), in order: see kg/shelves.py.
    "Shelf": {"products": STRING},
    "Policy": {
        "rule": STRING,
        "number": INT,
        "topic": STRING,
        "from_day": STRING,
        "to_day": STRING,
        "card": STRING,
    },
    "Promotion": {
        "kind": STRING,
        "from_day": STRING,
        "to_day": STRING,
        "position": INT,
        "card": STRING,
    },
    "Faq": {"intent": STRING, "topic": STRING, "position": INT, "card": STRING},
    # What a record says in another language: see kg/translations.py. `of` is the record's key.
    "Translation": {"language": STRING, "kind": STRING, "of": STRING, "card": STRING},
}

SCOPES = ("Shop", "Category", "Brand", "Series", "Product")
_RULES = ("Policy", "Promotion")
_SCOPED = tuple((rule, scope) for rule in _RULES for scope in SCOPES)

_PARTNER = {"position": INT, "source": STRING, "target": STRING}

# Relation → (pairs of node kinds it joins, its properties).
RELATIONS: dict[str, tuple[tuple[tuple[str, str], ...], dict[str, str]]] = {
    "HAS_VARIANT": ((("Product", "Variant"),), {"position": INT}),
    "IN_CATEGORY": ((("Product", "Category"),), {}),
    "OF_BRAND": ((("Product", "Brand"),), {}),
    "IN_SERIES": ((("Product", "Series"),), {}),
    "HAS_ATTRIBUTE": ((("Product", "Attribute"),), {}),
    "TAGGED": ((("Product", "Tag"),), {}),
    # `source` and `target` repeat the ends' ids, so that they are read without the products.
    "GOES_WITH": ((("Product", "Product"),), _PARTNER),
    "COMPATIBLE_WITH": ((("Product", "Product"),), _PARTNER),
    # Every category to itself (depth 0), its parent (1) and so on up to the root.
    "WITHIN": ((("Category", "Category"),), {"depth": INT}),
    "SIZED_BY": ((("Category", "SizeChart"),), {}),
    # `scope` repeats the far end as "kind:id", so that a rule's scopes are read without it.
    "APPLIES_TO": (_SCOPED, {"role": STRING, "scope": STRING}),
    "EXCEPT_FOR": (_SCOPED, {"role": STRING, "scope": STRING}),
    "OFFERED_ON": ((("Promotion", "Channel"),), {}),
    "ANSWERS": (
        (("Faq", "Policy"), ("Faq", "Product"), ("Faq", "Category"), ("Faq", "Promotion")),
        {},
    ),
}

# Beside (version, id): properties that a query starts from, indexed where the engine has indexes.
LOOKUPS: dict[str, tuple[str, ...]] = {"Policy": ("topic",), "Translation": ("language",)}

# The open ends of a period: ISO dates compare as text on both engines.
FIRST_DAY = "0001-01-01"
LAST_DAY = "9999-12-31"
