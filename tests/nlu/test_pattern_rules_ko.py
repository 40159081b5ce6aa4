"""Entities read by form off Korean messages. Today is a Sunday."""

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
        ("QD2026110003 뒷자리 1234", [("order_number", "QD2026110003"), ("phone_last4", "1234")]),
        ("뒷번호는 1234예요", [("phone_last4", "1234")]),
        ("휴대폰 뒤 5678입니다", [("phone_last4", "5678")]),
        ("1234요", [("phone_last4", "1234")]),
        ("1234로 끝나는 번호예요", [("phone_last4", "1234")]),
        ("연락처를 13812345678로 바꿔주세요", [("phone", "13812345678")]),
        ("같은 신발 두 켤레 주문할게요", [("quantity", 2)]),
        ("3개 주세요", [("quantity", 3)]),
        ("1개만 취소해주세요", [("quantity", 1)]),
        ("한 개도 안 왔어요", []),
        ("할부 12개월 되나요", []),
        ("두 번째 거", []),
        ("예산은 400 정도예요", [("money", 400.0)]),
        ("300위안 이하 러닝화", [("money", 300.0)]),
        ("300 이하로 보여주세요", [("money", 300.0)]),
        ("2천 위안짜리 폰", [("money", 2000.0)]),
        ("1,500위안", [("money", 1500.0)]),
        ("키 165에 몸무게 50킬로", [("height", 165.0), ("weight", 50.0)]),
        ("키는 170이고 체중은 90이에요", [("height", 170.0), ("weight", 90.0)]),
        ("175에 70kg인데요", [("height", 175.0), ("weight", 70.0)]),
        ("키 1m 65", [("height", 165.0)]),
        ("키 120인 아이", [("height", 120.0)]),
        ("5살 반 아들", [("age", 5.5)]),
        ("다섯 살 딸아이", [("age", 5.0)]),
        ("18개월 아기", [("age", 1.5)]),
        ("보증 12개월인가요", []),
        ("발길이 25.3cm예요", [("foot_length", 25.3)]),
        ("발 사이즈는 253이에요", [("foot_length", 25.3)]),
        ("260 신어요", [("foot_length", 26.0)]),
        ("265mm예요", [("foot_length", 26.5)]),
        ("18센티 정도요", [("foot_length", 18.0)]),
        ("42 사이즈 있어요?", [("size", "42")]),
        ("그럼 43은요?", [("size", "43")]),
        ("38로 교환하고 싶어요", [("size", "38")]),
        ("XL로 바꿔주세요", [("size", "XL")]),
        ("2XL 사이즈", [("size", "XXL")]),
        ("라지 사이즈 있나요", [("size", "L")]),
        ("프리사이즈예요?", [("size", "均码")]),
        ("S12 Pro 있어요?", []),
        ("선전까지 며칠 걸려요", [("city", "深圳")]),
        ("상하이에 사는데 언제 와요", [("city", "上海")]),
        ("광고에서 선전하던 거", []),
    ],
)  # fmt: skip
def test_numbers_measures_and_places(text: str, expected: list) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("내일 와요?", "2026-11-23"),
        ("모레까지 받을 수 있나요", "2026-11-24"),
        ("그저께 주문했어요", "2026-11-20"),
        ("다음 주 금요일에 받고 싶어요", "2026-11-27"),
        ("지난주 토요일에 샀어요", "2026-11-14"),
        ("금요일까지 필요해요", "2026-11-27"),
        ("25일에 보내주세요", "2026-11-25"),
        ("다음 달 3일에", "2026-12-03"),
        ("11월 25일 도착", "2026-11-25"),
        ("3일 전에 받았어요", "2026-11-19"),
        ("2주 뒤", "2026-12-06"),
        ("이틀 전에 결제했는데", "2026-11-20"),
    ],
)
def test_days(text: str, expected: str) -> None:
    assert read(text) == [("date", expected)]


@pytest.mark.parametrize(
    "text", ["7일 이내면 반품되나요", "15일 동안", "40일에", "2일차", "돈은 제가 낼게요"]
)
def test_what_is_no_day(text: str) -> None:
    assert read(text) == []
