"""What a withdrawal takes back: what was derived under a purpose goes with the consent to it.

A module that derives something registers how it takes it back:

    withdrawal.on("analytics", forget_tags)     # forget_tags(session, person_ids: list[int])

A decision may be recorded in any process, so the modules that register something (`cdp.parts` names
them) are loaded before anything is taken back. Handlers run in the transaction that records the
decision, so nothing derived outlives it. They must bear being called again, and for people of whom
there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

from cdp.consent_rules import PURPOSES

Handler = Callable[[object, list[int]], object]

_handlers: dict[str, dict[str, Handler]] = {purpose: {} for purpose in PURPOSES}


def on(purpose: str, handler: Handler, name: str | None = None) -> None:
    """Call `handler(session, person_ids)` when people no longer allow that purpose.

    Raises:
        ValueError: no such purpose.
    """
    if purpose not in _handlers:
        raise ValueError(f"purpose {purpose!r}: expected one of {PURPOSES}")
    _handlers[purpose][name or f"{handler.__module__}.{handler.__qualname__}"] = handler


def apply(session, person_ids: Iterable[int], purpose: str) -> None:
    """Take back what was derived of these people under that purpose."""
    people = sorted(set(person_ids))
    if not people:
        return
    import_module("cdp.parts")
    for handler in list(_handlers[purpose].values()):
        handler(session, people)


def handlers(purpose: str) -> list[str]:
    """The names of what is registered for a purpose."""
    return sorted(_handlers[purpose])
