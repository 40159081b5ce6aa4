"""The search for the question a shopper asks."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import yaml

from kg.build import load_seed
from kg.faq import Faq, FaqIndex, _build, _scores, faq, faqs, folded
from kg.graph import Graph, open_graph
from kg.releases import publish
from kg.vocabulary import Term, vocabulary
from tests.kg.shop import small_shop

PARAPHRASES = Path(__file__).parent / "faq_paraphrases.yml"


async def test_search(graph: Graph) -> None:
    index = FaqIndex(graph)
    found = await index.search("请问能退货吗？")
    assert found[0][0].id == "q1" and 0.3 < found[0][1] <= 1
    assert (await index.search("怎么退货"))[0][1] == 1.0
    assert (await index.search("  怎么 退货？！"))[0][1] == 1.0
    assert await index.search("量子力学") == [] or (await index.search("量子力学"))[0][1] < 0.2
    assert await index.search("？！") == []
    assert [f.id for f, _ in await index.search("退货吗", intent="ask_shipping")] == []
    assert (await index.search("退货吗", intent="none"))[0][0].id == "q1"
    assert len(await index.search("手机防水吗可以退货吗", limit=1)) == 1


async def test_entries(graph: Graph) -> None:
    found = await faq(graph, "q1")
    assert found is not None
    assert (found.question, found.answer, found.answers["en"]) == ("可以退货吗", "可以", "Yes")
    assert found.about == ["policy:all", "topic:return"]
    assert [entry.id for entry in await faqs(graph)] == ["q1", "q2", "q3"]
    assert await faq(graph, "none") is None


async def test_the_index_follows_the_graph(local: Graph) -> None:
    index = FaqIndex(local)
    assert (await index.search("有没有实体店"))[:1] != [1.0]
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


async def test_questions_of_the_seed_in_other_words(embedded: Path) -> None:
    publish(load_seed())
    graph = open_graph()
    index = FaqIndex(graph)
    rows = [row for row in yaml.safe_load(PARAPHRASES.read_text()) if row["faq"]]
    first = third = 0
    for row in rows:
        found = [entry.id for entry, _ in await index.search(row["text"])]
        first += found[:1] == [row["faq"]]
        third += row["faq"] in found
    await graph.close()
    assert first / len(rows) > 0.85
    assert third / len(rows) > 0.93


def test_ten_thousand_questions_are_searched_in_ten_milliseconds() -> None:
    entries = []
    for n in range(2_500):
        questions = [
            f"{n} 号商品怎么退", f"第 {n} 款能换吗", f"编号 {n} 的有货吗", f"{n} 发什么快递",
        ]  # fmt: skip
        entries.append(Faq(f"q{n}", questions[0], questions, "答", {"zh": "答"}, None, None, []))
    built = _build("v", entries)
    times = []
    for n in range(50):
        start = time.thread_time()
        _scores(built, folded(f"请问 {n} 号能不能退货"))
        times.append(time.thread_time() - start)
    assert statistics.quantiles(times, n=20)[18] < 0.010


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
