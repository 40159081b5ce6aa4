"""One person: what is known, why, by which identifiers, and what they did, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cdp import consent, correction, identity, profiles, segments, tags
from cdp.clusters import members
from cdp.consent_rules import OPTIONAL
from cdp.events import EventRow
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.readings import messages
from cdp.readings.live import Seen, seen

PAGE = 40
_HISTORY = 60
_events = EventRow.__table__


@dataclass(frozen=True)
class Merge:
    """Two people that became one: by which identifiers (masked kinds), and whether undone."""

    id: int
    at: datetime
    winner: int
    loser: int
    left: str
    right: str
    evidence: int
    undone_at: datetime | None


def gather(session: Session, person_id: int, now: datetime) -> dict | None:
    """All about a person but the time line; None if there is no such person."""
    row = session.get(PersonRow, person_id)
    if row is None:
        return None
    identifiers = identity.identifiers_of(session, person_id)
    ids = [(one.kind, one.key) for one in identifiers]
    body = profiles.get(session, person_id)
    history = consent.history_of(session, ids) if ids else []
    return {
        "id": person_id,
        "created_at": row.created_at,
        "minor": row.minor,
        "identifiers": identifiers,
        "profile": profiles.view(body or {}, now),
        "first_touch": (body or {}).get("first_touch"),
        "last_touch": (body or {}).get("last_touch"),
        "tags": tags.of(session, person_id, now),
        "segments": segments.of(session, person_id),
        "cluster": members.of(session, person_id),
        "messages": messages.of(session, person_id),
        "corrected": set(correction.corrections_of(session, person_id)),
        "allowed": consent.states(session, [person_id])[person_id],
        "channels_allowed": {
            purpose: sorted({one.scope for one in history if one.purpose == purpose})
            for purpose in OPTIONAL
        },
        "history": history[::-1][:_HISTORY],
        "merges": merges(session, person_id),
    }


def merges(session: Session, person_id: int) -> list[Merge]:
    """The merges of a person with the kinds of identifiers that they rest on."""
    rows = identity.merges_of(session, person_id)
    numbers = {one for row in rows for one in (row.left_id, row.right_id)}
    wanted = select(IdentifierRow.id, IdentifierRow.kind).where(IdentifierRow.id.in_(numbers))
    kinds = {row.id: row.kind for row in session.execute(wanted)}
    return [
        Merge(
            id=row.id,
            at=row.at,
            winner=row.winner,
            loser=row.loser,
            left=kinds.get(row.left_id, "?"),
            right=kinds.get(row.right_id, "?"),
            evidence=row.evidence,
            undone_at=row.undone_at,
        )
        for row in rows
    ]


def time_line(
    session: Session, person_id: int, before: tuple[datetime, int] | None = None
) -> tuple[list[Seen], bool]:
    """A person's events, the newest first, from those before (time, number) on; and whether
    there are older ones."""
    wanted = select(_events).where(_events.c.person_id == person_id)
    if before is not None:
        at, seq = before
        earlier = and_(_events.c.occurred_at == at, _events.c.seq < seq)
        wanted = wanted.where(or_(_events.c.occurred_at < at, earlier))
    wanted = wanted.order_by(_events.c.occurred_at.desc(), _events.c.seq.desc())
    rows = session.execute(wanted.limit(PAGE + 1)).all()
    return [seen(row) for row in rows[:PAGE]], len(rows) > PAGE
