"""Every query of the graph, by name.

The same text runs on both engines. `$version` is given by the engine to every query; all other
parameters come from the caller. A query that starts from a key touches what hangs on that key
only; those in SCANS read a whole kind of node and are not for use in answering a message.
"""

from __future__ import annotations

_PERIOD = "r.from_day <= $day AND r.to_day >= $day"

_RULE_SCOPES = """
MATCH (r:{kind} {{version: $version{key}}})-[a:APPLIES_TO|EXCEPT_FOR]->(s)
WHERE {period}{scopes}
RETURN r.id AS id, r.card AS card, a.role AS role, a.scope AS scope
ORDER BY id, role, scope
"""

# Read from the relation alone: reaching for the far product's fields costs ten times as much.
_PARTNERS = """
MATCH (p:Product {{version: $version, id: $id}}){near}-[r:{relation}]-{far}(q:Product)
RETURN r.{end} AS id, r.position AS position
ORDER BY position, id
"""

# Four words at most: a test over a list of words costs the embedded engine five times as much.
_FACETS = """
WHERE ($brand = '' OR p.brand = $brand) AND ($series = '' OR p.series = $series)
  AND ('' IN $audiences OR p.audience IN $audiences)
  AND p.search_text CONTAINS $word1 AND p.search_text CONTAINS $word2
  AND p.search_text CONTAINS $word3 AND p.search_text CONTAINS $word4
RETURN p.id AS id, p.position AS position
ORDER BY position LIMIT $limit
"""

QUERIES: dict[str, str] = {
    # Products
    "product": """
MATCH (p:Product {version: $version, id: $id})
RETURN p.card AS card
""",
    "goes_with": _PARTNERS.format(relation="GOES_WITH", near="", far=">", end="target"),
    "goes_with_this": _PARTNERS.format(relation="GOES_WITH", near="<", far="", end="source"),
    "compatible_with": _PARTNERS.format(relation="COMPATIBLE_WITH", near="", far=">", end="target"),
    "compatible_with_this": _PARTNERS.format(
        relation="COMPATIBLE_WITH", near="<", far="", end="source"
    ),
    "shelf": """
MATCH (s:Shelf {version: $version, id: $id})
RETURN s.products AS products
""",
    "search_category": """
MATCH (c:Category {version: $version, id: $category})
      <-[:WITHIN]-(:Category)<-[:IN_CATEGORY]-(p:Product)
"""
    + _FACETS,
    "search_all": """
MATCH (p:Product {version: $version})
"""
    + _FACETS,
    "all_products": """
MATCH (p:Product {version: $version})
RETURN p.card AS card, p.position AS position
ORDER BY position
""",
    # Categories, brands, series
    "category": """
MATCH (c:Category {version: $version, id: $id})
RETURN c.card AS card
""",
    "category_children": """
MATCH (c:Category {version: $version, id: $id})<-[w:WITHIN {depth: 1}]-(k:Category)
RETURN k.id AS id, k.position AS position
ORDER BY position
""",
    "category_family": """
MATCH (c:Category {version: $version, id: $id})-[w:WITHIN]->(k:Category)
RETURN k.id AS id, k.name AS name, w.depth AS depth
UNION ALL
MATCH (c:Category {version: $version, id: $id})<-[w:WITHIN]-(k:Category) WHERE w.depth > 0
RETURN k.id AS id, k.name AS name, 0 - w.depth AS depth
""",
    "categories": """
MATCH (c:Category {version: $version})
RETURN c.card AS card, c.position AS position
ORDER BY position
""",
    "brand": """
MATCH (b:Brand {version: $version, id: $id})
RETURN b.card AS card
""",
    "brands": """
MATCH (b:Brand {version: $version})
RETURN b.card AS card, b.position AS position
ORDER BY position
""",
    "series": """
MATCH (s:Series {version: $version})
RETURN s.id AS id, s.name AS name, s.brand AS brand
ORDER BY id
""",
    # Rules: one row for every scope or exception of a rule that touches one of $scopes
    "policies_for": _RULE_SCOPES.format(
        kind="Policy",
        key=", topic: $topic",
        period=_PERIOD,
        scopes=" AND a.scope IN $scopes",
    ),
    "policy": """
MATCH (r:Policy {version: $version, id: $id})
RETURN r.card AS card
""",
    "policies": """
MATCH (r:Policy {version: $version})
RETURN r.card AS card, r.id AS id
ORDER BY id
""",
    "promotions_for": _RULE_SCOPES.format(
        kind="Promotion", key="", period=_PERIOD, scopes=" AND a.scope IN $scopes"
    ),
    "promotions_in_force": """
MATCH (r:Promotion {version: $version})
WHERE r.from_day <= $day AND r.to_day >= $day
RETURN r.id AS id, r.card AS card, r.position AS position
ORDER BY position
""",
    "promotion": """
MATCH (r:Promotion {version: $version, id: $id})
RETURN r.card AS card
""",
    # Sizes, questions
    "size_charts_of_category": """
MATCH (c:Category {version: $version, id: $id})-[w:WITHIN]->(k:Category)-[:SIZED_BY]->(s:SizeChart)
RETURN s.card AS card, w.depth AS depth, s.position AS position
ORDER BY depth, position
""",
    "size_charts": """
MATCH (s:SizeChart {version: $version})
RETURN s.card AS card, s.position AS position
ORDER BY position
""",
    "faq": """
MATCH (f:Faq {version: $version, id: $id})
RETURN f.card AS card
""",
    "faqs": """
MATCH (f:Faq {version: $version})
RETURN f.card AS card, f.position AS position
ORDER BY position
""",
    "answers_about_policy": """
MATCH (p:Policy {version: $version, id: $id})<-[:ANSWERS]-(f:Faq)
RETURN f.card AS card, f.position AS position
ORDER BY position
""",
    # Texts in other languages
    "translation": """
MATCH (t:Translation {version: $version, id: $id})
RETURN t.card AS card
""",
    "translations": """
MATCH (t:Translation {version: $version, language: $language})
RETURN t.id AS id, t.kind AS kind, t.of AS of, t.card AS card
ORDER BY id
""",
}

# The kind of record whose card a query returns.
CARDS = {
    "product": "product",
    "all_products": "product",
    "category": "category",
    "categories": "category",
    "brand": "brand",
    "brands": "brand",
    "policies_for": "policy",
    "policy": "policy",
    "policies": "policy",
    "promotions_for": "promotion",
    "promotions_in_force": "promotion",
    "promotion": "promotion",
    "size_charts_of_category": "size_chart",
    "size_charts": "size_chart",
    "faq": "faq",
    "faqs": "faq",
    "answers_about_policy": "faq",
}

SCANS = frozenset(
    {
        "search_all",
        "all_products",
        "categories",
        "brands",
        "series",
        "policies",
        "promotions_for",
        "promotions_in_force",
        "size_charts",
        "faqs",
        "translations",
    }
)
