"""Who is in which cluster: assigned at each run, changed only by a real change, taken back at once.

Somebody changes cluster if another centre was nearer by a tenth on two days in a row. Without that
everybody between two centres would go to and fro with each visit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy import delete, func, insert, select, update

from cdp import decisions, identity, withdrawal
from cdp.clusters import people, words
from cdp.clusters.features import matrix
from cdp.clusters.model import Model, distances
from cdp.clusters.tables import ClusterMemberRow, ClusterRow
from cdp.decisions import Explanation
from cdp.profiles.tables import ProfileRow
from storage import read, write

MARGIN = 0.9
RUNS = 2
_QUIET = {"synchronize_session": False}
_MEMBERS = ClusterMemberRow.__table__
_COLUMNS = tuple(column.name for column in _MEMBERS.columns)


@dataclass(frozen=True)
class Membership:
    """A person's cluster: its number and name, since when, and the model's version."""

    number: int
    name: str
    since: datetime
    version: str
    signs: tuple[dict, ...]


def of(session, person_id: int) -> Membership | None:
    """The cluster of a person; None if they are in none."""
    row = session.execute(
        select(_MEMBERS.c.since, ClusterRow.number, ClusterRow.name, ClusterRow.version,
               ClusterRow.signs)
        .join(ClusterRow, ClusterRow.number == _MEMBERS.c.number)
        .where(_MEMBERS.c.person_id == person_id)
    ).first()  # fmt: skip
    if row is None:
        return None
    return Membership(row.number, row.name, row.since, row.version, tuple(json.loads(row.signs)))


def all_clusters() -> list[ClusterRow]:
    """The clusters of the model in force, the largest first."""
    with read() as session:
        wanted = select(ClusterRow).order_by(ClusterRow.size.desc(), ClusterRow.number)
        return list(session.scalars(wanted))


def assign(model: Model, now: datetime) -> dict[str, int]:
    """Assign everybody who takes part; {"people", "moved" (from another cluster)}."""
    everybody = people.everybody() if model.clusters else []
    counts = {"people": 0, "moved": 0}
    for start in range(0, len(everybody), people.AT_ONCE):
        some = everybody[start : start + people.AT_ONCE]
        kept, rows = people.rows_of(some, now)
        away = distances(matrix(rows, list(model.columns)), model.centres) if kept else []
        counts["moved"] += _store(model, some, dict(zip(kept, away, strict=True)), now)
        counts["people"] += len(kept)
    _publish(model, now)
    return counts


def settle(
    known: dict | None, away: np.ndarray, model: Model, now: datetime
) -> tuple[int, int | None, date | None]:
    """Number, candidate and its day, of somebody so far away from each centre.

    known: their row so far, or None.
    """
    numbers = [one.number for one in model.clusters]
    best = numbers[int(np.argmin(away))]
    if known is None or known["number"] not in numbers:
        return best, None, None
    current = known["number"]
    if best == current or away.min() >= MARGIN * away[numbers.index(current)]:
        return current, None, None
    if known["candidate"] != best or known["candidate_on"] is None:
        return current, best, now.date()
    # A job that is run again on the same day says nothing new.
    if known["candidate_on"] >= now.date():
        return current, best, known["candidate_on"]
    return best, None, None


def _store(model: Model, some: list[int], away: dict[int, np.ndarray], now: datetime) -> int:
    numbers = [one.number for one in model.clusters]
    moved, rows = 0, []
    with write() as session:
        # Asked again: somebody may have withdrawn since their profile was read.
        allowed = people.taking_part(session, away.keys())
        found = session.execute(select(_MEMBERS).where(_MEMBERS.c.person_id.in_(some)))
        known = {row.person_id: dict(row._mapping) for row in found}
        for person in allowed:
            before = known.get(person)
            number, candidate, since = settle(before, away[person], model, now)
            stays = before is not None and before["number"] == number
            moved += before is not None and not stays
            distance = float(away[person][numbers.index(number)])
            values = (person, number, before["since"] if stays else now, model.version, distance)
            rows.append(dict(zip(_COLUMNS, (*values, candidate, since), strict=True)))
        session.execute(delete(_MEMBERS).where(_MEMBERS.c.person_id.in_(some)))
        if rows:
            session.execute(insert(_MEMBERS), rows)
    return moved


def _publish(model: Model, now: datetime) -> None:
    """The table of clusters, with the sizes of now; whoever has no profile any more is in none."""
    numbers = [one.number for one in model.clusters]
    gone = ~_MEMBERS.c.person_id.in_(select(ProfileRow.person_id))
    with write() as session:
        session.execute(delete(_MEMBERS).where(gone | ~_MEMBERS.c.number.in_(numbers)))
        sizes = dict(
            session.execute(
                select(_MEMBERS.c.number, func.count()).group_by(_MEMBERS.c.number)
            ).all()
        )
        since = dict(session.execute(select(ClusterRow.number, ClusterRow.since)).all())
        session.execute(delete(ClusterRow), execution_options=_QUIET)
        for one in model.clusters:
            session.add(
                ClusterRow(
                    number=one.number,
                    name=one.name,
                    version=model.version,
                    size=sizes.get(one.number, 0),
                    signs=json.dumps(one.signs, ensure_ascii=False),
                    since=since.get(one.number, now),
                )
            )


def labels_of(person_ids: list[int]) -> dict[int, int]:
    """By person the number of their cluster now."""
    found: dict[int, int] = {}
    with read() as session:
        for start in range(0, len(person_ids), people.AT_ONCE):
            some = person_ids[start : start + people.AT_ONCE]
            wanted = select(_MEMBERS.c.person_id, _MEMBERS.c.number)
            found.update(session.execute(wanted.where(_MEMBERS.c.person_id.in_(some))).all())
    return found


def forget(session, person_ids: Iterable[int]) -> int:
    """These people are in no cluster any more; how many there were."""
    wanted = sorted(set(person_ids))
    counts: dict[int, int] = {}
    for start in range(0, len(wanted), people.AT_ONCE):
        mine = _MEMBERS.c.person_id.in_(wanted[start : start + people.AT_ONCE])
        for number in session.scalars(select(_MEMBERS.c.number).where(mine)):
            counts[number] = counts.get(number, 0) + 1
        session.execute(delete(_MEMBERS).where(mine))
    for number, less in counts.items():
        session.execute(
            update(ClusterRow)
            .where(ClusterRow.number == number)
            .values(size=ClusterRow.size - less)
            .execution_options(**_QUIET)
        )
    return sum(counts.values())


def _follow(session, changes: identity.Changes) -> None:
    # Whoever gained or lost a part of their past is assigned anew at the next run.
    forget(session, {*changes.merged, *changes.regrouped})


def _explain(session, person_id: int, language: str) -> list[Explanation]:
    found, say = of(session, person_id), decisions.words(language)
    if found is None:
        return []
    name = words.name(found.name, language)
    signs = say["noted.and"].join(words.word(one["word"], language) for one in found.signs)
    told = say["cluster.signs"].format(signs=signs) if signs else ""
    return [
        Explanation(
            kind="cluster",
            what=name,
            sentence=say["cluster"].format(what=name, signs=told),
            rule="clusters",
            version=found.version,
            data=tuple(say["cluster.data"]),
            at=found.since,
            objection=say["cluster.objection"],
        )
    ]


withdrawal.on("analytics", forget, name="clusters.analytics")
identity.listen(_follow)
decisions.explainer("cluster", _explain)
