"""A profile as it is read: with what follows from it on a given day."""

from __future__ import annotations

from datetime import date, datetime

from cdp.profiles.interests import weight_at
from cdp.profiles.touches import channels

# RFM, each 1 (least) … 5: days since the last order, number of orders, their value in cents.
RECENCY = (180, 90, 60, 30)
FREQUENCY = (2, 3, 5, 8)
MONETARY = (20_000, 50_000, 100_000, 300_000)
_INTERNAL = ("latest", "trait_times", "analytics")


def view(body: dict, today: date | datetime) -> dict:
    """A body with `rfm`, affinities as of that day, and the mood of recent talks.

    rfm: {"recency_days", "frequency", "monetary_cents", "r", "f", "m"} (scores 1 … 5), None
    without an order. affinity: kind → {what: {"share" 0 … 1, "score": weight left today}}, the
    strongest first. sentiment: with "average" (−1 … 1) of the recent ones. Sections that hold
    nothing are there, empty.
    """
    now = today if isinstance(today, datetime) else datetime(today.year, today.month, today.day)
    shown = {name: value for name, value in body.items() if name not in _INTERNAL}
    shown["traits"] = dict(body.get("traits") or {})
    for name in ("counts", "days", "devices", "channels", "social"):
        shown[name] = dict(body.get(name) or {})
    shown["viewed"] = list(body.get("viewed") or ())
    shown["orders"] = {
        name: value
        for name, value in (body.get("orders") or _NO_ORDERS).items()
        if name not in ("seen", "older")
    }
    shown["minor"] = bool(body.get("minor"))
    shown["rfm"] = rfm(body, now)
    shown["affinity"] = affinities(body, now)
    shown["sentiment"] = _sentiment(body)
    shown["touch"] = _touch(body)
    shown["first_seen"], shown["last_seen"] = seen(body)
    return shown


_NO_ORDERS = {
    "count": 0,
    "value_cents": 0,
    "refunded_cents": 0,
    "first": None,
    "last": None,
    "recent": [],
}


def rfm(body: dict, now: datetime) -> dict | None:
    """Recency, frequency and monetary value of a person's orders, each with its score 1 … 5."""
    orders = body.get("orders") or _NO_ORDERS
    if not orders["count"]:
        return None
    days = max(0, (now - datetime.fromisoformat(orders["last"])).days)
    value = orders["value_cents"] - orders["refunded_cents"]
    return {
        "recency_days": days,
        "frequency": orders["count"],
        "monetary_cents": value,
        "r": 1 + sum(days < limit for limit in RECENCY),
        "f": 1 + sum(orders["count"] >= limit for limit in FREQUENCY),
        "m": 1 + sum(value >= limit for limit in MONETARY),
    }


def affinities(body: dict, now: datetime) -> dict[str, dict[str, dict[str, float]]]:
    """Likings by category and by brand: their share of all, and the weight they have left."""
    unit = weight_at(1, now)
    found = {}
    for name in ("category", "brand"):
        scores = (body.get("affinity") or {}).get(name) or {}
        total = sum(scores.values())
        ranked = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
        found[name] = {
            what: {"share": round(score / total, 4), "score": round(score / unit, 4)}
            for what, score in ranked
        }
    return found


def seen(body: dict) -> tuple[str | None, str | None]:
    """The first and the last time, on any channel, as ISO 8601."""
    known = (body.get("channels") or {}).values()
    first = min((one["first"] for one in known), default=None)
    return first, max((one["last"] for one in known), default=None)


def _sentiment(body: dict) -> dict:
    mood = body.get("sentiment") or {"n": 0, "sum": 0.0, "recent": []}
    recent = [one["score"] for one in mood["recent"]]
    average = round(sum(recent) / len(recent), 3) if recent else None
    return {**mood, "average": average}


def _touch(body: dict) -> dict:
    """The channels of the first and the last touch; direct where nothing else is known."""
    direct = channels().direct
    return {
        which: (body.get(f"{which}_touch") or {}).get("channel", direct)
        for which in ("first", "last")
    }
