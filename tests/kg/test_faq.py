"""Questions as entries of the graph, and the index that follows it; tests of the search itself are
in test_faq_search.py."""

from __future__ import annotations

from pathlib import Path

from kg.faq import FaqIndex, faq, faqs
from kg.graph import Graph, open_graph
from kg.releases import publish
from kg.vocabulary import Term, vocabulary
from tests.kg.shop import small_shop


async def test_entries(graph: Graph) -> None:
    found = await faq(graph, "q1")
    assert found is not None
    assert (found.question, found.answer, found.answers["en"]) == ("可以退货吗", "可以", "Yes")
    assert found.about == ["policy:all", "topic:return"]
    assert [entry.id for entry in await faqs(graph)] == ["q1", "q2", "q3"]
    assert await faq(graph, "none") is None


async def test_a_question_word_for_word_is_certain(graph: Graph) -> None:
    index = FaqIndex(graph)
    found = await index.search("  怎么 退货？！")
    assert (found[0][0].id, found[0][1]) == ("q1", 1.0)
    assert await index.search("？！") == []


async def test_the_index_follows_the_graph(local: Graph) -> None:
    index = FaqIndex(local)
    assert all(score < 1 for _, score in await index.search("有没有实体店"))
    new = {"id": "q9", "questions": ["有没有实体店"], "answers": {"zh": "没有"}}
    publish(small_shop(faq=[new]))
    found = await index.search("有没有实体店")
    assert (found[0][0].id, found[0][1]) == ("q9", 1.0)


async def test_a_graph_without_questions(embedded: Path) -> None:
    content = small_shop()
    content.faqs.clear()
    publish(content)
    graph = open_graph()
    assert await FaqIndex(graph).search("可以退货吗") == []
    await graph.close()


async def test_vocabulary(graph: Graph) -> None:
    terms = await vocabulary(graph)
    assert len(terms) == len(set(terms))
    for term in (
        Term("疾行男鞋", "product", "A1"),
        Term("BEIFENG", "brand", "north"),
        Term("鞋子", "category", "shoes"),
        Term("疾行", "series", "疾行"),
        Term("黑", "colour", "黑"),
        Term("均码", "size", "均码"),
    ):
        assert term in terms
    assert not any(term.kind == "size" and term.text == "42" for term in terms)
