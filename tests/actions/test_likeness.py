"""Pieces of texts: what two texts share where they are about the same."""

from __future__ import annotations

import pytest

from actions.likeness import pieces


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("アウトソール", "クールな靴ですか"),
        ("ミッドソール", "ソフトですか"),
        ("つま先", "すぐ先に着きますか"),
    ],
)
def test_syllables_that_words_share_are_no_likeness(name: str, text: str) -> None:
    assert not pieces(name) & pieces(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("アウトソール", "アウトソールは何ですか"),
        ("やわらかい肌触り", "やわらかいのがいい"),
        ("対象年齢", "年齢は"),
        ("透气", "透气吗"),
        ("battery life", "how long is the batteries' life"),
    ],
)
def test_words_and_characters_are_shared(name: str, text: str) -> None:
    assert pieces(name) & pieces(text)
