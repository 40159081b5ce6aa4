"""Text and addresses of a feed, made safe: a feed is written by others."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urlsplit

import nh3

_BLOCK_END = re.compile(r"<\s*(?:/p|br\s*/?|/li|/div|/h[1-6]|/tr)\s*>", re.IGNORECASE)
_LONGEST_URL = 2048
# Text in which markup was escaped more often than this is cut down to nothing.
_MOST_ROUNDS = 4


def plain_text(markup: str) -> str:
    """The text of an HTML fragment: no tags, no scripts, one line a paragraph.

    Markup that was escaped comes out as markup when it is unescaped, so that is cleaned again.
    """
    text = markup
    # Without either sign there is no markup and nothing escaped: most cells of a feed.
    if "<" not in text and "&" not in text:
        return _lines(text)
    for _ in range(_MOST_ROUNDS):
        broken = _BLOCK_END.sub("\n", text)
        cleaned = html.unescape(nh3.clean(broken, tags=set(), link_rel=None))
        if cleaned == text:
            break
        text = cleaned
    else:
        text = ""
    return _lines(text)


def _lines(text: str) -> str:
    if "\n" not in text and "\r" not in text:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def web_address(value: str) -> bool:
    """Whether a value is an http or https address with a host and without a password."""
    if len(value) > _LONGEST_URL or any(c.isspace() or ord(c) < 32 for c in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        return False


def decoded(path: Path) -> str | None:
    """The text of a file in UTF-8, or in GB 18030 as spreadsheets in China write; else None."""
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
