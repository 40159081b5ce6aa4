"""What a person types is text and nothing else.

Rasa takes a text that starts with `/` (after stripping) for a command that sets an intent and
slots. Only choices made by this server may do that; from a person the slash loses its power,
however it is padded, and the text goes on as the words it is.
"""

from __future__ import annotations

MAX_TEXT = 1000


class TextRefused(ValueError):
    """A text that no channel takes: empty, or longer than `MAX_TEXT` characters."""


def readable(typed: str) -> str:
    """What a reader sees of the text: stripped, without control, zero-width and half characters.

    They would hide a slash from a check but not from Rasa, and no database takes all of them.
    """
    return "".join(map(_readable, typed)).strip()


def _readable(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return " " if character.isspace() else ""


def plain_text(typed: str) -> str:
    """The text as Rasa may see it: stripped, and never a command.

    Raises:
        TextRefused: nothing is left of it, or it is too long.
    """
    text = readable(typed)
    if not text:
        raise TextRefused("the text is empty; expected 1 to 1000 characters")
    if len(text) > MAX_TEXT:
        raise TextRefused(f"the text has {len(text)} characters; expected at most {MAX_TEXT}")
    if text.startswith("/"):
        text = "／" + text[1:]
    return text
