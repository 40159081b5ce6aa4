"""Names that are nearly said: the same sounds in other characters, or a slip of the fingers.

    sound    the same syllables in other characters, some of them right (凌布 for 凌步); n and ng,
             z and zh, c and ch, s and sh count as the same, as many speak and type them
    letter   one wrong, missing, extra or swapped letter among five or more, two among nine

Both are found by looking up keys that are made of the names beforehand, so that the cost of a
message does not grow with their number. Past `MOST_NAMES` only sounds are known: the keys of slips
are many for every name.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

import numpy as np
from rapidfuzz.distance import OSA

from nlu.features import sounds_of

MOST_NAMES = 20_000
_SHORTEST_SOUND, _LONGEST_SOUND = 2, 8
_SHORTEST_LETTER, _TWO_FROM = 5, 9
_HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z]{5,}")
_SAME = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))


class NearNames:
    """The near forms of a lexicon's names (folded, without blanks)."""

    def __init__(self, names: Iterable[str]) -> None:
        found = list(names)
        self._sounds: dict[str, list[str]] = defaultdict(list)
        for name in found:
            if _HAN.fullmatch(name) and _SHORTEST_SOUND <= len(name) <= _LONGEST_SOUND:
                self._sounds[_key(sounds_of(name))].append(name)
        few = len(found) <= MOST_NAMES
        self._slips = _Slips(list(filter(_LATIN.fullmatch, found)) if few else [])

    def find(self, text: str, words: Iterable[tuple[int, int]]) -> list[tuple[int, int, str]]:
        """(start, end, name) of what is nearly said in a folded text without blanks.

        `words`: where words of Latin letters stand; what stands alone there is not part of another.
        """
        found = []
        for run in _HAN.finditer(text):
            found += self._in_han(run[0], run.start())
        for start, end in words:
            name = self._slips.nearest(text[start:end])
            if name:
                found.append((start, end, name))
        return found

    def _in_han(self, text: str, offset: int) -> list[tuple[int, int, str]]:
        found = []
        syllables = sounds_of(text)
        for start in range(len(text)):
            for size in range(_SHORTEST_SOUND, min(_LONGEST_SOUND, len(text) - start) + 1):
                said = text[start : start + size]
                name = self._by_sound(said, syllables[start : start + size])
                if name:
                    found.append((offset + start, offset + start + size, name))
        return found

    def _by_sound(self, said: str, syllables: list[str]) -> str | None:
        for name in self._sounds.get(_key(syllables), ()):
            right = sum(one == other for one, other in zip(said, name, strict=True))
            # Two syllables sound like too many things: one of them must be written right. What is
            # written right altogether has been found already.
            if right < len(name) and (right * 2 >= len(name) or len(name) > 3):
                return name
        return None


class _Slips:
    """Names of Latin letters, found by what is left of them without one letter or two.

    Wolf Garbe's symmetric deletes (SymSpell). Of what is left only the hashes are kept, in order
    beside the names they are of: as texts in a dictionary they took fifty megabytes.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names
        hashes, places = array("q"), array("i")
        for place, name in enumerate(names):
            cuts = _cuts(name)
            hashes.extend(map(hash, cuts))
            places.extend([place] * len(cuts))
        order = np.argsort(np.array(hashes, dtype=np.int64))
        self._hashes = np.array(hashes, dtype=np.int64)[order]
        self._places = np.array(places, dtype=np.int32)[order]

    def nearest(self, word: str) -> str | None:
        """The name that a word misspells, if any."""
        if not _LATIN.fullmatch(word):
            return None
        cuts = np.fromiter(map(hash, _cuts(word)), dtype=np.int64)
        starts = np.searchsorted(self._hashes, cuts, "left")
        ends = np.searchsorted(self._hashes, cuts, "right")
        same = [self._places[start:end] for start, end in zip(starts, ends, strict=True)]
        near = {self._names[place] for place in np.concatenate(same)} - {word}
        best = min(((OSA.distance(word, name), name) for name in near), default=None)
        return best[1] if best and best[0] <= _most_slips(best[1]) else None


def _key(syllables: list[str]) -> str:
    key = " ".join(syllables)
    for one, other in _SAME:
        key = key.replace(one, other)
    return key


def _most_slips(name: str) -> int:
    return 2 if len(name) >= _TWO_FROM else 1


def _cuts(word: str) -> set[str]:
    """The word, and what is left of it without one letter, or two: what near words share."""
    cuts = {word}
    for count in range(1, _most_slips(word) + 1):
        for places in combinations(range(len(word)), count):
            cuts.add("".join(c for place, c in enumerate(word) if place not in places))
    return cuts
