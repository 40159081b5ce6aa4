"""Entities of English messages, read by form. Today is a Sunday."""

from __future__ import annotations

import pytest

from nlu.pattern_rules import find
from tests.nlu.test_pattern_rules import TODAY, read

OPENED = [("order_number", "QD2026110001"), ("phone_last4", "1234")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QD2026110001, last four digits 1234", OPENED),
        ("order qd2026110001 phone ending in 1234", OPENED),
        ("the last 4 digits of my phone are 5678", [("phone_last4", "5678")]),
        ("it's 1234", [("phone_last4", "1234")]),
        ("call me on 13812345678", [("phone", "13812345678")]),
        ("where is AS2026110003", [("ticket_number", "AS2026110003")]),
        ("the iPhone 13 or something like it", []),
    ],
)
def test_numbers_of_orders_and_phones(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm 5'9\" and weigh 160 lbs", [("height", 175.3), ("weight", 72.57)]),
        ("5 ft 4, 120 pounds", [("height", 162.6), ("weight", 54.43)]),
        ("5 feet tall", [("height", 152.4)]),
        ("I'm 175 cm tall and 70 kg", [("height", 175.0), ("weight", 70.0)]),
        ("height 120", [("height", 120.0)]),
        ("I'm 163, 50 kilos", [("height", 163.0), ("weight", 50.0)]),
        ("my foot is 25.3 cm long", [("foot_length", 25.3)]),
        ("feet 260mm", [("foot_length", 26.0)]),
        ("foot length 18 centimeters", [("foot_length", 18.0)]),
        ("my daughter is 5", [("age", 5.0)]),
        ("for a five-year-old", [("age", 5.0)]),
        ("for an 18 month old", [("age", 1.5)]),
        ("he's two and a half years old", [("age", 2.5)]),
    ],
)
def test_measures_of_a_body(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("do you have it in size 42", [("size", "42")]),
        ("what about 43?", [("size", "43")]),
        ("swap it for a 41", [("size", "41")]),
        ("I usually wear a medium", [("size", "M")]),
        ("size large please", [("size", "L")]),
        ("in 2XL", [("size", "XXL")]),
        ("is it one size", [("size", "均码")]),
        ("within 48 hours", []),
        ("the medium-sized one", []),
        ("under 300 yuan", [("money", 300.0)]),
        ("my budget is 400", [("money", 400.0)]),
        ("2,000 yuan or 1.5k rmb", [("money", 2000.0)]),
        ("around 30 days", []),
        ("over 300g", []),
        ("two pairs of socks", [("quantity", 2)]),
        ("a pair of socks", []),
        ("3 more boxes", [("quantity", 3)]),
        ("do you ship to Beijing", [("city", "北京")]),
        ("delivery to Hong Kong or Xi'an", [("city", "香港"), ("city", "西安")]),
    ],
)
def test_sizes_money_counts_and_places(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("will it come tomorrow", "2026-11-23"),
        ("the day after tomorrow", "2026-11-24"),
        ("by Friday please", "2026-11-27"),
        ("next wed", "2026-11-25"),
        ("I ordered last Friday", "2026-11-20"),
        ("Nov 25", "2026-11-25"),
        ("on the 25th of November", "2026-11-25"),
        ("December 1st, 2026", "2026-12-01"),
        ("Jan 3", "2027-01-03"),
        ("three days ago", "2026-11-19"),
        ("in two weeks", "2026-12-06"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    assert read(text) == [("date", expected)]


@pytest.mark.parametrize("text", ["the sun is shining", "I sat down", "may I ask", "Feb 30"])
def test_what_is_no_day(text: str) -> None:
    assert [one for one in find(text.lower(), TODAY) if one.kind == "date"] == []
