"""Who takes part in clusters, and their rows of features."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from cdp import consent, consent_store, profiles, training
from cdp.clusters.features import Rows, row
from cdp.profiles.tables import ProfileRow
from storage import read

AT_ONCE = 500


def everybody() -> list[int]:
    """All people with a profile, by number."""
    with read() as session:
        return list(session.scalars(select(ProfileRow.person_id).order_by(ProfileRow.person_id)))


def taking_part(session, people: Collection[int]) -> list[int]:
    """Those of these people who allow analytics and were not taken out of training."""
    allowed = [
        one for one, states in consent.states(session, people).items() if states["analytics"]
    ]
    owned = consent_store.identifiers_by_person(session, set(allowed))
    out = training.excluded(session, {one for some in owned.values() for one in some})
    return sorted(one for one in allowed if not out.intersection(owned.get(one, ())))


def rows_of(people: Collection[int], now: datetime) -> tuple[list[int], Rows]:
    """Of those who take part, and are not under 14, their numbers and rows of features."""
    with read() as session:
        bodies = profiles.load(session, taking_part(session, people))
    kept = sorted(one for one, body in bodies.items() if body.get("analytics") and not _minor(body))
    return kept, [row(bodies[one], now) for one in kept]


def sample(most: int, now: datetime, seed: int) -> tuple[list[int], Rows]:
    """So many of all people at random (everybody, if they are fewer), with their rows."""
    wanted = everybody()
    random.Random(seed).shuffle(wanted)
    people, rows = [], []
    for start in range(0, len(wanted), AT_ONCE):
        if len(people) >= most:
            break
        some, theirs = rows_of(wanted[start : start + AT_ONCE], now)
        people += some
        rows += theirs
    return people[:most], rows[:most]


def _minor(body: dict) -> bool:
    return bool(body.get("minor"))
