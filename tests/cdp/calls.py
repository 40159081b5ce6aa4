"""Calls through the real intake, for the tests of the pipeline, and what became of them."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

from sqlalchemy import func, select

from cdp import identity, pipeline, profiles, sources, tags
from cdp.events import EventRow
from cdp.intake.accept import accept
from storage import read

# All that listens to withdrawals has to be there, and its tables, before a database is made.
pipeline.load_jobs()

NOW = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
ALLOWED = {"analytics": True, "personalisation": True}
SHOE = {"product_id": "p1", "name": "跑鞋", "category": "running_shoes", "brand": "云跑"}
_numbers = itertools.count(1)


def built_in() -> dict:
    """The built-in sources, and a log file's."""
    found = sources.ensure_builtin()
    found["logs"] = sources.ensure("logs", "file", "assumed", ("analytics",), "logs: notice 3")
    return found


def call(type: str = "track", minutes_ago: float = 5, consents=ALLOWED, **fields) -> dict:
    """A raw Segment envelope."""
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat() + "Z"
    context = fields.pop("context", {})
    if consents is not None:
        context = {**context, "consent": {"categoryPreferences": consents}}
    return {
        "type": type,
        "messageId": fields.pop("messageId", f"m{next(_numbers)}"),
        "timestamp": at,
        "context": context,
        **fields,
    }


def drain() -> None:
    while pipeline.run_once():
        pass


def take(source, *raw) -> None:
    verdicts = accept(source, list(raw))
    assert [one.status for one in verdicts] == ["accepted"] * len(raw), verdicts
    drain()


def person(kind: str, key: str) -> int | None:
    with read() as session:
        return identity.person_of(session, [(kind, key)])


def body_of(kind: str, key: str) -> dict | None:
    with read() as session:
        return profiles.get(session, identity.person_of(session, [(kind, key)]))


def tags_of(kind: str, key: str) -> set[str]:
    with read() as session:
        return {one.tag for one in tags.of(session, identity.person_of(session, [(kind, key)]))}


def states() -> dict[str, int]:
    with read() as session:
        rows = session.execute(select(EventRow.state, func.count()).group_by(EventRow.state))
        return dict(map(tuple, rows))
