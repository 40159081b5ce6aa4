"""What the intent classifier sees in a message: characters, concepts and sounds, words and letters.

Characters carry most of it in Chinese, Japanese and Korean, words and their letters in English.
Words of opinion (opinions.txt) tell how pleased a Chinese review is, and what stands after a no.
Concepts (concepts.txt) stand for words that mean the same to a shop, so that what was learnt of a
fridge carries over to a pair of shoes. Sounds (toneless pinyin) make a homophone typed by mistake
("在嘛", "快第") look like what was meant. Words by a dictionary were tried as well and added
nothing to these (docs/nlu.md).

Most blocks of features write the message in symbols of their own, one character each; the n-grams
of these are numbers (nlu/grams.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nlu.grams import (
    APART,
    EDGE,
    PAIRS,
    RUNS,
    Cutter,
    Spans,
    letter_runs,
    marked,
    stand_in,
    word_runs,
)
from nlu.syllables import syllable

_WORD = re.compile(r"[a-zà-öø-ÿ]+(?:['’][a-zà-öø-ÿ]+)?|[0№☎⌂☺⚭]+|[?!]")

CONCEPTS_FILE = Path(__file__).with_name("concepts.txt")
OPINIONS_FILE = Path(__file__).with_name("opinions.txt")
_GOOD, _BAD, _NOT, _BUT = map(stand_in, ("good", "bad", "not", "but"))
# What a word of opinion becomes up to so many characters after a word that denies it.
_TURNED = {_GOOD: _BAD, _BAD: _GOOD}
_REACH = 4
# How far good outweighs bad in the whole, and in what comes last.
_WHOLE = {level: stand_in(f"={level}") for level in range(-3, 4)}
_AFTER = {level: stand_in(f"=>{level}") for level in range(-3, 4)}
# What denies in Chinese, and up to four characters after it in the same clause.
_DENIED = re.compile(r"[不没无未别]([^不没无未别,.!?;: ]{0,4})")


def prepare() -> None:
    """Read the concepts and pinyin's dictionary now rather than at the first message."""
    ngrams("你好", tuple(BLOCKS))


def ngrams(text: str, blocks: tuple[str, ...]) -> np.ndarray:
    """The n-grams of a normalised text in some blocks, repeated as often as they occur."""
    writers, cutter, spelt = _kinds(blocks)
    found = [cutter.cut([symbols(text) for symbols in writers])] if writers else []
    if spelt:
        words = _WORD.findall(text)
        found += [pieces(words, number) for number, pieces in spelt]
    return np.concatenate(found) if len(found) > 1 else found[0]


def characters(text: str) -> str:
    """The text with a mark at both ends, which tells openings from endings."""
    return EDGE + text + EDGE


def sounds(text: str) -> str:
    """A symbol for the syllable of each character, without its tone; what has none is itself."""
    return text.translate(_SOUNDS)


def sounds_of(text: str) -> list[str]:
    """The syllable of each character, without its tone; what has none is itself."""
    return [syllable(character) for character in text]


def concepts(text: str) -> str:
    """The text with its known words replaced by their concepts, and a mark at both ends."""
    return EDGE + units(text) + EDGE


@lru_cache(maxsize=8)  # twice asked for by a model with both blocks
def units(text: str) -> str:
    """The text as concepts where it has any, and single characters between them."""
    said, end = "", 0
    for start, past, concept in _concepts().find(text):
        said += text[end:start] + concept
        end = past
    return said + text[end:]


@lru_cache(maxsize=8)
def opinions(text: str) -> str:
    """Words of opinion (opinions.txt) by their signs, in their order.

    good and bad after `not` change places.
    """
    signs, turned, end = "", False, 0
    for start, past, sign in _opinions().find(text):
        if sign == _NOT:
            turned, end = True, past
            continue
        if turned and start - end <= _REACH:
            sign = _TURNED.get(sign, sign)
        turned = False
        signs += sign
    return signs


