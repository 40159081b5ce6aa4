"""Events from their dictionaries, without searching all of Rasa's classes for each."""

from __future__ import annotations

from functools import cache
from typing import Any

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
