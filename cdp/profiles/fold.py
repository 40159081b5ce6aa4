"""One event into a profile's body, and one body into another: the same in any order.

A body is plain JSON; times are ISO 8601 texts in UTC. Everything in it is a sum, an earliest, a
latest, or the newest few by time, so that late events, replays in another order and merges of
people all come out alike. What rests on consent to analytics is folded only with `analytics`;
channels, orders, language and what a shopper told of themselves serve the service itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

import orjson

from cdp.events import Event
from cdp.profiles import interests, orders, touches

DAYS = 90
RECENT_TALKS = 20
MOST_TRAITS = 100
MINOR = "<14"
_BANDS = ((14, MINOR), (18, "14-17"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"))
_OLDEST = "55+"
_GENDERS = {
    **dict.fromkeys(("f", "female", "woman", "女", "女性"), "female"),
    **dict.fromkeys(("m", "male", "man", "男", "男性"), "male"),
}
_MOODS = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 200


def fold(body: dict, event: Event, channel: str = "web", analytics: bool = True) -> None:
    """Take an event into a profile's body, in place.

    channel: where it came in by ("web", "chat" …). analytics: whether its person allows that.
    """
    context = event.body.get("context") or {}
    at = event.stamp
    _channel(body, channel, at, at, 1)
    if context.get("language"):
        _latest(body, "language", str(context["language"])[:_LONGEST], at)
    if event.body.get("traits"):
        _traits(body, event)
    if event.kind in ("order", "refund"):
        orders.add(body, event)
    if analytics:
        _behaviour(body, event, context, at)


def combine(body: dict, other: dict) -> None:
    """Take another body into the first one: as if its events had been folded into that."""
    for name, one in (other.get("channels") or {}).items():
        _channel(body, name, one["first"], one["last"], one["events"])
    for name, (value, at) in (other.get("latest") or {}).items():
        _latest(body, name, value, at)
    for name, (at, value) in (other.get("trait_times") or {}).items():
        _trait(body, name, value, at)
    orders.combine(body, other)
    touches.combine(body, other)
    interests.combine(body, other)
    for kind, count in (other.get("counts") or {}).items():
        _count(body, "counts", kind, count)
    for day, kinds in (other.get("days") or {}).items():
        for kind, count in kinds.items():
            _day(body, day, kind, count)
    for device, count in (other.get("devices") or {}).items():
        _count(body, "devices", device, count)
    mood = other.get("sentiment")
    if mood:
        _mood(body, mood["n"], mood["sum"], mood["recent"])


def _behaviour(body: dict, event: Event, context: dict, at: str) -> None:
    kind = event.kind
    _count(body, "counts", kind, 1)
    _day(body, at[:10], kind, 1)
    touches.add(body, event)
    interests.add(body, event)
    device = context.get("device")
    if device:
        named = f"{device.get('type') or 'other'}/{device.get('os') or 'other'}"
        _count(body, "devices", named[:_LONGEST], 1)
    location = context.get("location")
    if location and location.get("city"):
        _latest(body, "city", str(location["city"])[:_LONGEST], at)
        if location.get("tier"):
            _latest(body, "city_tier", str(location["tier"])[:_LONGEST], at)
    if kind == "talk":
        score = _score((event.body.get("properties") or {}).get("sentiment"))
        if score is not None:
            _mood(body, 1, score, [{"at": at, "score": score}])


def _channel(body: dict, name: str, first: str, last: str, events: int) -> None:
    channels = body.setdefault("channels", {})
    known = channels.get(name)
    if known is None:
        channels[name] = {"first": first, "last": last, "events": events}
        return
    known["first"] = min(known["first"], first)
    known["last"] = max(known["last"], last)
    known["events"] += events


def _latest(body: dict, name: str, value: str, at: str) -> None:
    """A single value of which the newest counts; `latest` keeps when it was told."""
    known = body.setdefault("latest", {}).get(name)
    if known is None or (at, value) > (known[1], known[0]):
        body["latest"][name] = [value, at]
        body[name] = value


def _count(body: dict, section: str, name: str, more: int) -> None:
    counts = body.setdefault(section, {})
    counts[name] = counts.get(name, 0) + more


def _day(body: dict, day: str, kind: str, more: int) -> None:
    """Events by day and kind, of the newest day and the 89 before it."""
    days = body.setdefault("days", {})
    if day not in days:
        # The newest day is in the table, so what it leaves out was left out before as well.
        if days and day < _window(max(days)):
            return
        days[day] = {}
        start = _window(max(days))
        for old in [one for one in days if one < start]:
            del days[old]
    days[day][kind] = days[day].get(kind, 0) + more


@lru_cache(maxsize=1_000)
def _window(newest: str) -> str:
    return (date.fromisoformat(newest) - timedelta(days=DAYS - 1)).isoformat()


def _traits(body: dict, event: Event) -> None:
    at = event.stamp
    for name, value in event.body["traits"].items():
        found = trait_of(name, value, event.at)
        if found is not None:
            _trait(body, *found, at)


def trait_of(name: str, value, on: datetime) -> tuple[str, object] | None:
    """A trait as a profile keeps it: snake_case, scalar; an age or birthday only as its band.

    None if the value is none that is kept.
    """
    name = _CAMEL.sub("_", name).lower()[:64]
    if name in ("birthday", "birth_date", "date_of_birth", "age"):
        band = _age_band(value, on)
        return None if band is None else ("age_band", band)
    if name == "gender" and value is not None:
        return name, _GENDERS.get(str(value).strip().lower(), "other")
    if isinstance(value, str):
        return name, value[:_LONGEST]
    return (name, value) if value is None or isinstance(value, (bool, int, float)) else None


def correct(body: dict, corrections: Mapping[str, object], on: datetime) -> None:
    """Lay what a shopper corrected over the traits; None takes a trait away."""
    traits = body.setdefault("traits", {})
    for name, value in corrections.items():
        found = trait_of(name, value, on)
        if found is not None and found[1] is not None:
            traits[found[0]] = found[1]
        elif value is None:
            traits.pop(name, None)


def _trait(body: dict, name: str, value, at: str) -> None:
    """A trait of which the newest value counts; null takes it back (and is remembered)."""
    traits = body.setdefault("traits", {})
    times = body.setdefault("trait_times", {})
    known = times.get(name)
    if known is not None and (at, orjson.dumps(value)) <= (known[0], orjson.dumps(known[1])):
        return
    times[name] = [at, value]
    traits[name] = value
    if value is None:
        del traits[name]
    if len(times) > MOST_TRAITS:
        # By name, not by time: the same ones are left whatever came first.
        dropped = max(times)
        del times[dropped]
        traits.pop(dropped, None)
    if name == "age_band":
        body["minor"] = value == MINOR


def _age_band(value, on: datetime) -> str | None:
    """The band of an age in years, or of a birthday as ISO date; None if it is neither."""
    if isinstance(value, str) and not value.strip().isdigit():
        try:
            born = date.fromisoformat(value.strip()[:10])
        except ValueError:
            return None
        age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    elif isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    else:
        age = int(value)
    if not 0 <= age < 130:
        return None
    return next((band for limit, band in _BANDS if age < limit), _OLDEST)


def _score(told) -> float | None:
    """A sentiment as −1 … 1 in steps of 1/1024, so that sums are exact; None if there is none."""
    if isinstance(told, dict):
        told = told.get("score", told.get("label"))
    if isinstance(told, str):
        told = _MOODS.get(told.lower())
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        return None
    return round(max(-1.0, min(1.0, told)) * 1024) / 1024


def _mood(body: dict, count: int, total: float, recent: list[dict]) -> None:
    mood = body.setdefault("sentiment", {"n": 0, "sum": 0.0, "recent": []})
    mood["n"] += count
    mood["sum"] += total
    newest = sorted([*mood["recent"], *recent], key=lambda one: (one["at"], one["score"]))
    mood["recent"] = newest[-RECENT_TALKS:]
