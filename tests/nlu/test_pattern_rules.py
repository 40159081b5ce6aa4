"""Entities read by form, and the values they are given. Today is a Sunday."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.text import fold
from nlu.numerals import number
from nlu.pattern_rules import find

TODAY = date(2026, 11, 22)


def read(text: str, today: date = TODAY) -> list[tuple[str, object]]:
    return [(one.kind, one.value) for one in find(fold(text), today)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QD2026110001", [("order_number", "QD2026110001")]),
        ("qd 2026 1100 01 尾号1234", [("order_number", "QD2026110001"), ("phone_last4", "1234")]),
        ("ＱＤ２０２６１１０００１", [("order_number", "QD2026110001")]),
        ("订单号2026110001", [("order_number", "QD2026110001")]),
        ("2026110001 1234", [("order_number", "QD2026110001"), ("phone_last4", "1234")]),
        ("售后单as2026110003呢", [("ticket_number", "AS2026110003")]),
        ("电话138-1234-5678", [("phone", "13812345678")]),
        ("手机138 1234 5678", [("phone", "13812345678")]),
        ("后四位是 5678", [("phone_last4", "5678")]),
        ("1234", [("phone_last4", "1234")]),
        ("iPhone 13 怎么样", []),
        ("第二件半价", []),
    ],
)
def test_numbers_of_orders_and_phones(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("两双42码的", [("quantity", 2), ("size", "42")]),
        ("3个工作日", []),
        ("有一个问题", []),
        ("买一个", [("quantity", 1)]),
        ("两百元以内", [("money", 200.0)]),
        ("¥199.9", [("money", 199.9)]),
        ("3块5", [("money", 3.5)]),
        ("满300减40", [("money", 300.0), ("money", 40.0)]),
        ("两块肥皂", []),
        ("1米65，110斤", [("height", 165.0), ("weight", 55.0)]),
        ("一米六五 一百二十斤", [("height", 165.0), ("weight", 60.0)]),
        ("身高120的孩子穿几码", [("height", 120.0)]),
        ("身高1.75体重70", [("height", 175.0), ("weight", 70.0)]),
        ("体重110", [("weight", 55.0)]),
        ("体重50斤", [("weight", 25.0)]),
        ("体重 90 公斤", [("weight", 90.0)]),
        ("体重是120多斤", [("weight", 60.0)]),
        ("柜子长120cm", []),
        ("孩子5岁半", [("age", 5.5)]),
        ("18个月的宝宝", [("age", 1.5)]),
        ("保修18个月", []),
        ("脚长24.5", [("foot_length", 24.5)]),
        ("245mm", [("foot_length", 24.5)]),
        ("24.5cm", [("foot_length", 24.5)]),
        ("XL", [("size", "XL")]),
        ("2xl有吗", [("size", "XXL")]),
        ("4XL", [("size", "4XL")]),
        ("换成43的", [("size", "43")]),
        ("四十二码", [("size", "42")]),
        ("均码", [("size", "均码")]),
        ("换个大一码的", []),
        ("发到上海市", [("city", "上海")]),
        ("已经开封了", []),
        ("寄到开封", [("city", "开封")]),
    ],
)
def test_counts_measures_and_places(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("明天能到吗", "2026-11-23"),
        ("大后天", "2026-11-25"),
        ("下周三发货", "2026-11-25"),
        ("上个礼拜五买的", "2026-11-13"),
        ("11月25日", "2026-11-25"),
        ("十一月二十五号", "2026-11-25"),
        ("25号能到吗", "2026-11-25"),
        ("2026-12-01", "2026-12-01"),
        ("三天前买的", "2026-11-19"),
        ("1月3号", "2027-01-03"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    assert read(text) == [("date", expected)]


def test_a_day_that_does_not_exist_is_no_date() -> None:
    assert read("2月30日") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("一百二", 120), ("一百零二", 102), ("两万五", 25_000), ("1.5万", 15_000), ("十二", 12)],
)
def test_numerals(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "点", "十点", "abc", "1.2.3"])
def test_what_is_no_number(text: str) -> None:
    assert number(text) is None


@given(
    st.text(
        alphabet="qdasr0123456789一二两十百万点个双码元块岁斤月日号周cm米 身高脚长", max_size=30
    )
)
def test_spans_are_inside_the_text_and_never_overlap(text: str) -> None:
    end = 0
    for one in find(fold(text), TODAY):
        assert end <= one.start < one.end <= len(text)
        end = one.end
