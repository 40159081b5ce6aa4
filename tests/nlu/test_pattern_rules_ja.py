"""Entities read by form off Japanese messages. Today is a Sunday."""

from __future__ import annotations

from datetime import date

import pytest

from kg.text import fold
from nlu.pattern_rules import find

TODAY = date(2026, 11, 22)


def read(text: str) -> list[tuple[str, object]]:
    return [(one.kind, one.value) for one in find(fold(text), TODAY)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QD2026110003 下4桁は1234", [("order_number", "QD2026110003"), ("phone_last4", "1234")]),
        ("ＱＤ2026110003末尾四桁5678", [("order_number", "QD2026110003"), ("phone_last4", "5678")]),
        ("電話番号は1234です", [("phone_last4", "1234")]),
        ("1234です", [("phone_last4", "1234")]),
        ("電話番号は13812345678に変えて", [("phone", "13812345678")]),
        ("同じ靴を2足お願いします", [("quantity", 2)]),
        ("みっつください", [("quantity", 3)]),
        ("一つ聞いてもいいですか", []),
        ("二つ目のやつ", []),
        ("予算は400くらい", [("money", 400.0)]),
        ("300元以内の靴", [("money", 300.0)]),
        ("1.5万元", [("money", 15000.0)]),
        ("身長165センチ、体重50キロ", [("height", 165.0), ("weight", 50.0)]),
        ("身長は170で体重は90です", [("height", 170.0), ("weight", 90.0)]),
        ("身長1m65", [("height", 165.0)]),
        ("120cmの子ども", [("height", 120.0)]),
        ("5歳半の息子", [("age", 5.5)]),
        ("1歳6か月です", [("age", 1.5)]),
        ("生後6ヶ月", [("age", 0.5)]),
        ("18か月の赤ちゃん", [("age", 1.5)]),
        ("保証は12か月ですか", []),
        ("足の長さは25.3cmです", [("foot_length", 25.3)]),
        ("24.5センチの靴", [("foot_length", 24.5)]),
        ("日本のサイズだと26.5なんですが", [("foot_length", 26.5)]),
        ("18センチです", [("foot_length", 18.0)]),
        ("Lサイズありますか", [("size", "L")]),
        ("42はありますか", [("size", "42")]),
        ("サイズ38に交換したい", [("size", "38")]),
        ("XLに変えて", [("size", "XL")]),
        ("2XLサイズ", [("size", "XXL")]),
        ("フリーサイズですか", [("size", "均码")]),
        ("S12 Proはありますか", []),
        ("シンセンに届けて", [("city", "深圳")]),
        ("広州まで何日かかりますか", [("city", "广州")]),
        ("サラサラの生地", []),
    ],
)  # fmt: skip
def test_numbers_measures_and_places(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("明日届きますか", "2026-11-23"),
        ("あさって", "2026-11-24"),
        ("明後日の午後", "2026-11-24"),
        ("おととい注文した", "2026-11-20"),
        ("来週の金曜日に", "2026-11-27"),
        ("先週の土曜に買った", "2026-11-14"),
        ("金曜までに欲しい", "2026-11-27"),
        ("25日に届けて", "2026-11-25"),
        ("来月の3日に", "2026-12-03"),
        ("11月25日着", "2026-11-25"),
        ("3日前に届いた", "2026-11-19"),
        ("2週間後", "2026-12-06"),
    ],
)
def test_days(text: str, expected: str) -> None:
    assert read(text) == [("date", expected)]


@pytest.mark.parametrize("text", ["7日以内なら返品できますか", "15日間", "40日に", "2日目"])
def test_what_is_no_day(text: str) -> None:
    assert read(text) == []