def balance(text: str) -> str:
    """How far good outweighs bad in the whole, and in what follows the last `but`: two symbols."""
    signs = opinions(text)
    after = signs[max(0, signs.rfind(_BUT)) :]
    return _WHOLE[_outweighs(signs)] + _AFTER[_outweighs(after)]


def without_denial(text: str) -> str:
    """A Chinese text without the characters that deny.

    Up to four after one in the same clause are marked: 卡 is a complaint, and 不卡 and 没有卡过 are
    praise.
    """
    return _DENIED.sub(lambda found: marked(found[1]), text)


class Block(NamedTuple):
    """A way of writing a text in symbols, and which of them are taken together."""

    symbols: Callable[[str], str]
    spans: Spans


# A block of words is cut up by a function of them and the block's number. These numbers are kept in
# a model's terms: a new block is added at the end.
BLOCKS: dict[str, Block | Callable[[Sequence[str], int], np.ndarray]] = {
    "characters": Block(characters, RUNS),
    "sounds": Block(sounds, RUNS),
    "concepts": Block(concepts, RUNS),
    "concept_pairs": Block(units, APART),
    # Of Latin letters, numbers and marks, one and two at a time.
    "words": word_runs,
    # What is left of a typo.
    "letters": letter_runs,
    "opinions": Block(opinions, RUNS),
    "balance": Block(balance, RUNS),
    "denied": Block(without_denial, PAIRS),
}


class _Kinds(NamedTuple):
    """Some blocks, apart as they are worked on."""

    writers: list[Callable[[str], str]]
    cutter: Cutter
    spelt: list[tuple[int, Callable[[Sequence[str], int], np.ndarray]]]


@lru_cache(maxsize=16)
def _kinds(blocks: tuple[str, ...]) -> _Kinds:
    numbered = [(list(BLOCKS).index(name), BLOCKS[name]) for name in blocks]
    written = [(number, block) for number, block in numbered if isinstance(block, Block)]
    return _Kinds(
        [block.symbols for _, block in written],
        Cutter([(number, block.spans) for number, block in written]),
        [(number, block) for number, block in numbered if not isinstance(block, Block)],
    )


class _Sounds(dict[int, int]):
    """Code point → that of the stand-in for its syllable, for `str.translate`.

    Filled as characters are met; of Unicode's first plane only, which bounds it.
    """

    def __missing__(self, code: int) -> int:
        sound = ord(stand_in(syllable(chr(code))))
        if code <= 0xFFFF:
            self[code] = sound
        return sound


_SOUNDS = _Sounds()


class _Dictionary:
    """The words of a file of lines `name word word …`; each stands for its name."""

    def __init__(self, path: Path) -> None:
        self._stand_in: dict[str, str] = {}
        for line in path.read_text("utf-8").splitlines():
            if line and not line.startswith("#"):
                name, *known = line.split()
                for word in known:
                    self._stand_in.setdefault(word, stand_in(name))
        # How long the words are that begin with a character, the longest first.
        self._sizes: dict[str, list[int]] = {}
        for word in sorted(self._stand_in, key=len, reverse=True):
            sizes = self._sizes.setdefault(word[0], [])
            if len(word) not in sizes:
                sizes.append(len(word))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, stand-in) of the words in a text, the longest where several begin."""
        end = 0
        for start, character in enumerate(text):
            if start < end:
                continue
            for size in self._sizes.get(character, ()):
                word = text[start : start + size]
                found = self._stand_in.get(word)
                if found:
                    end = start + len(word)
                    yield start, end, found
                    break


def _outweighs(signs: str) -> int:
    """How far good outweighs bad, from -3 to 3."""
    return max(-3, min(3, signs.count(_GOOD) - signs.count(_BAD)))


@lru_cache(maxsize=1)
def _opinions() -> _Dictionary:
    return _Dictionary(OPINIONS_FILE)


@lru_cache(maxsize=1)
def _concepts() -> _Dictionary:
    return _Dictionary(CONCEPTS_FILE)
