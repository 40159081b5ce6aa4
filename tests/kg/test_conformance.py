"""Every named query gives equal answers on both engines, and the answers that are expected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kg import catalogue, policies
from kg.errors import QueryFailed, UnknownQuery
from kg.graph import Graph, open_graph
from kg.ladybug_graph import LadybugGraph
from kg.localised import LocalisedReader, words
from kg.queries import QUERIES, SCANS
from kg.releases import publish
from tests.kg.conftest import _emptied
from tests.kg.shop import HARD, small_shop

_FACETS = {
    "brand": "", "series": "", "audiences": [""], "limit": 9, "word1": "疾行", "word2": "跑鞋",
    "word3": " ", "word4": " ",
}  # fmt: skip
_DAY = "2026-11-22"

# Every query with parameters for which it finds something, and some for which it does not.
CALLS: list[tuple[str, dict[str, Any], int]] = [
    ("product", {"id": "A1"}, 1),
    ("product", {"id": "none"}, 0),
    ("product", {"id": "' OR 1=1 //"}, 0),
    ("goes_with", {"id": "A1"}, 1),
    ("goes_with_this", {"id": "B1"}, 1),
    ("compatible_with", {"id": "G2"}, 1),
    ("compatible_with_this", {"id": "G1"}, 1),
    ("shelf", {"id": "wear|||men"}, 1),
    ("search_category", {"category": "shoes", **_FACETS}, 2),
    ("search_category", {"category": "wear", **_FACETS, "audiences": ["men", "unisex"]}, 1),
    ("search_all", {**_FACETS, "word2": " "}, 3),
    ("search_all", {**_FACETS, "word1": " ", "word2": " ", "brand": "south"}, 3),
    ("all_products", {}, 6),
    ("category", {"id": "running"}, 1),
    ("category_children", {"id": "wear"}, 2),
    ("category_family", {"id": "shoes"}, 3),
    ("categories", {}, 5),
    ("brand", {"id": "north"}, 1),
    ("brands", {}, 2),
    ("series", {}, 1),
    ("policies_for", {"topic": "return", "day": _DAY, "scopes": ["shop:shop", "category:wear"]}, 2),
    ("policy", {"id": "a2@1"}, 1),
    ("policies", {}, 8),
    ("promotions_for", {"day": _DAY, "scopes": ["shop:shop", "category:socks"]}, 2),
    ("promotions_in_force", {"day": _DAY}, 4),
    ("promotion", {"id": "past"}, 1),
    ("size_charts_of_category", {"id": "running"}, 4),
    ("size_charts", {}, 3),
    ("faq", {"id": "q1"}, 1),
    ("faqs", {}, 3),
    ("answers_about_policy", {"id": "all@1"}, 1),
    ("translation", {"id": "en:product:A1"}, 1),
    ("translation", {"id": "ja:product:A1"}, 0),
    ("translations", {"language": "en"}, 4),
]


@pytest.fixture
async def both(
    embedded: Path, neo4j_uri: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Graph, Graph]]:
    """The same content on both engines."""
    publish(small_shop())
    one = open_graph()
    _emptied(neo4j_uri)
    monkeypatch.setenv("NEO4J_URI", neo4j_uri)
    publish(small_shop())
    other = open_graph()
    yield one, other
    await one.close()
    await other.close()


def test_every_query_is_asked() -> None:
    assert {name for name, _, _ in CALLS} == set(QUERIES)
    assert set(QUERIES) >= SCANS


@pytest.mark.slow
async def test_answers_are_equal_on_both_engines(both: tuple[Graph, Graph]) -> None:
    ladybug, neo4j = both
    for name, params, _ in CALLS:
        answer = await ladybug.query(name, **params)
        if "ORDER BY" in QUERIES[name]:
            assert answer == await neo4j.query(name, **params), name
        else:
            other = await neo4j.query(name, **params)
            assert sorted(answer, key=str) == sorted(other, key=str), name


async def test_queries_find_what_there_is(graph: Graph) -> None:
    for name, params, count in CALLS:
        assert len(await graph.query(name, **params)) == count, (name, params)


async def test_hard_text_comes_back_as_it_was(graph: Graph) -> None:
    found = await catalogue.product(graph, "A1")
    assert found is not None
    assert found.description == HARD.strip()
    assert found.attributes["备注"] == HARD.strip()


async def test_a_product_carries_all_that_readers_need(graph: Graph) -> None:
    found = await catalogue.product(graph, "A1")
    assert found is not None
    assert found.category_path == ["running", "shoes", "wear"]
    assert (found.brand_name, found.category_name) == ("北风", "跑鞋")
    assert [(v.sku, v.colour, v.size) for v in found.variants] == [
        ("A1-01", "黑", "41"),
        ("A1-02", "黑", "42"),
        ("A1-03", "白", "41"),
        ("A1-04", "白", "42"),
    ]
    assert found.images == ["https://img.example/a1.jpg"]


async def test_a_graph_is_read_in_another_language(graph: Graph) -> None:
    english = LocalisedReader(graph, "en")
    found = await catalogue.product(english, "A1")
    assert found is not None
    assert (found.name, found.brand_name, found.category_name) == (
        "Swift runner",
        "Northwind",
        "跑鞋",  # not translated, so as it is
    )
    assert found.attributes == {"Upper": "mesh"}
    # Colours and sizes are keys, whatever they are called.
    assert [variant.colour for variant in found.variants] == ["黑", "黑", "白", "白"]
    assert await words(english, "en") == {"黑": "black"}
    rules = await policies.candidates(english, "return", date.fromisoformat(_DAY))
    assert "Returns in English" in {rule.title for rule in rules}
    chinese = await catalogue.product(graph, "A1")
    assert chinese is not None and chinese.brand_name == "北风"


async def test_search(graph: Graph) -> None:
    async def ids(**facets: Any) -> list[str]:
        return [found.id for found in await catalogue.search(graph, **facets)]

    assert await ids(category="shoes") == ["A1", "A2", "A3"]
    assert await ids(category="shoes", audience="men") == ["A1", "A3"]
    assert await ids(category="wear", brand="north", audience="women") == ["A2", "B1"]
    assert await ids(series="疾行", category="socks") == ["B1"]
    assert await ids(series="疾行", brand="south") == []
    assert await ids(text="疾行 跑鞋") == ["A1", "A2"]
    assert await ids(text="手机", category="gadgets", limit=1) == ["G1"]
    # Longer than a shelf: the same answer by the other way.
    assert await ids(category="shoes", audience="men", limit=500) == ["A1", "A3"]
    assert await ids(category="none") == []


async def test_relations(graph: Graph) -> None:
    assert [p.id for p in await catalogue.goes_with(graph, "B1")] == ["A2", "A1"]
    assert [p.id for p in await catalogue.compatible_with(graph, "G1")] == ["G2"]
    assert [p.id for p in await catalogue.compatible_with(graph, "G2")] == ["G1"]
    assert [p.id for p in await catalogue.same_series(graph, "A1")] == ["A2", "B1"]
    assert [p.id for p in await catalogue.same_series(graph, "A1", "socks")] == ["B1"]
    assert await catalogue.same_series(graph, "G1") == []
    assert [p.id for p in await catalogue.products(graph, ["G1", "none", "A1"])] == ["G1", "A1"]


async def test_faults_of_ours_are_told_apart(graph: Graph) -> None:
    with pytest.raises(UnknownQuery, match="there is no query 'nothing'"):
        await graph.query("nothing")
    with pytest.raises(QueryFailed, match="product"):
        await graph.query("product")


async def test_a_closed_graph_says_so(local: LadybugGraph) -> None:
    await local.query("brands")
    await local.close()
    with pytest.raises(Exception, match="closed"):
        await local.query("brands")
