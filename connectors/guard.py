"""What a person types is text and nothing else.

Rasa takes a text that starts with `/` (after stripping) for a command that sets an intent and
slots. Only choices made by this server may do that; from a person the slash loses its power,
however it is padded, and the text goes on as the words it is.
"""

from __future__ import annotations

MAX_TEXT = 1000


class TextRefused(ValueError):
    """A text that no channel takes: empty, or longer than `MAX_TEXT` characters."""


def plain_text(typed: str) -> str:
    """The text as Rasa may see it: stripped, and never a command.

    Raises:
        TextRefused: nothing is left of it, or it is too long.
    """
    # Control and zero-width characters would hide the slash from this check but not from a reader.
    text = "".join(c for c in typed if c.isprintable() or c in "\n\t").strip()
    if not text:
        raise TextRefused("the text is empty; expected 1 to 1000 characters")
    if len(text) > MAX_TEXT:
        raise TextRefused(f"the text has {len(text)} characters; expected at most {MAX_TEXT}")
    if text.startswith("/"):
        text = "／" + text[1:]
    return text
