"""N-grams as numbers, so that a vocabulary is a sorted array and numpy cuts a message up.

What is cut up is a text of which every character is one symbol: a letter, or a stand-in for a
syllable, a concept, a sign of opinion. A symbol takes 20 bits, its code point; one to three of them
make the lower 60 bits of a number, the upper four say which block the n-gram is of
(nlu/features.py). Words and their letters are packed in ways of their own. Numbers are the same in
every process: they are kept with a model. (What lies above U+FFFFF, which Unicode leaves to
private use, runs over into its neighbour, and is taken for another n-gram or for none.)
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

# What stands at the beginning and the end of a text or a word.
EDGE = "\x02"

# Which symbols are taken together, counted from the first of them: every run of up to three …
RUNS = ((0,), (0, 1), (0, 1, 2))
PAIRS = RUNS[:2]
# … and every two with one to four others between them.
APART = ((0, 2), (0, 3), (0, 4), (0, 5))
Spans = tuple[tuple[int, ...], ...]

_SYMBOL, _LETTER, _WORD, _BLOCK = 20, 15, 30, 60
# What the parts of a number are multiplied by: three symbols, and the block.
_PLACES = np.array([1 << 2 * _SYMBOL, 1 << _SYMBOL, 1, 1 << _BLOCK], dtype=np.uint64)
# So many symbols of all blocks together are a long text.
_LONG = 256
# Unicode assigns nothing in the planes from here on, save for the last three.
_FREE, _FREE_SIZE = 0x40000, 0xA0000


@lru_cache(maxsize=1024)
def stand_in(name: str) -> str:
    """One character that stands for a name; a name of one character is its own.

    It is found by a hash (CRC-32) among 655,360. Two names with the same would be read as one; a
    test sees to it that of the some 600 in use no two have.
    """
    return name if len(name) == 1 else chr(_FREE + zlib.crc32(name.encode()) % _FREE_SIZE)


def marked(text: str) -> str:
    """The text in other characters, each always in the place of the same.

    Those of Unicode's higher planes, none of which is a letter, all become one.
    """
    return "".join([chr(_FREE + min(ord(character), _FREE - 1)) for character in text])


class Cutter:
    """Cuts texts of symbols into n-grams, each text in a block of its own.

    blocks: for each text the number of its block, 0 to 15, and what is taken of it.
    """

    def __init__(self, blocks: Sequence[tuple[int, Spans]]) -> None:
        self._spans = [spans for _, spans in blocks]
        # A symbol for none, and the blocks' numbers.
        self._ends = "\0" + "".join([chr(number) for number, _ in blocks])
        # Texts are cut alike when they are as long; a long one is not met twice.
        self._known_plan = lru_cache(maxsize=512)(self._plan)

    def cut(self, texts: Sequence[str]) -> np.ndarray:
        """The n-grams of the texts, in the order of the blocks."""
        sizes = tuple(map(len, texts))
        plan = self._known_plan(sizes) if sum(sizes) < _LONG else self._plan(sizes)
        # Half a surrogate pair is a symbol too.
        symbols = ("".join(texts) + self._ends).encode("utf-32-le", "surrogatepass")
        return _PLACES.dot(np.frombuffer(symbols, dtype=np.uint32).astype(np.uint64).take(plan))

    def _plan(self, sizes: tuple[int, ...]) -> np.ndarray:
        """Where the parts of each n-gram stand, of shape (4, n-grams): three symbols, its block."""
        none = sum(sizes)
        columns = [np.empty((4, 0), dtype=np.intp)]
        begin = 0
        for place, (size, spans) in enumerate(zip(sizes, self._spans, strict=True)):
            for span in spans:
                starts = np.arange(begin, begin + max(0, size - span[-1]))
                block = np.full((4, len(starts)), none)
                for row, offset in enumerate(span, start=3 - len(span)):
                    block[row] = starts + offset
                block[3] = none + 1 + place
                columns.append(block)
            begin += size
        plan = np.concatenate(columns, axis=1)
        return plan if none >= _LONG else plan.astype(np.uint16)


def word_runs(words: Sequence[str], block: int) -> np.ndarray:
    """Every word and every two words side by side, both ends marked.

    Words are 30 bits of their CRC-32. Among 10,000 known ones a new word is taken for one of them
    once in 100,000 times, and then weighs as that does.
    """
    hashes = [zlib.crc32(word.encode()) >> 2 for word in words]
    one = [ord(EDGE), *hashes, ord(EDGE)]
    two = [first << _WORD | second for first, second in pairwise(one)]
    return _in_block([*one, *two], block)


def letter_runs(words: Sequence[str], block: int) -> np.ndarray:
    """Every 2, 3 and 4 letters (below U+8000) side by side in a word, its ends marked."""
    if not words:
        return np.empty(0, dtype=np.uint64)
    return np.concatenate([_letters(word, block) for word in words])


@lru_cache(maxsize=2048)
def _letters(word: str, block: int) -> np.ndarray:
    one = [ord(letter) for letter in EDGE + word + EDGE]
    two = [before << _LETTER | last for before, last in pairwise(one)]
    three = [before << _LETTER | last for before, last in zip(two, one[2:], strict=False)]
    four = [before << _LETTER | last for before, last in zip(three, one[3:], strict=False)]
    return _in_block([*two, *three, *four], block)


def _in_block(numbers: list[int], block: int) -> np.ndarray:
    found = np.array(numbers, dtype=np.uint64)
    found |= np.uint64(block << _BLOCK)
    return found
