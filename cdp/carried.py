"""The consent that comes with events: choices they carry, and what their sources assume.

A browser repeats its choice with every event. Recording each would cost more than the event, so a
grant that was recorded within the last hour (`consent.FRESH`), and still holds, is not recorded
again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from cdp import consent, sources
from cdp.events import Event
from cdp.sources import Source
from storage.database import database_url

_MOST = 50_000
_recorded: OrderedDict[tuple, datetime] = OrderedDict()


def decisions(
    told: Iterable[tuple[Event, list[tuple[str, str]], int]],
    known: Mapping[int, Source],
    channel_of,
    states_of: Callable[[set[int]], Mapping[int, Mapping[str, bool]]],
) -> list[consent.Decision]:
    """What is to be recorded of a batch.

    told: events, each with its usable identifiers and its person. states_of: what people allow
    now, by purpose; asked once, and only about those whose choice may have been recorded already.
    The same choice within a batch is one decision, with its newest time.
    """
    newest: dict[tuple, tuple[datetime, int]] = {}
    repeated: list[tuple[tuple, Event, int]] = []
    place = database_url()
    for event, ids, person in told:
        for granted, made_by, purposes in _said(event, known.get(event.source_id)):
            key = (tuple(ids), purposes, granted, channel_of(event), made_by)
            at = _recorded.get((place, *key)) if granted else None
            if at is not None and abs(event.at - at) < consent.FRESH:
                repeated.append((key, event, person))
            else:
                newest[key] = max(newest.get(key, (event.at, 0)), (event.at, event.seq))
    states = states_of({person for _, _, person in repeated})
    for key, event, person in repeated:
        if not all(states[person].get(purpose, False) for purpose in key[1]):
            newest[key] = max(newest.get(key, (event.at, 0)), (event.at, event.seq))
    return [
        consent.Decision(ids, purposes, granted, channel, f"event {seq}", at, made_by)
        for (ids, purposes, granted, channel, made_by), (at, seq) in newest.items()
    ]


def remember(recorded: Iterable[consent.Decision]) -> None:
    """Note what was recorded; call when its transaction has been committed."""
    place = database_url()
    for one in recorded:
        if one.granted:
            key = (place, one.ids, one.purposes, one.granted, one.channel, one.source)
            _recorded[key] = one.at
            _recorded.move_to_end(key)
    while len(_recorded) > _MOST:
        _recorded.popitem(last=False)


def _said(event: Event, source: Source | None) -> Iterable[tuple[bool, str, tuple[str, ...]]]:
    """(granted, made by, purposes) of one event."""
    told = tuple((event.body.get("consent") or {}).items())
    if source is None or source.consent_mode != sources.ASSUMED:
        return _carried(told, (False, True))
    purposes = _of(event.body.get("purposes") or ())
    assumed = ((True, consent.ASSUMED, purposes),) if purposes else ()
    return _carried(told, (False,)) + assumed


@lru_cache(maxsize=1_000)
def _carried(told: tuple[tuple[str, bool], ...], counting: tuple[bool, ...]) -> tuple:
    found = ((one, _of([name for name, said in told if said is one])) for one in counting)
    return tuple((one, consent.CARRIED, purposes) for one, purposes in found if purposes)


def _of(purposes: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in consent.OPTIONAL if one in purposes)
