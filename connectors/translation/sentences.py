"""The fixed sentences of sentences.yml: what is said where there is no translation."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("sentences.yml")
STANDBY = "en"
KEYS = (
    "ask",
    "agree",
    "refuse",
    "allowed",
    "refused",
    "unavailable",
    "untranslated",
    "person",
    "called",
)
# Short answers that people of any language write.
_YES, _NO = ("yes", "ok", "okay", "y", "同意", "好的", "是"), ("no", "n", "不同意", "不", "不是")


def sentence(language: str, key: str) -> str:
    """The sentence in that language, or in English where there is none.

    Raises:
        KeyError: there is no such sentence.
    """
    return _tables().get(language, _tables()[STANDBY])[key]


def languages() -> frozenset[str]:
    """The languages with sentences of their own."""
    return frozenset(_tables()) - {STANDBY}


def agreed(language: str, text: str) -> bool | None:
    """Whether that says yes to `ask`, or no (False), and nothing else; None if neither."""
    table = _tables().get(language, _tables()[STANDBY])
    said = _bare(text)
    for told, words in (
        (False, (*table["no"], table["refuse"], *_NO)),
        (True, (*table["yes"], table["agree"], *_YES)),
    ):
        if said in map(_bare, words):
            return told
    return None


def _bare(text: str) -> str:
    """Without case, width and punctuation; marks of letters stay (Thai and Hindi need them)."""
    # Turkish has an i without its dot, and a capital with one.
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ı", "i").replace("\u0307", "")
    kept = (" " if unicodedata.category(c)[0] in "PSZ" else c for c in folded)
    return " ".join("".join(kept).split())


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict]:
    return yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
