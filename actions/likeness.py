"""How near two texts come, piece by piece, whatever they are written in.

A piece is a word of Latin letters, without the s of a plural, or a pair of other letters that stand
side by side: Chinese and Japanese set no words apart, and Korean hangs its particles on them.
"""

from __future__ import annotations

import re
from itertools import pairwise

from kg.text import fold

_RUN = re.compile(r"(?P<latin>[a-zà-öø-ÿ]+)|(?P<other>[^\W\d_a-zà-öø-ÿ]+)")
# Shorter words join the others and mean little by themselves.
_SHORTEST = 3


def pieces(text: str) -> set[str]:
    """The words and pairs of letters of a text."""
    found: set[str] = set()
    for run in _RUN.finditer(fold(text)):
        if run["other"]:
            found.update(map("".join, pairwise(run["other"])))
        elif len(run["latin"]) >= _SHORTEST:
            found.add(run["latin"].removesuffix("s"))
    return found
