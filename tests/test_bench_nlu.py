"""How sure the figures of understanding are: published intervals, and rows counted as meant."""

from __future__ import annotations

import pytest

from bench.nlu import OUT_OF_SCOPE, Asked, figures, intervals, wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        (81, 263, 25.53, 36.62),
        (15, 148, 6.24, 16.05),
        (0, 20, 0.0, 16.11),
        (1, 29, 0.61, 17.18),
    ],
)
def test_published_intervals(hits, of, low, high):
    assert wilson(hits, of) == pytest.approx((low, high), abs=0.006)


def asked(intent: str, *ranking: str, held_back: bool = False) -> Asked:
    return Asked(intent, ranking, held_back, 1.0, 0.9, 0.5)


ROWS = [
    asked("a", "a", "b"),
    asked("a", "b", "a", held_back=True),
    asked("b", "c", "a"),
    asked(OUT_OF_SCOPE, "a", "b", held_back=True),
    asked(OUT_OF_SCOPE, "a", "b"),
]


def test_each_aim_is_told_with_what_it_is_of():
    lines = list(intervals(ROWS))
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| first_right", "1 of 5"],
        ["| among_first_two", "2 of 5"],
        ["| out_of_scope_not_acted_upon", "1 of 2"],
    ]
    found = {name: value for name, value, _ in figures(ROWS)}
    assert found["first_right"] == 20 and found["among_first_two"] == 40
    assert found["first_right_macro"] == pytest.approx(50 / 3)
    assert found["acted_upon"] == 60 and found["acted_upon_right"] == pytest.approx(100 / 3)
    assert found["offered_two_has_right"] == 50 and found["served"] == 40
    assert found["out_of_scope_recall"] == 0 and found["out_of_scope_not_acted_upon"] == 50
