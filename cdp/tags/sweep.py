"""What time does to tags: they expire, people fall silent, windows close, rules are changed.

`tag_checks` holds for each person the next moment when time alone may change something, so a sweep
finds by an index whom to look at, however many people there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, not_, or_, select
from sqlalchemy.orm import Session

from cdp import jobs, profiles
from cdp.profiles.tables import ProfileRow
from cdp.tags import engine, rules, store
from cdp.tags.rules import Rule
from cdp.tags.tables import CheckRow, TagRow
from storage import read, write

_BATCH = 400


@jobs.job("tags.sweep", every=timedelta(minutes=1))
def sweep(now: datetime | None = None) -> dict[str, int]:
    """Delete what has expired and look at everybody who is due: how many of each."""
    now = now or store.utc_now()
    in_force = rules.current()
    with write() as session:
        gone = session.execute(
            delete(TagRow)
            .where(TagRow.expires_at <= now)
            .execution_options(synchronize_session=False)
        ).rowcount
    mark_stale(in_force)
    looked: set[int] = set()
    # Who was looked at is due later; the set only makes sure that a mistake there ends.
    while people := [one for one in _due(now) if one not in looked]:
        reevaluate(people, now, in_force)
        looked.update(people)
    return {"expired": gone, "looked_at": len(looked)}


def mark_stale(in_force: Iterable[Rule]) -> int:
    """Have everybody looked at again whose tag comes of a rule that has changed or is gone."""
    versions = {rule.tag: rule.version for rule in in_force}
    current = or_(
        False, *(and_(TagRow.rule == tag, TagRow.version == one) for tag, one in versions.items())
    )
    with read() as session:
        kinds = session.execute(select(TagRow.rule, TagRow.version).distinct().where(not_(current)))
        stale = [(row.rule, row.version) for row in kinds]
    marked = 0
    for rule, version in stale:
        with write() as session:
            here = and_(TagRow.rule == rule, TagRow.version == version)
            people = session.scalars(select(TagRow.person_id).where(here)).all()
            store.check_soon(session, people)
            marked += len(people)
    return marked


def rebuild(on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Look at everybody by all rules in force, for instance after new ones: how many people."""
    in_force, last, done = rules.current(), 0, 0
    while True:
        with read() as session:
            wanted = select(ProfileRow.person_id).where(ProfileRow.person_id > last)
            wanted = wanted.order_by(ProfileRow.person_id).limit(_BATCH)
            people = session.scalars(wanted).all()
        if not people:
            return done
        reevaluate(people, store.utc_now(), in_force)
        last, done = people[-1], done + len(people)
        on_progress(done)


def reevaluate(people: list[int], now: datetime, in_force: Iterable[Rule] | None = None) -> None:
    """Look at these people by all rules; who has no profile (any more) loses their tags."""
    with write() as session:
        found = profiles.load(session, people)
        touched = {one: (found.get(one) or {}, ()) for one in people}
        engine.evaluate_many(session, touched, now, in_force, whole=True)
        _undue(session, [one for one in people if one not in found], now)


def _due(now: datetime) -> list[int]:
    wanted = (
        select(CheckRow.person_id)
        .where(CheckRow.due_at <= now)
        .order_by(CheckRow.due_at)
        .limit(_BATCH)
    )
    with read() as session:
        return session.scalars(wanted).all()


def _undue(session: Session, people: list[int], now: datetime) -> None:
    if people:
        here = and_(CheckRow.person_id.in_(people), CheckRow.due_at <= now)
        session.execute(delete(CheckRow).where(here).execution_options(synchronize_session=False))
