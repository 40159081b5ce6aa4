"""Names of clusters from what sets them apart: 高频低客单·短视频来客.

A column's difference is the mean of the cluster less that of all, in standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.clusters.features import CHOICES, NUMBERS, Column, word

CLEAR = 0.35
# A level is a cluster's own if most of it has that level, clearly more often than everybody.
_MOST = 0.5
_WORDS = 2
PLAIN = "一般顾客"
_BUYING = ("orders", "money")
_NUMBERS = {one.name: one for one in NUMBERS}
_CHOICES = {one.name: one for one in CHOICES}


@dataclass(frozen=True)
class Sign:
    """One thing that sets a cluster apart; difference in standard deviations, word for the name."""

    feature: str
    label: str
    level: str | None
    difference: float
    word: str


def signs(means: np.ndarray, shares: Sequence[float | None], by: Sequence[Column]) -> list[Sign]:
    """What sets one cluster apart, the strongest first.

    means: of its people, by column, standardised. shares: of a choice's level among those of its
    people of whom the choice is known, None for numbers.
    """
    found = []
    for column, mean, share in zip(by, means, shares, strict=True):
        if column.level is None:
            number = _NUMBERS[column.feature]
            said = number.high if mean > 0 else number.low
            found.append(Sign(column.feature, number.label, None, float(mean), said))
            continue
        spread = (column.mean * (1 - column.mean)) ** 0.5
        difference = float(mean) * column.scale / spread
        if share is not None and share >= _MOST and difference > 0:
            choice = _CHOICES[column.feature]
            said = word(choice, column.level)
            found.append(Sign(column.feature, choice.label, column.level, difference, said))
    clear = [one for one in found if abs(one.difference) >= CLEAR]
    return sorted(clear, key=lambda one: (-abs(one.difference), one.feature))


def names(
    of_each: Sequence[Sequence[Sign]], before: Sequence[Sequence[str] | None] | None = None
) -> list[str]:
    """A name for each cluster, all of them different.

    before: for each the name and the words of the cluster it was, or None: a name that is still
    true is kept.
    """
    found: list[str] = []
    for mine, old in zip(of_each, before or [None] * len(of_each), strict=True):
        if old and old[0] not in found and _still_true(old, mine):
            found.append(old[0])
            continue
        count = _WORDS
        name = _name(mine, count)
        while name in found and count < len(mine):
            count += 1
            name = _name(mine, count)
        base, number = name, 2
        while name in found:
            name, number = f"{base}（{number}）", number + 1
        found.append(name)
    return found


def _name(mine: Sequence[Sign], count: int) -> str:
    by_aspect: dict[str, str] = {}
    for one in mine:
        if one.level is None:
            by_aspect.setdefault(_NUMBERS[one.feature].aspect, one.word)
    # How they buy comes first; of the rest the strongest.
    ranked = sorted(by_aspect, key=lambda aspect: aspect not in _BUYING)
    acts = [by_aspect[one] for one in ranked[:count]]
    marks = [one for one in mine if one.level is not None]
    # Where they came from tells a marketer more than anything else that is chosen from a list.
    marks.sort(key=lambda one: one.feature != "channel")
    parts = ["".join(acts), *(one.word for one in marks[: max(1, count - 1)])]
    return "·".join(part for part in parts if part) or PLAIN


def _still_true(old: Sequence[str], mine: Sequence[Sign]) -> bool:
    name, *words = old
    said = [word for word in words if word in name]
    return bool(said) and {one.word for one in mine}.issuperset(said)
