"""How people usually sound: means and spreads of a few numbers, never a recording.

Kept with consent to personalisation alone; gone with it, with the person, and after a year of
silence (`cdp.retention`). What the numbers mean is the channels' affair (`connectors.voice`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Column, DateTime, Integer, Text, delete, select

from cdp import consent, export, identity, withdrawal
from storage import Base, read, utc_now, write

PURPOSE = "personalisation"
# Of each feature: how often it was measured, its mean, the sum of its squared deviations.
Sound = Mapping[str, Sequence[float]]
Ids = Sequence[tuple[str, str]]


class VoiceRow(Base):
    """How one person usually sounds, as JSON of `Sound`."""

    __tablename__ = "voice_baselines"

    person_id = Column(Integer, primary_key=True, autoincrement=False)
    body = Column(Text, nullable=False)
    updated_at = Column(DateTime, nullable=False, index=True)


def sound_of(ids: Ids) -> Sound:
    """How whoever goes by these identifiers usually sounds; empty without consent."""
    with read() as session:
        row = _row(session, _allowing(session, ids))
        return json.loads(row.body) if row else {}


def heard(ids: Ids, learn: Callable[[Sound], Sound]) -> bool:
    """Keep what `learn` makes of what was known; whether they allow it."""
    with write() as session:
        person = _allowing(session, ids)
        if person is None:
            return False
        row = _row(session, person)
        told = json.dumps(learn(json.loads(row.body) if row else {}))
        if row is None:
            session.add(VoiceRow(person_id=person, body=told, updated_at=utc_now()))
        else:
            row.body, row.updated_at = told, utc_now()
        return True


def take_back(session, people: Sequence[int]) -> None:
    """Forget how these people sound."""
    forgotten = delete(VoiceRow).where(VoiceRow.person_id.in_(list(people)))
    session.execute(forgotten, execution_options={"synchronize_session": False})


def follow(session, changes: identity.Changes) -> None:
    """Who becomes part of another brings along how they sound; who is parted is learnt anew."""
    for person, target in changes.merged.items():
        came, there = _row(session, person), _row(session, target)
        if came is None:
            continue
        told = json.loads(came.body)
        if there is None:
            session.add(VoiceRow(person_id=target, body=came.body, updated_at=came.updated_at))
        else:
            there.body = json.dumps(_together(json.loads(there.body), told))
        session.flush()
    take_back(session, sorted({*changes.merged, *changes.regrouped}))


def _together(one: Sound, other: Sound) -> Sound:
    """Both as one sample (Chan, Golub & LeVeque 1979)."""
    told = {**one, **other}
    for name in set(one) & set(other):
        (n, mean, squares), (m, far, more) = one[name], other[name]
        apart = far - mean
        whole = n + m
        spread = squares + more + apart**2 * n * m / whole
        told[name] = (whole, mean + apart * m / whole, spread)
    return told


def _allowing(session, ids: Ids) -> int | None:
    """The person, if they allow it."""
    person = identity.person_of(session, ids)
    if person is None or not consent.allowed(session, person, PURPOSE):
        return None
    return person


def _row(session, person: int | None) -> VoiceRow | None:
    return None if person is None else session.get(VoiceRow, person)


def _section(session, person_ids, ids) -> list[dict]:
    rows = session.scalars(select(VoiceRow).where(VoiceRow.person_id.in_(list(person_ids))))
    return [
        {"feature": name, "count": told[0], "mean": round(told[1], 2), "updated": row.updated_at}
        for row in rows
        for name, told in json.loads(row.body).items()
    ]


export.section("voice", "您说话的一般特点（音高、音量、语速）", _section)
identity.listen(follow)
withdrawal.on(PURPOSE, take_back, name="voices")
