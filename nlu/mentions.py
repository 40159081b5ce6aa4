"""Finding the graph's names in a message, whatever their case, width or spacing.

A `Lexicon` is built once from the graph's terms and is not changed afterwards, so that it can be
made in one thread and swapped in for all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.text import HANGUL_LETTER, fold
from kg.vocabulary import Term
from nlu.light_spacy import spacy
from nlu.near_names import NearNames

# Which kind a text names when several do: the more particular one.
KINDS = ("product", "series", "brand", "category", "colour", "size")

# Names are added in small lots with a breath between them: a message that arrives while a large
# vocabulary is being built must not wait for it.
_LOT = 500
_BREATH_SECONDS = 0.001

# Single Chinese characters name nothing safely, and neither does a letter or a digit.
_SHORTEST = 2
_WORD = re.compile(r"[a-z]+")
# What follows a brand: its goods, its shop.
_AFTER_BRAND = "的牌家"
_MOST_WORDS = 3


@dataclass(frozen=True)
class Mention:
    """A name found at [start, end) of the message; `ids` has several when it is ambiguous."""

    kind: str
    ids: tuple[str, ...]
    text: str
    start: int
    end: int


Found = tuple[int, int, str]


class Lexicon:
    """The names of one version of the graph."""

    def __init__(self, terms: Iterable[Term]) -> None:
        """Build the matcher; about five seconds for 100,000 names."""
        known = list(terms)
        self._meanings = _meanings(known)
        self._spaced = {_compact(term.text) for term in known if " " in term.text.strip()}
        self._near = NearNames(self._meanings)
        self._nlp = spacy.blank("zh")
        self._matcher = spacy.matcher.PhraseMatcher(self._nlp.vocab)
        names = list(self._meanings)
        for start in range(0, len(names), _LOT):
            self._matcher.add("term", [self._document(n) for n in names[start : start + _LOT]])
            time.sleep(_BREATH_SECONDS)

    def __len__(self) -> int:
        return len(self._meanings)

    def _document(self, folded: str) -> spacy.tokens.Doc:
        return spacy.tokens.Doc(self._nlp.vocab, words=list(folded))

    def find(self, text: str) -> list[Mention]:
        """The longest names in `text`, none overlapping, in the order they stand."""
        if not self._meanings:
            return []
        places = [place for place, character in enumerate(text) if not character.isspace()]
        if not places:
            return []
        folded = fold(text)
        document = self._document("".join(folded[place] for place in places))
        spans = [
            document[start:end]
            for _, start, end in self._matcher(document)
            if _stands_alone(folded, places[start], places[end - 1] + 1)
            and self._is_word(folded, places[start], places[end - 1] + 1)
        ]
        compact = "".join(folded[place] for place in places)
        exact = [
            (span.start, span.end, compact[span.start : span.end])
            for span in spacy.util.filter_spans(spans)
        ]
        near = [
            found
            for found in self._near.find(compact, _latin_words(folded, places))
            if self._may_be(found, compact, exact)
        ]
        return [
            self._mention(text, places, start, end, name)
            for start, end, name in sorted([*exact, *_beside(near, exact)])
        ]

    def _is_word(self, text: str, start: int, end: int) -> bool:
        """Whether a name in hangul begins a word, and crosses a blank only where it has one itself.

        Particles follow a name without a blank, so its end says nothing.
        """
        said = text[start:end]
        if not HANGUL_LETTER.match(said):
            return True
        if start and HANGUL_LETTER.match(text[start - 1]):
            return False
        return not any(map(str.isspace, said)) or _compact(said) in self._spaced

    def _may_be(self, near: Found, text: str, exact: list[Found]) -> bool:
        """Whether what nearly says a name of two characters can be that name.

        So short a sound means many things: only a brand where brands stand, and a series between a
        brand and a number.
        """
        start, end, name = near
        if end - start > _SHORTEST:
            return True
        kind, follows = self._meanings[name][0], text[end : end + 1]
        if kind == "brand":
            return follows in tuple(_AFTER_BRAND) or any(at == end for at, _, _ in exact)
        return kind == "series" and (follows.isdigit() or any(e == start for _, e, _ in exact))

    def _mention(
        self, text: str, places: Sequence[int], start: int, end: int, name: str
    ) -> Mention:
        kind, ids = self._meanings[name]
        first, last = places[start], places[end - 1] + 1
        return Mention(kind, ids, text[first:last], first, last)


def _beside(near: list[Found], exact: list[Found]) -> list[Found]:
    """What is nearly said where nothing is said exactly, the longest of what overlaps."""
    kept = list(exact)
    for one in sorted(near, key=lambda found: found[0] - found[1]):
        if all(one[1] <= other[0] or other[1] <= one[0] for other in kept):
            kept.append(one)
    return kept[len(exact) :]


def _latin_words(folded: str, places: Sequence[int]) -> list[tuple[int, int]]:
    """Where words of Latin letters stand in the text without its blanks."""
    at = {place: number for number, place in enumerate(places)}
    words = [(at[word.start()], at[word.end() - 1] + 1) for word in _WORD.finditer(folded)]
    # A name may be of several words, of which one is misspelt.
    joined = [
        (words[first][0], words[last][1])
        for first in range(len(words))
        for last in range(first + 1, min(first + _MOST_WORDS, len(words)))
        if words[last][1] - words[first][0] == sum(e - s for s, e in words[first : last + 1])
    ]
    return [*words, *joined]


def _meanings(terms: Iterable[Term]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Folded name → its kind and the ids it may mean, in the order of the vocabulary."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for term in terms:
        name = _compact(term.text)
        if len(name) < _SHORTEST:
            continue
        found.setdefault(name, {}).setdefault(term.kind, {})[term.id] = None
    meanings = {}
    for name, kinds in found.items():
        kind = min(kinds, key=_rank)
        meanings[name] = (kind, tuple(kinds[kind]))
    return meanings


def _compact(text: str) -> str:
    return "".join(fold(text).split())


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a name in Latin letters or digits is not a part of a longer word."""
    return not (
        (start and _joined(text[start - 1], text[start]))
        or (end < len(text) and _joined(text[end - 1], text[end]))
    )


def _joined(left: str, right: str) -> bool:
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
