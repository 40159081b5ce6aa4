"""Where a message can be cut, and what sounds like a question or a wish."""

from __future__ import annotations

import pytest

from nlu.clauses import WORDS, Clause, clauses


def said(text: str) -> list[str]:
    return [clause.said for clause in clauses(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("这双鞋有42码吗，几天能到", ["这双鞋有42码吗", "几天能到"]),
        ("有货吗多久发货", ["有货吗", "多久发货"]),
        ("在吗 有没有券 还有能分期吗", ["在吗", "有没有券", "能分期吗"]),
        ("包邮吗？另外，想问一下保修多久", ["包邮吗？", "保修多久"]),
        ("这款1,299元的重3.5公斤吗", ["这款1,299元的重3.5公斤吗"]),
        ("你干吗不发货", ["你干吗不发货"]),
        ("能退吗……", ["能退吗"]),
        ("!!! 。", []),
        ("Is it in stock? Also, can I pay later", ["Is it in stock?", "can I pay later"]),
        ("Is it blue and does it fold", ["Is it blue", "does it fold"]),
        ("Do you ship to Tokyo and Osaka?", ["Do you ship to Tokyo and Osaka?"]),
        ("送料は？あと、いつ届く？", ["送料は？", "いつ届く？"]),
        ("배송비 얼마예요? 그리고 할부 되나요?", ["배송비 얼마예요?", "할부 되나요?"]),
    ],
)
def test_clauses_of_a_text(text, parts):
    assert said(text) == parts


def test_a_clause_knows_its_place_and_what_opens_it():
    text = "多少钱，对了，能开发票吗"
    first, second = clauses(text)
    assert text[second.start :] == second.said == "能开发票吗"
    assert text[: second.border] == "多少钱，"
    assert (first.opened, second.opened) == (False, True)


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("有货吗，还有货吗", False),
        ("有货吗，还有能开票吗", True),
        ("有货吗，还有没有别的颜色", False),
        ("有货吗，还有就是保修多久", True),
        ("返品できますか、それとも交換ですか", False),
        ("返品できますか、それと送料は", True),
    ],
)
def test_still_or_is_not_also(text, opened):
    assert clauses(text)[1].opened is opened


@pytest.mark.parametrize(
    "text",
    [
        "几天能到",
        "有42码吗",
        "包不包邮",
        "能退不",
        "想问下运费",
        "how long does it take",
        "いつ届く",
        "送料を教えてください",
        "언제 와요",
        "재고 있나요",
        "what is it made of",
        "保修几年",
    ],
)
def test_sounds_like_a_question(text):
    assert Clause(text, 0, 0, False).asks


@pytest.mark.parametrize(
    "text",
    [
        "鞋子有点小",
        "还没发货",
        "我身高175",
        "如果不合适",
        "退货的话",
        "还是黑色的呢",
        "I love it",
        "if it doesn't fit",
        "それとも黒ですか",
        "サイズが小さいのですが",
        "신발이 작은데",
        "안 맞으면",
    ],
)
def test_sounds_like_none(text):
    assert not Clause(text, 0, 0, False).asks


def test_a_wish_that_is_only_supposed_is_none():
    assert Clause("我要退货", 0, 0, False).wishes
    assert not Clause("我要退货的话", 0, 0, False).wishes


def test_words_are_given_in_four_languages():
    import yaml

    listed = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    for key in ("also", "asks", "wishes", "supposes", "instead"):
        assert {"zh", "en", "ja", "ko"} <= set(listed[key]), key
