"""Where a message can be cut, and which of its clauses ask or wish for something.

By the marks and the words of four languages (clauses.yml beside this file). Nothing is known here
of what is asked: nlu/questions.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import yaml

WORDS = Path(__file__).with_suffix(".yml")


def _compiled() -> dict[str, re.Pattern[str]]:
    """One expression a key, of all languages."""
    listed = yaml.load(WORDS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {
        key: re.compile("|".join(f"(?:{one})" for one in chain(*by_language.values())), re.I)
        for key, by_language in listed.items()
    }


_WORDS = _compiled()
# What ends a clause; a point or comma within a number or an address does not.
_MARK = re.compile(r"[，。！？；、…～~!?;\n]+|[,.](?=\s|$)|(?<!\d),")
# Chinese and Japanese are written without blanks: one is a comma. 吗 ends a question unmarked.
_BLANK = re.compile(r"(?<=[\w?？!！])\s+(?=[\u3041-\u9fff])")
_UNMARKED = re.compile(r"(?<=[^干幹][吗嗎])(?=[^？?，,。!！、；;\s啡])")
_AROUND = " \t\n，,、。.;；:：…~～!！"
_OPENING = re.compile(rf"(?:[{re.escape(_AROUND)}]|{_WORDS['politely'].pattern})*", re.I)
_ENDS_ASKING = re.compile(r"[?？吗嗎]\s*$")


@dataclass(frozen=True)
class Clause:
    """A piece of a message, from `border` on; `said` is the piece without what only opens or
    closes it, and begins at `start`. `opened`: whether "also" or the like stands before it."""

    said: str
    border: int
    start: int
    opened: bool

    @property
    def asks(self) -> bool:
        """Whether it has the form of a question."""
        return self._says("asks") and self._by_itself

    @property
    def wishes(self) -> bool:
        """Whether it has the form of a wish."""
        return self._says("wishes") and self._by_itself

    @property
    def _by_itself(self) -> bool:
        supposed = self._says("supposes") and not _ENDS_ASKING.search(self.said)
        return not supposed and not self._says("instead")

    def _says(self, key: str) -> bool:
        return _WORDS[key].search(self.said) is not None


def clauses(text: str) -> list[Clause]:
    """The clauses of a text, in order; those without a letter or digit are left out."""
    also = {match.start(): match.end() for match in _WORDS["also"].finditer(text)}
    openers = {match.start(): match.end() for match in _WORDS["and"].finditer(text)} | also
    ends = {match.end() for pattern in (_MARK, _BLANK) for match in pattern.finditer(text)}
    unmarked = {match.start() for match in _UNMARKED.finditer(text)}
    borders = sorted({0, len(text)} | ends | unmarked | set(openers))
    found: list[Clause] = []
    opening: int | None = None
    for border, end in pairwise(borders):
        # "Also," is a piece of its own and opens the next one.
        opening = border if opening is None and border in also else opening
        start = openers.get(border, border)
        if opening is not None:
            start += _OPENING.match(text[start:end]).end()
        said = text[start:end].strip(_AROUND)
        if any(map(str.isalnum, said)):
            first = border if opening is None else opening
            found.append(Clause(said, first, text.index(said, start), opening is not None))
            opening = None
    return found
