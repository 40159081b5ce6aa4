"""Answers with what the profile allows, and what a talk tells the profile."""

from __future__ import annotations

import pytest

from actions import focus, profile, size_form, small_talk
from connectors import provenance
from connectors.provenance import NOTHING, Known
from kg import catalogue
from kg.sizes import SizeChart
from tests.actions.turns import said, turn_of

ROWS = [
    {"size": "40", "eu": "40", "foot_length": [24.6, 25.0]},
    {"size": "41", "eu": "41", "foot_length": [25.1, 25.5]},
]
SHOES = SizeChart("shoes", "成人鞋码表", "unisex", ["foot_length"], [], ROWS, "")
CHILDRENS = SizeChart("kids", "童鞋码表", "kids", ["foot_length"], [], ROWS, "")


@pytest.fixture
def noted(monkeypatch):
    """What was noted, in place of what would be written."""
    calls = []
    for name in ("note_traits", "note_tags"):
        monkeypatch.setattr(provenance, name, lambda *a, _n=name, **k: calls.append((_n, a, k)))
    return calls


def knows(monkeypatch, **known) -> None:
    monkeypatch.setattr(provenance, "known", lambda conversation, shopper: Known(**known))


def worn(monkeypatch, chart: SizeChart) -> None:
    async def found(*_, **__):
        return chart

    async def nothing(*_, **__):
        return None

    monkeypatch.setattr(size_form, "_chart", found)
    monkeypatch.setattr(size_form, "_needs_sex", nothing)
    monkeypatch.setattr(size_form.SizeAdvice, "_offer", staticmethod(nothing))


async def test_a_size_is_not_asked_for_twice(monkeypatch, noted):
    worn(monkeypatch, SHOES)
    knows(monkeypatch, measures={"foot_length": 24.8}, measured_for="unisex")
    turn = turn_of("ask_size", "跑鞋我穿多大", size_category="sports_shoes", size_audience="unisex")
    assert await size_form.ValidateSizeForm().next_question(turn) is None
    assert said(turn) == [] and turn.slot("foot_length") == 24.8
    await size_form.SizeAdvice().answer(turn)
    (answer,) = said(turn)
    assert answer["response"] == "utter_size_fits", answer
    assert answer["size"] == "40" and answer["measures"] == "您之前告诉我的脚长 24.8cm"


async def test_what_is_told_now_counts_and_is_kept(monkeypatch, noted):
    worn(monkeypatch, SHOES)
    knows(monkeypatch, measures={"foot_length": 25.0})
    turn = turn_of(
        "inform", "脚长25.4", size_category="sports_shoes", size_audience="men", foot_length=25.4
    )
    await size_form.SizeAdvice().answer(turn)
    (answer,) = said(turn)
    assert answer["size"] == "41" and answer["measures"] == "脚长 25.4cm"
    assert noted[0][0] == "note_traits"
    assert noted[0][1][2] == {"foot_length": 25.4, "measured_for": "men"}


async def test_nothing_known_asks_as_before(monkeypatch):
    worn(monkeypatch, SHOES)
    monkeypatch.setattr(provenance, "known", lambda *_: NOTHING)
    turn = turn_of("ask_size", "多大", size_category="sports_shoes", size_audience="unisex")
    assert await size_form.ValidateSizeForm().next_question(turn) == "foot_length"


@pytest.mark.parametrize(
    ("chart", "audience", "measured_for"),
    [(CHILDRENS, "kids", "unisex"), (SHOES, "kids", "men"), (SHOES, "women", "men")],
)
async def test_anothers_measures_answer_nothing(monkeypatch, chart, audience, measured_for):
    knows(monkeypatch, measures={"foot_length": 25.0}, measured_for=measured_for)
    turn = turn_of("ask_size", "多大", size_audience=audience)
    assert await profile.measures_for(turn, chart) == {}


@pytest.mark.parametrize(
    ("chart", "slots"),
    [
        (CHILDRENS, {"foot_length": 17.0}),
        (SHOES, {"foot_length": 17.0, "size_audience": "kids"}),
        (SHOES, {"height": 110.0, "age": 5.0}),
        (SHOES, {}),
    ],
)
def test_a_childs_measures_are_not_kept(noted, chart, slots):
    profile.note_measures(turn_of("inform", "", **slots), chart)
    assert noted == []


@pytest.mark.parametrize(
    ("text", "asked"), [("我刚才看的有货吗", True), ("那双多少钱", True), ("有货吗", False)]
)
async def test_what_was_looked_at_is_what_is_meant(monkeypatch, text, asked):
    looked_up = []

    async def products(_graph, ids):
        looked_up.extend(ids)
        return []

    knows(monkeypatch, viewed=("P1001", "P2"))
    monkeypatch.setattr(catalogue, "products", products)
    monkeypatch.setattr(focus, "graph", lambda: None)
    await focus.candidates(turn_of("ask_stock", text))
    assert looked_up == (["P1001"] if asked else [])


async def test_a_page_that_is_open_comes_before_what_was_looked_at(monkeypatch):
    looked_up = []

    async def products(_graph, ids):
        looked_up.extend(ids)
        return []

    knows(monkeypatch, viewed=("P1001",))
    monkeypatch.setattr(catalogue, "products", products)
    monkeypatch.setattr(focus, "graph", lambda: None)
    await focus.candidates(turn_of("ask_stock", "那双有货吗", metadata={"product": "P3"}))
    assert looked_up == ["P3"]


async def test_a_greeting_offers_to_go_on_where_one_was(monkeypatch):
    knows(monkeypatch, viewed=("P1001",), language="xx")
    turn = turn_of("greet", "你好", language="zh")
    await small_talk.SmallTalk().answer(turn)
    first = said(turn)[0]["buttons"][0]
    assert first["payload"] == '/search_product{"product": "P1001"}' and first["title"]
    assert turn.slot("language") == "zh"


async def test_a_language_that_is_spoken_here_is_spoken(monkeypatch):
    from actions import phrases

    known = {**phrases.tables(), "en": {"button.my_orders": "My orders"}}
    monkeypatch.setattr(phrases, "tables", lambda: known)
    knows(monkeypatch, language="en")
    turn = turn_of("greet", "hi", language="zh")
    await small_talk.SmallTalk().answer(turn)
    assert turn.slot("language") == "en"
    assert said(turn)[0]["buttons"][0]["title"] == "My orders"


def test_what_is_spoken_of_is_noted(noted):
    profile.note_interest(turn_of("search_product", "跑鞋"), "running_shoes")
    (call,) = noted
    assert call[0] == "note_tags" and call[2] == {"category": "running_shoes", "brand": None}
