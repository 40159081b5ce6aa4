"""Text made comparable: width, case and Traditional characters, place by place.

`fold` keeps every character at its place, so that what is found in folded text can be cut out of
the text itself. Kanji that are written as Traditional characters are folded as well, in whatever
language: what is compared is folded on both sides.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from opencc import OpenCC

# What is written in Chinese and Japanese, in Japanese alone, and in Korean alone.
HAN_LETTER = re.compile(r"[\u3400-\u9fff]")
HANGUL_LETTER = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
KANA_LETTER = re.compile(r"[\u3041-\u30ff\uff66-\uff9f]")
# Han characters of the common blocks.
_HAN = range(0x3400, 0xA000)


@lru_cache(maxsize=64)  # a message is folded again for every cue that is looked for
def fold(text: str) -> str:
    """Half width, lower case and Simplified, character by character; as long as `text`.

    Characters whose folded form has another length (such as "㎝") are kept as they are.
    """
    if text.isascii():
        return text.lower()
    return simplified("".join(map(_fold_character, text)))


def simplified(text: str) -> str:
    """Traditional characters as Simplified ones, one for one (by OpenCC's table)."""
    return text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    characters = [chr(code) for code in _HAN]
    # One a line, so that no phrase of several characters is read into them.
    converted = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {
        ord(one): other
        for one, other in zip(characters, converted, strict=True)
        if one != other and len(other) == 1
    }


@lru_cache(maxsize=30_000)
def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).lower()
    return folded if len(folded) == 1 else character
