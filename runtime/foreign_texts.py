"""What of a bot message is read: its text, and the words on its buttons, cards and links.

A message is Rasa's: {"text", "buttons": [{"title", "payload"}], "quick_replies", "custom":
{"cards": […], "links": […]}, …}. Payloads, ids and addresses are nobody's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_LISTS = ("buttons", "quick_replies", "cards", "links")
_READ = ("text", "title", "subtitle", "price", "description")

Change = Callable[[str], str]


def texts_of(message: Mapping[str, Any]) -> list[str]:
    """Every text that a shopper reads of it, in order."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _changed(message, note)
    return found


def with_texts(message: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """The message with each text as `told` has it."""
    return _changed(message, lambda text: told.get(text, text))


def _changed(part: Mapping[str, Any], change: Change) -> dict[str, Any]:
    made = dict(part)
    for name in _READ:
        if isinstance(made.get(name), str) and made[name].strip():
            made[name] = change(made[name])
    for name in _LISTS:
        if isinstance(made.get(name), list):
            made[name] = [
                _changed(one, change) if isinstance(one, Mapping) else one for one in made[name]
            ]
    if isinstance(made.get("custom"), Mapping):
        made["custom"] = _changed(made["custom"], change)
    return made
