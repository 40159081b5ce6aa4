"""Turns as actions get them, made by hand."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn


def tracker_of(
    intent: str = "inform",
    text: str = "",
    entities: dict | None = None,
    metadata: dict | None = None,
    form: str | None = None,
    **slots,
) -> Tracker:
    """A tracker whose latest message has that intent and those entities."""
    message = {
        "intent": {"name": intent, "confidence": 1.0},
        "text": text,
        "message_id": "m1",
        "entities": [{"entity": name, "value": v} for name, v in (entities or {}).items()],
        "metadata": metadata or {},
    }
    loop = {"name": form} if form else {}
    return Tracker("talk", slots, message, [], False, None, loop, "action_listen")


def turn_of(*args, **kwargs) -> Turn:
    """The turn of such a tracker; takes what `tracker_of` takes."""
    return Turn(CollectingDispatcher(), tracker_of(*args, **kwargs))


def said(turn: Turn) -> list[dict]:
    """What the turn has answered so far, as messages of rasa-sdk."""
    return turn._dispatcher.messages
