"""People with profiles for the tests of clusters, written straight into their tables."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy import insert

from cdp import consent
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.profiles import store
from storage import write

NOW = datetime(2026, 11, 22, 3)


def settle(bodies: dict[int, dict], allows: bool = True) -> None:
    """Store people by number, with these profile bodies, who allow analytics (or deny it)."""
    with write() as session:
        session.execute(
            insert(PersonRow.__table__),
            [{"id": one, "created_at": NOW, "minor": False} for one in bodies],
        )
        session.execute(
            insert(IdentifierRow.__table__),
            [
                {"kind": "anonymous_id", "key": f"a{one}", "person_id": one,
                 "first_seen": NOW, "last_seen": NOW}
                for one in bodies
            ],
        )  # fmt: skip
        ids = [("anonymous_id", f"a{one}") for one in bodies]
        consent.record_many(
            session,
            [
                consent.Decision([one], ("analytics",), allows, "web", "t", NOW, "carried")
                for one in ids
            ],
        )
        store.save(session, bodies, ())


def change(person: int, body: dict) -> None:
    """Give a person another body."""
    with write() as session:
        store.save(session, {person: body}, {person})


def body(
    chance: random.Random,
    visits: float = 4,
    orders: float = 1,
    yuan: float = 200,
    talks: float = 1,
    channel: str | None = None,
    silent: float = 5,
) -> dict:
    """A body of somebody who does so much of everything on average."""
    last = NOW - timedelta(days=chance.uniform(0, 2 * silent))
    days: dict[str, dict] = {}
    for ago in range(1 + _about(chance, visits)):
        on = (NOW - timedelta(days=ago)).date().isoformat()
        days[on] = {"view": 1 + _about(chance, 3)}
    days[max(days)]["talk"] = _about(chance, talks)
    count = _about(chance, orders)
    touch = {"at": last.isoformat(), "channel": channel or chance.choice(_CHANNELS)}
    made = {
        "analytics": True,
        "channels": {"web": {"first": last.isoformat(), "last": last.isoformat(), "events": 1}},
        "days": days,
        "devices": {chance.choice(("mobile/iOS", "mobile/Android", "desktop/Windows")): 3},
        "first_touch": touch,
        "last_touch": touch,
    }
    if count:
        value = sum(int(100 * yuan * chance.uniform(0.7, 1.3)) for _ in range(count))
        made["orders"] = {"count": count, "value_cents": value, "refunded_cents": 0, "seen": {},
                          "recent": [], "first": None, "last": last.isoformat()}  # fmt: skip
    return made


_CHANNELS = ("短视频渠道", "微信渠道", "搜索渠道", "直接访问")


def _about(chance: random.Random, mean: float) -> int:
    """A whole number around a mean, by a hundred throws."""
    return sum(chance.random() < mean / 100 for _ in range(100))
