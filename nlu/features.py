"""What the intent classifier sees in a message: characters, words and sounds, as n-grams.

Characters carry most of it in Chinese; words keep apart what shares characters; sounds (toneless
pinyin) make a homophone typed by mistake ("在嘛", "快第") look like what was meant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache

import jieba
from pypinyin import Style, pinyin

jieba.setLogLevel(logging.WARNING)

# A tokenizer of our own: words that another component adds to jieba's must not change features.
_TOKENIZER = jieba.Tokenizer()

# Character n-grams, sound n-grams, and how far apart the two characters of a pair may be.
CHARACTERS = (1, 3)
SOUNDS = (1, 3)
REACH = 5
_EDGE = "\x02"


def prepare() -> None:
    """Load the dictionary now (about a second) rather than at the first message."""
    _TOKENIZER.initialize()


@lru_cache(maxsize=30_000)
def _sound(character: str) -> str:
    return pinyin(character, style=Style.NORMAL)[0][0]


def _ngrams(items: Sequence[str], shortest: int, longest: int, joiner: str) -> list[str]:
    return [
        joiner.join(items[start : start + size])
        for size in range(shortest, longest + 1)
        for start in range(len(items) - size + 1)
    ]


def characters(text: str) -> list[str]:
    """Character 1 to 3-grams; a mark at both ends tells openings from endings."""
    return _ngrams(_EDGE + text + _EDGE, *CHARACTERS, "")


def pairs(text: str) -> list[str]:
    """Two characters with 1 to 4 others between them: what belongs together across a gap."""
    return [
        text[first] + text[second]
        for first in range(len(text))
        for second in range(first + 2, min(first + 1 + REACH, len(text)))
    ]


def words(text: str) -> list[str]:
    """Words of jieba's dictionary and their pairs."""
    found = [word for word in _TOKENIZER.cut(text) if not word.isspace()]
    return _ngrams(found, 1, 2, "\x1f")


def sounds(text: str) -> list[str]:
    """Syllable 1 to 3-grams."""
    return _ngrams([_sound(character) for character in text], *SOUNDS, " ")


# In the order in which a model keeps them.
BLOCKS: dict[str, Callable[[str], list[str]]] = {
    "characters": characters,
    "pairs": pairs,
    "words": words,
    "sounds": sounds,
}
