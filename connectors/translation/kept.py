"""What must survive a translation unchanged: names, numbers, prices, sizes, addresses.

They leave as marks, `[[1]]`, which providers hand back, and are put in again afterwards. A
provider that loses a mark is given what stands between the marks piece by piece: clumsier, but an
order's number is never anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Languages that are not written in Latin letters: what stands in those is a name in them.
_OTHER_SCRIPTS = frozenset(
    ("zh", "ja", "ko", "th", "ru", "uk", "bg", "ar", "fa", "ur", "he", "hi", "bn", "ta", "el", "ka")
)

# The longest first: what begins at the same place is one thing.
_PATTERNS = re.compile(
    r"https?://[^\s，。；）】」]+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]*\w"
    r"|\[\[\d+\]\]"
    # Numbers of orders and tickets, models, sizes: Latin letters with digits.
    r"|(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*[0-9])(?=[A-Za-z0-9-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
    r"(?![A-Za-z0-9])"
    # Prices with their sign, dates, times, decimals, percentages.
    r"|[¥￥$€£]\s?\d[\d,]*(?:\.\d+)?"
    r"|\d+(?:[.,:/-]\d+)*(?:\s?%)?"
    r"|(?<![A-Za-z])(?:X{1,4}|[2-6]X)?[SL](?![A-Za-z'’])"
)
_MARK = re.compile(r"[\[［【]{1,2}\s*(\d+)\s*[\]］】]{1,2}")


@dataclass(frozen=True)
class Kept:
    """A text with marks in place of what is kept; `pieces` alternate: between, kept, between …

    latin: whether Latin letters are words in its language.
    """

    pieces: tuple[str, ...]
    latin: bool = True

    @property
    def marked(self) -> str:
        """The text as a provider gets it."""
        return "".join(self.with_marks().pieces)

    @property
    def has_words(self) -> bool:
        """Whether anything is left to translate."""
        return any(map(self._wordy, self.pieces[::2]))

    def restored(self, translated: str) -> str | None:
        """The translation with what was kept; None if a mark is lost, or there twice."""
        wanted = len(self.pieces) // 2
        found = [int(number) for number in _MARK.findall(translated)]
        if sorted(found) != list(range(1, wanted + 1)):
            return None
        return _MARK.sub(lambda mark: self.pieces[2 * int(mark[1]) - 1], translated)

    def between(self) -> list[str]:
        """What stands between, as far as there is anything to translate in it."""
        return [piece.strip() for piece in self.pieces[::2] if self._wordy(piece)]

    def joined(self, translated: Iterable[str]) -> str:
        """The text of what was kept and of `between` translated."""
        rest = iter(translated)
        told = []
        for place, piece in enumerate(self.pieces):
            if place % 2 or not self._wordy(piece):
                told.append(piece)
                continue
            left = piece[: len(piece) - len(piece.lstrip())]
            right = piece[len(piece.rstrip()) :]
            # Words of other languages do not stand as close as Chinese characters.
            left = left or (" " if place and piece[0].isalnum() else "")
            right = right or (" " if place + 1 < len(self.pieces) and piece[-1].isalnum() else "")
            told.append(f"{left}{next(rest).strip()}{right}")
        return "".join(told)

    def with_marks(self) -> Kept:
        """The same with each mark as what is kept."""
        marks = (
            piece if place % 2 == 0 else f"[[{place // 2 + 1}]]"
            for place, piece in enumerate(self.pieces)
        )
        return Kept(tuple(marks), self.latin)

    def _wordy(self, piece: str) -> bool:
        return any(c.isalpha() and (self.latin or c > "\u024f") for c in piece)


def keep(text: str, names: Iterable[str] = (), language: str = "auto") -> Kept:
    """The text cut at what is kept: `names`, as they stand in it, and what `_PATTERNS` finds."""
    known = sorted({name for name in names if name.strip()}, key=len, reverse=True)
    pieces, at = [], 0
    while at <= len(text):
        found = _next(text, at, known)
        if found is None:
            break
        pieces += [text[at : found[0]], text[found[0] : found[1]]]
        at = found[1]
    return Kept((*pieces, text[at:]), language not in _OTHER_SCRIPTS)


def digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9 (๑๒๓๔ → 1234)."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _next(text: str, at: int, names: list[str]) -> tuple[int, int] | None:
    places = [(start, start + len(name)) for name in names if (start := text.find(name, at)) >= 0]
    pattern = _PATTERNS.search(text, at)
    if pattern:
        places.append(pattern.span())
    return min(places, key=lambda span: (span[0], span[0] - span[1]), default=None)
