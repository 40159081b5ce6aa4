"""Small words that steer a talk: the second one, another order, never mind, yes, no.

These are read only where the talk is waiting for them; what a message means as a whole is the
intent classifier's business.
"""

from __future__ import annotations

import re

from actions import cues

_BARE = re.compile(r"^\s*([1-9])\s*[.。号个]?\s*$")
# A yes or a no is short.
_SHORT = 24
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def ordinal(text: str, size: int) -> int | None:
    """The place (from 0) that 第二个, 2 or 最后一个 names in a list of that size, or None."""
    if cues.says("talk.last", text):
        return size - 1
    if cues.says("talk.first", text):
        return 0
    named = cues.found("talk.ordinal", text)
    said = named["n"] if named else None
    if said is None:
        bare = _BARE.match(text)
        said = bare.group(1) if bare else None
    if said is None:
        return None
    place = int(said) if said.isdigit() else cues.value("talk.numbers", said) or 0
    return place - 1 if 1 <= place <= size else None


def leaves(text: str) -> bool:
    """Whether the shopper wants to drop what is under way (算了, 不退了 …)."""
    return cues.says("talk.leave", text.strip(" ，,。.!！~"))


def means_another_order(text: str) -> bool:
    """Whether the shopper says that it is about another order than the one at hand."""
    return cues.says("talk.other_order", text)


def yes_or_no(text: str, intent: str) -> bool | None:
    """What was answered to a question that can be answered so, or None."""
    if intent in ("affirm", "give_consent"):
        return True
    if intent == "deny":
        return False
    short = text.strip()
    if len(short) > _SHORT or "?" in short or "？" in short or cues.says("talk.asks_back", short):
        return None
    if cues.says("talk.no", short):
        return False
    return (
        True if cues.is_whole("talk.yes", short) and not cues.says("talk.no_yes", short) else None
    )


def is_question(text: str) -> bool:
    """Whether the text asks something, so that it is no answer to a question of ours."""
    return "?" in text or "？" in text or cues.says("talk.question", text)


def wordless(text: str) -> bool:
    """Whether nothing is said: emoji, question marks, blanks."""
    return not any(char.isalnum() for char in text)


def mashed(text: str) -> bool:
    """Whether keys were hit at random: letters without a blank, with few vowels or of one row."""
    plain = text.strip().lower()
    if len(plain) < 4 or not plain.isascii() or not plain.isalpha():
        return False
    vowels = sum(char in "aeiou" for char in plain)
    return vowels * 5 < len(plain) or any(plain[:4] in row for row in _ROWS)


def foreign(text: str) -> bool:
    """Whether the text is a sentence in Latin letters."""
    latin = len(re.findall(r"[A-Za-z]{2,}", text))
    return latin >= 2 and not re.search(r"[\u4e00-\u9fff]", text)
