"""Names of the graph in messages, and following the graph's versions."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest

import nlu.vocabulary_follower as follower_module
from kg.errors import NothingPublished
from kg.vocabulary import Term
from nlu.graph_linker import entity
from nlu.mentions import Lexicon
from nlu.vocabulary_follower import VocabularyFollower

TERMS = [
    Term("轻风", "brand", "b_qingfeng"),
    Term("轻风 3 Pro", "product", "P1001"),
    Term("轻风3", "product", "P1002"),
    Term("轻风3", "product", "P1003"),
    Term("跑鞋", "category", "running_shoes"),
    Term("慢跑鞋", "category", "jogging_shoes"),
    Term("XL", "size", "XL"),
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(TERMS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "轻风的慢跑鞋",
            [("brand", "b_qingfeng", "轻风"), ("category", "jogging_shoes", "慢跑鞋")],
        ),
        ("轻风３ｐｒｏ", [("product", "P1001", "轻风３ｐｒｏ")]),
        ("轻风 3 PRO 有吗", [("product", "P1001", "轻风 3 PRO")]),
        ("轻风3号", [("product", "P1002", "轻风3")]),
        ("轻风3x", [("brand", "b_qingfeng", "轻风")]),
        ("要XL的", [("size", "XL", "XL")]),
        ("XLR接口", []),
        ("   ", []),
    ],
)
def test_longest_name_wins_whatever_case_width_or_spacing(lexicon, text, expected) -> None:
    found = [entity(mention) for mention in lexicon.find(text)]
    assert [(e["entity"], e["value"], e["text"]) for e in found] == expected
    assert all(text[e["start"] : e["end"]] == e["text"] for e in found)


def test_ambiguous_names_keep_their_candidates(lexicon: Lexicon) -> None:
    assert entity(lexicon.find("轻风3")[0])["candidates"] == ["P1002", "P1003"]
    assert "candidates" not in entity(lexicon.find("跑鞋")[0])


class FakeGraph:
    """A graph whose version and terms a test sets; `version` None: nothing is published."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.now: str | None = None
        self.closed = False
        self.rests = 0

    async def version(self) -> str:
        if self.now is None:
            raise NothingPublished("the graph has no version in force")
        return self.now

    @asynccontextmanager
    async def snapshot(self):
        yield self

    async def rest(self) -> None:
        self.rests += 1

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> FakeGraph:
    async def vocabulary(reader: FakeGraph) -> list[Term]:
        return reader.terms

    monkeypatch.setattr(follower_module, "vocabulary", vocabulary)
    return FakeGraph()


def eventually(condition) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_follows_a_new_version(graph: FakeGraph) -> None:
    graph.terms, graph.now = [Term("轻风", "brand", "b1")], "v1"
    follower = VocabularyFollower(lambda: graph, check_seconds=0.02)
    assert follower.wait(60) and follower.version == "v1"
    graph.terms, graph.now = [Term("云步", "brand", "b2")], "v2"
    assert eventually(lambda: follower.version == "v2")
    assert [m.ids for m in follower.lexicon.find("轻风和云步")] == [("b2",)]
    assert graph.rests == 2
    follower.close()
    assert eventually(lambda: graph.closed)


def test_keeps_the_last_names_and_warns_once(graph: FakeGraph, caplog) -> None:
    graph.terms, graph.now = [Term("轻风", "brand", "b1")], "v1"
    follower = VocabularyFollower(lambda: graph, check_seconds=0.01)
    assert follower.wait(60)
    with caplog.at_level(logging.WARNING, logger="nlu.vocabulary_follower"):
        graph.now = None
        assert eventually(lambda: caplog.records)
        time.sleep(0.1)
    assert len(caplog.records) == 1 and "the names of v1 stay" in caplog.text
    assert follower.lexicon.find("轻风")
    follower.close()


def test_no_graph_at_all_is_no_names(graph: FakeGraph) -> None:
    follower = VocabularyFollower(lambda: graph, check_seconds=0.01)
    assert follower.wait(60)
    assert follower.lexicon.find("轻风") == []
    follower.close()


def test_a_follower_that_is_dropped_takes_its_thread_with_it(graph: FakeGraph) -> None:
    graph.now = "v1"
    follower = VocabularyFollower(lambda: graph, check_seconds=0.01)
    assert follower.wait(60)
    del follower
    assert eventually(lambda: graph.closed)


@pytest.mark.slow
def test_linking_does_not_load_tensorflow() -> None:
    code = "import nlu.mentions, sys; assert 'tensorflow' not in sys.modules, 'loaded'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


NEAR = Lexicon(
    [
        Term("凌步", "brand", "lingbu"),
        Term("疾风", "series", "疾风"),
        Term("蓝牙耳机", "category", "earphones"),
        Term("儿童背包", "category", "kids_backpacks"),
        Term("running shoes", "category", "running_shoes"),
        Term("Lingbu", "brand", "lingbu"),
        Term("疾风3跑鞋", "product", "P1001"),
    ]
)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("凌布的跑鞋怎么样", "brand", "凌布"),  # a homophone
        ("凌步疾锋3有货吗", "series", "疾锋"),
        ("蓝牙耳鸡多少钱", "category", "蓝牙耳鸡"),
        ("儿童背抱有粉色的吗", "category", "儿童背抱"),
        ("藍牙耳機多少錢", "category", "藍牙耳機"),  # Traditional characters
        ("想要 LINGBUU 的", "brand", "LINGBUU"),  # a slip of the fingers
        ("any runing shoes left", "category", "runing shoes"),
        ("ｌｉｎｇｂｕ", "brand", "ｌｉｎｇｂｕ"),  # full width
    ],
)
def test_what_is_nearly_said_is_found(text, kind, said):
    found = [(mention.kind, mention.text) for mention in NEAR.find(text)]
    assert (kind, said) in found


KOREAN = Lexicon(
    [
        Term("지위", "brand", "zhiwei"),
        Term("과자", "category", "snacks"),
        Term("러닝화", "category", "running_shoes"),
        Term("아동 가방", "category", "kids_backpacks"),
    ]
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("러닝화로 추천해 주세요", ["러닝화"]),
        ("아동 가방 있나요", ["아동 가방"]),
        ("어디 있는지 위치가 궁금해요", []),
        ("제품과 자세히 비교", []),
        ("그과자 말고", []),
    ],
)
def test_a_name_in_hangul_begins_a_word(text, found):
    assert [mention.text for mention in KOREAN.find(text)] == found


@pytest.mark.parametrize("text", ["领不了优惠券", "刮疾风了没有", "零部件有吗", "running late"])
def test_what_only_sounds_alike_is_no_name(text):
    found = NEAR.find(text)
    assert not [m for m in found if m.kind == "brand" or m.text not in ("疾风",)]
