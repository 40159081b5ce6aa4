"""What is denied in a Chinese review, and reviews put together from opinions."""

from __future__ import annotations

import pytest

from nlu.features import without_denial
from nlu.grams import marked as mark
from nlu.sentiment_analyser import together
from nlu.sentiment_model import NEGATIVE, NEUTRAL, POSITIVE


@pytest.mark.parametrize(
    ("text", "marked", "plain"),
    [
        ("不卡", {mark("卡")}, {"卡"}),
        ("从没卡过", {mark("卡")}, {"卡"}),
        ("不热,卡", {mark("热"), "卡"}, {mark("卡")}),
        ("没有一点点点卡", {"卡"}, {mark("卡")}),
        ("卡", {"卡"}, {mark("卡")}),
    ],
)
def test_what_is_denied_is_marked_within_its_clause(text, marked, plain):
    found = set(without_denial(text))
    assert marked <= found
    assert not plain & found


def test_reviews_are_put_together_of_one_mood_or_mostly():
    told = [("甲", POSITIVE), ("乙", NEGATIVE), ("丙", NEUTRAL)]
    made = together(told, 200, "，")
    assert made == together(told, 200, "，")
    assert {mood for _, mood in made} == {POSITIVE, NEGATIVE}
    both = 0
    for text, mood in made:
        parts = text.split("，")
        own, other = ("甲", "乙") if mood == POSITIVE else ("乙", "甲")
        assert parts.count(own) in (2, 3)
        assert parts.count(other) == len(parts) - parts.count(own) <= 1
        assert parts[-1] == own
        both += other in parts
    assert 30 < both < 90
