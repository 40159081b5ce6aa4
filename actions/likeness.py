"""How near two texts come, piece by piece, whatever they are written in.

A piece is a word of Latin letters, without the s of a plural, a word in katakana, three hiragana,
or a pair of other letters that stand side by side: Chinese and Japanese set no words apart, and
Korean hangs its particles on them. Pairs of kana are syllables that any two words may share.
"""

from __future__ import annotations

import re
from itertools import pairwise

from kg.text import fold

_RUN = re.compile(
    r"(?P<latin>[a-zà-öø-ÿ]+)|(?P<katakana>[ァ-ヺー]+)|(?P<other>[^\W\d_a-zà-öø-ÿァ-ヺー]+)"
)
_HIRAGANA = re.compile(r"(?=([ぁ-ん]{3}))")
_KANA_PAIR = re.compile(r"[ぁ-ん]{2}")
# Shorter words join the others and mean little by themselves.
_SHORTEST = 3


def pieces(text: str) -> set[str]:
    """The words and pairs of letters of a text."""
    found: set[str] = set()
    for run in _RUN.finditer(fold(text)):
        if run["other"]:
            pairs = map("".join, pairwise(run["other"]))
            found.update(pair for pair in pairs if not _KANA_PAIR.fullmatch(pair))
            found.update(_HIRAGANA.findall(run["other"]))
        elif run["katakana"]:
            found.add(run["katakana"])
        elif len(run["latin"]) >= _SHORTEST:
            found.add(run["latin"].removesuffix("s"))
    return found
