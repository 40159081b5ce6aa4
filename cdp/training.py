"""Whose data no model may be trained on any more: read at each training.

A model that is in use keeps what it has learnt of somebody until it is trained again; an erasure
names them here, by keyed hashes, so that a later training does not find them in older copies (the
lake, mined utterances).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, DateTime, String, insert, select

from cdp import keys
from storage import Base, utc_now

_CHUNK = 400


class TrainingExclusionRow(Base):
    """The keyed hash of an identifier whose owner was erased."""

    __tablename__ = "training_exclusions"

    hash = Column(String(64), primary_key=True)
    at = Column(DateTime, nullable=False)


def exclude(session, ids: Iterable[tuple[str, str]]) -> int:
    """Keep what belongs to these identifiers out of every later training; how many are new."""
    hashes = {keys.match_key(f"training:{kind}", key) for kind, key in ids}
    fresh = sorted(hashes - _known(session, hashes))
    now = utc_now()
    if fresh:
        session.execute(insert(TrainingExclusionRow), [{"hash": one, "at": now} for one in fresh])
    return len(fresh)


def excluded(session, ids: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the identifiers that may not be trained on."""
    by_hash = {
        one: (kind, key)
        for kind, key in set(ids)
        for one in keys.match_keys(f"training:{kind}", key)
    }
    return {by_hash[one] for one in _known(session, by_hash)}


def _known(session, hashes: Iterable[str]) -> set[str]:
    wanted, found = sorted(hashes), set()
    for start in range(0, len(wanted), _CHUNK):
        some = TrainingExclusionRow.hash.in_(wanted[start : start + _CHUNK])
        found |= set(session.scalars(select(TrainingExclusionRow.hash).where(some)))
    return found
