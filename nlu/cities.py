"""The cities of China that a message names; the list is cities.txt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("cities.txt")

# After these a name that is also an ordinary word is a place.
_PLACE_WORDS = "在到往寄送发去住从回是"


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    names = [
        name
        for line in _FILE.read_text("utf-8").splitlines()
        if line and not line.startswith("#")
        for name in line.split()[1:]
    ]
    plain = _alternatives(name for name in names if not name.endswith("*"))
    doubtful = _alternatives(name[:-1] for name in names if name.endswith("*"))
    return re.compile(
        rf"(?P<plain>{plain})市?|(?P<with_suffix>{doubtful})市"
        rf"|(?<=[{_PLACE_WORDS}])(?P<placed>{doubtful})(?!了|的|没|过)"
    )


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def cities(folded: str) -> list[tuple[int, int, str]]:
    """(start, end, name without 市) of each city in a folded text."""
    return [
        (match.start(), match.end(), match[match.lastgroup])
        for match in _pattern().finditer(folded)
    ]
