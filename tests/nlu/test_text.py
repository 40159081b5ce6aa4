"""Normalising: what it drops, what it keeps, and that folding keeps offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.text import fold
from nlu.text import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＱＤ２０２６１１０００１到哪了？？？", "№到哪了?"),
        ("订单 qd 2026 1100 01", "订单 №"),
        ("打13812345678!!", "打☎!"),
        ("哈哈哈哈哈哈", "哈哈"),
        ("买了3件,花了199.5", "买了0件,花了0"),
        ("[ORDERID_10002]电话[电话x]", "№电话☎"),
        ("看 https://shop.example/p?id=1 这个", "看 ⚭ 这个"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text(max_size=60))
def test_fold_keeps_length_and_normalise_never_fails(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert isinstance(normalise(text), str)


def test_fold_is_half_width_and_lower_case() -> None:
    assert fold("ＸＬ码 Pro㎝") == "xl码 pro㎝"
