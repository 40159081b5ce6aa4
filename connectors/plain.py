"""An answer as plain text, for channels without buttons and cards of their own.

Choices are numbered, and their number chosen by writing it; what is too long for one message is
split where a sentence ends.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin

from connectors.fixed_words import CHINESE, language_of, words

# In a body: that its card is said as text (`connectors.cards`), for good.
AS_TEXT = "as_text"

_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]*")
_NUMBER = re.compile(r"[1-9]\d?")


def merged(answers: Iterable[dict]) -> dict:
    """Several answers as one: vendors count messages."""
    listed = list(answers)
    return {
        "text": "\n\n".join(one["text"] for one in listed if one.get("text")),
        **{
            part: [each for one in listed for each in one.get(part) or []]
            for part in ("buttons", "cards", "links")
        },
    }


def choices_of(body: dict) -> list[dict]:
    """The choices of an answer in the order of their numbers: its buttons, then its cards'."""
    cards = [
        {**button, "title": f"{card['title']}：{button['title']}"}
        for card in body.get("cards") or []
        for button in card.get("buttons") or []
    ]
    return [*(body.get("buttons") or []), *cards]


def number_of(typed: str) -> int | None:
    """The number that somebody chose by writing nothing else ("2", "２", "2."); else None."""
    text = unicodedata.normalize("NFKC", typed).strip().rstrip(".。、)")
    return int(text) if _NUMBER.fullmatch(text) else None


def as_text(body: dict) -> str:
    """The whole answer as text."""
    parts = [body.get("text") or ""]
    parts += [_card(card) for card in body.get("cards") or []]
    parts += [f"{link['title']}：{absolute(link['url'])}" for link in body.get("links") or []]
    choices = choices_of(body)
    if choices:
        lines = [f"{number}. {one['title']}" for number, one in enumerate(choices, 1)]
        spoken = language_of(" ".join([*parts, *(one["title"] for one in choices)]))
        parts.append("\n".join([words("choose", spoken or CHINESE), *lines]))
    return "\n\n".join(part for part in parts if part)


def _card(card: dict) -> str:
    head = " ".join(str(card[name]) for name in ("title", "price") if card.get(name))
    rest = [str(card[name]) for name in ("subtitle", "text") if card.get(name)]
    rest += [str(line) for line in card.get("lines") or []]
    if card.get("url"):
        rest.append(absolute(card["url"]))
    return "\n".join([f"【{head}】", *rest])


def absolute(address: str) -> str:
    """An address of a page with the storefront's name before it."""
    shop = os.environ.get("QUDAO_WEB_ORIGIN") or "http://localhost:8000"
    return urljoin(shop.rstrip("/") + "/", address)


def split(text: str, most: int, size=lambda part: len(part.encode())) -> list[str]:
    """The text in parts of at most `most` bytes (or what `size` counts), cut between sentences
    where that can be."""
    parts: list[str] = []
    for piece in _pieces(text, most, size):
        if parts and size(parts[-1] + piece) <= most:
            parts[-1] += piece
        else:
            parts.append(piece)
    return [part.strip() for part in parts if part.strip()]


def _pieces(text: str, most: int, size) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        while sentence and size(sentence) > most:
            end = len(sentence)
            while size(sentence[:end]) > most:
                end -= max(1, (size(sentence[:end]) - most) // 4)
            yield sentence[:end]
            sentence = sentence[end:]
        if sentence:
            yield sentence
