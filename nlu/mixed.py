"""English words in a Chinese sentence, put into Chinese before its intent is looked for."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "english_words.txt"


@lru_cache(maxsize=1)
def _words() -> tuple[dict[str, str], re.Pattern[str]]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    # The longest first: out of stock is not "stock".
    named = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(told, key=len)[::-1])
    return told, re.compile(rf"\s*(?<![A-Za-z0-9])({named})(?![A-Za-z0-9])\s*", re.IGNORECASE)


def in_chinese(text: str) -> str:
    """The text with the English words that are known in Chinese, without the blanks beside them."""
    told, pattern = _words()
    return pattern.sub(lambda found: told[" ".join(found[1].lower().split())], text)
