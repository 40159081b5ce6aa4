"""Profiles in their table: read, written by the batch, made anew from events, merged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cdp import consent, correction, minors, sources
from cdp.events import DONE, ERASED, Event, EventRow
from cdp.identity.moves import Changes
from cdp.profiles.fold import combine, correct, fold
from cdp.profiles.tables import ProfileRow
from cdp.profiles.view import seen
from storage import bulk, utc_now

_MANY = 5_000
_AT_ONCE = 1_000
_profiles = ProfileRow.__table__
_BODIES = select(_profiles.c.person_id, bulk.undecoded(_profiles.c.body)).where(
    bulk.listed(_profiles.c.person_id, "people")
)


def get(session: Session, person_id: int) -> dict | None:
    """A person's profile body; None if there is none."""
    return load(session, [person_id]).get(person_id)


def load(session: Session, people: Collection[int]) -> dict[int, dict]:
    """The bodies of those of these people who have a profile."""
    found = {}
    wanted = sorted(people)
    for start in range(0, len(wanted), _MANY):
        rows = bulk.fetch(session, _BODIES, people=wanted[start : start + _MANY])
        for person, body in rows:
            found[person] = orjson.loads(body)
    return found


def save(session: Session, bodies: Mapping[int, dict], known: Collection[int]) -> None:
    """Write bodies, what shoppers corrected laid over them; `known`: people who have a row."""
    if not bodies:
        return
    now = utc_now()
    corrections = correction.corrections_of_many(session, list(bodies))
    fresh, changed = [], []
    for person, body in bodies.items():
        if corrections[person]:
            correct(body, corrections[person], now)
        first, last = map(datetime.fromisoformat, seen(body))
        orders = body.get("orders") or {}
        row = {
            "person_id": person,
            "body": orjson.dumps(body).decode(),
            "first_seen": first,
            "last_seen": last,
            "updated_at": now,
            "order_count": orders.get("count", 0),
            "order_value_cents": orders.get("value_cents", 0) - orders.get("refunded_cents", 0),
        }
        (changed if person in known else fresh).append(row)
    bulk.insert_rows(session, _profiles, fresh)
    bulk.update_rows(session, _profiles, changed, key=("person_id",))


def fold_allowed(body: dict, event: Event, states: Mapping[str, bool], channel: str) -> None:
    """Fold an event as far as its purposes and its person's consent (`consent.states`) go."""
    purposes = event.body.get("purposes") or ()
    analytics = states.get("analytics", False) and (
        "analytics" in purposes or "service" in purposes
    )
    fold(body, event, channel, analytics)


def channel_of(event: Event, known: Mapping[int, sources.Source]) -> str:
    """The channel an event came in by: a talk says it itself, of others it is the source's kind."""
    if event.kind == "talk":
        told = (event.body.get("properties") or {}).get("channel")
        if isinstance(told, str) and told:
            return told[:32]
    source = known.get(event.source_id)
    return source.kind if source else "other"


def rebuild(session: Session, person_id: int) -> dict | None:
    """Make a profile anew from its person's events, by what they allow now; the body, or None if
    there is no event left to make one of."""
    states = consent.states(session, [person_id])
    return _rebuild(session, person_id, states.get(person_id, {}))


def rebuild_many(session: Session, people: Iterable[int]) -> None:
    """`rebuild` for several people."""
    wanted = sorted(set(people))
    states = consent.states(session, wanted)
    for person in wanted:
        _rebuild(session, person, states.get(person, {}))


def _rebuild(session: Session, person: int, states: Mapping[str, bool]) -> dict | None:
    body = empty(states)
    known = {one.id: one for one in sources.all_sources()}
    table = EventRow.__table__
    wanted = select(table).where(table.c.person_id == person, table.c.state == DONE)
    rows = session.connection().execute(wanted.execution_options(yield_per=_AT_ONCE))
    for row in rows:
        event = Event.from_row(row)
        if serves(event, states):
            fold_allowed(body, event, states, channel_of(event, known))
    session.execute(delete(_profiles).where(ProfileRow.person_id == person))
    if not body.get("channels"):
        return None
    save(session, {person: body}, ())
    return body


def serves(event: Event, states: Mapping[str, bool]) -> bool:
    """Whether an event may be kept: for the service, or since its person allows what it is for.

    Behaviour is nothing without analytics, whatever else was allowed beside it.
    """
    purposes = event.body.get("purposes") or ()
    if "service" in purposes and states.get("service", False):
        return True
    if "analytics" in purposes:
        return states.get("analytics", False)
    return any(states.get(purpose, False) for purpose in purposes)


def empty(states: Mapping[str, bool]) -> dict:
    """The body of somebody of whom nothing is known; it notes what consent it is folded by."""
    return {"analytics": bool(states.get("analytics", False))}


def follow(session: Session, changes: Changes) -> None:
    """People were recomputed: merge their profiles, or make them anew where that is not enough.

    Where somebody is under 14, or denied something, that holds for whoever they are now.
    """
    bodies = load(session, changes.people | set(changes.merged))
    states = consent.states(session, changes.people)
    again, merged = set(changes.regrouped), {}
    for loser, winner in sorted(changes.merged.items()):
        if loser in bodies:
            merged.setdefault(winner, []).append(bodies[loser])
    known = bodies.keys() - changes.merged.keys()
    for winner, others in merged.items():
        all_of_them = [*([bodies[winner]] if winner in known else []), *others]
        allowed = bool(states.get(winner, {}).get("analytics", False))
        if any(one.get("analytics") != allowed for one in all_of_them):
            again.add(winner)
        body = all_of_them[0]
        for other in all_of_them[1:]:
            combine(body, other)
        bodies[winner] = body
    forget(session, changes.merged)
    save(session, {one: bodies[one] for one in merged if one not in again}, known)
    rebuild_many(session, again)
    # Last, since what they take back has to be taken from the whole person.
    minors.refresh(session, changes.people)
    consent.after_merge(session, changes.people)


def take_back(session: Session, people: Iterable[int]) -> None:
    """Analytics is allowed no longer: what was derived goes, and events that served only that."""
    for person in sorted(set(people)):
        states = consent.states(session, [person]).get(person, {})
        erase_unserved(session, person, states)
        _rebuild(session, person, states)


def erase_unserved(session: Session, person: int, states: Mapping[str, bool]) -> int:
    """Empty the bodies of a person's events that nothing allows to be kept; how many."""
    table = EventRow.__table__
    wanted = select(table).where(table.c.person_id == person, table.c.state == DONE)
    gone = [
        row.seq
        for row in session.connection().execute(wanted.execution_options(yield_per=_AT_ONCE))
        if not serves(Event.from_row(row), states)
    ]
    erase_events(session, gone)
    return len(gone)


def erase_events(session: Session, numbers: Iterable[int]) -> None:
    """Leave of these events only what tells a repeated one: source and message id."""
    nothing = {"state": ERASED, "body": "{}", "name": None, "person_id": None}
    update_events(session, [{"seq": number, **nothing} for number in dict.fromkeys(numbers)])


def update_events(session: Session, rows: list[dict]) -> None:
    """Change events, each named by its number, `seq`."""
    bulk.update_rows(session, EventRow.__table__, rows, key=("seq",))


def forget(session: Session, people: Iterable[int]) -> int:
    """Delete the profiles of these people; how many there were."""
    wanted = delete(_profiles).where(ProfileRow.person_id.in_(list(people)))
    return session.execute(wanted).rowcount
