"""Events from their dictionaries, without searching all of Rasa's classes for each; their JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import orjson
from rasa.shared.core.events import Event


@cache
def _event_class(type_name: str) -> type[Event] | None:
    return Event.resolve_by_type(type_name)


def as_event(parameters: dict[str, Any]) -> Event:
    """The event that `parameters` (as `Event.as_dict` gives them) describes.

    Raises:
        ValueError: no event has that name.
    """
    found = _event_class(parameters.get("event"))
    if found is None:
        raise ValueError(
            f"event: expected the name of a Rasa event, got {parameters.get('event')!r}"
        )
    return found._from_parameters(parameters)


def as_events(listed: list[dict[str, Any]]) -> list[Event]:
    """As Rasa's `deserialise_events`: entries without an `event` are left out."""
    return [as_event(entry) for entry in listed if entry.get("event")]


class Ready:
    """A part of a value that is JSON already."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def as_json(value: Any) -> bytes:
    """A value in JSON, UTF-8; parts of it may be `Ready`."""
    options = orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=lambda part: orjson.Fragment(part.json), option=options)
    except TypeError:
        # Half a surrogate pair, which UTF-8 cannot hold: Python's own JSON escapes it.
        return json.dumps(value, default=lambda part: json.loads(part.json)).encode()


def from_json(text: str | bytes) -> Any:
    """What `as_json` wrote.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
