"""Taking people out of the lake: at an erasure, and when they withdraw consent to analytics.

Files are rewritten, which is no work for the transaction that records a decision: that notes who is
to go, and the job does it within seconds. Meanwhile no query tells whose those events are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Column, Integer, delete, insert, select

from cdp import erasure, jobs, withdrawal
from cdp.lake import engine, place
from cdp.lake.flush import refresh_people
from cdp.lake.query import query
from storage import Base, read, write

_AT_ONCE = 50_000


class LakeForgetRow(Base):
    """A person whose events are to leave the lake."""

    __tablename__ = "lake_forgets"

    person_id = Column(Integer, primary_key=True, autoincrement=False)


def forget(person_ids: Iterable[int]) -> int:
    """Rewrite every file that holds events of these people; how many events were taken out."""
    gone = 0
    seqs = [row["seq"] for row in query("seqs_of_people", people=list(person_ids))]
    for start in range(0, len(seqs), _AT_ONCE):
        part = seqs[start : start + _AT_ONCE]
        gone += sum(engine.rewrite_without(path, part) for path in _files_with(part))
    return gone


def purge(before: str) -> int:
    """Remove the days before an ISO date; how many files."""
    old = [path for path in place.event_files() if path.parent.name < f"date={before}"]
    for path in old:
        path.unlink()
    return len(old)


@jobs.job("lake.forget", every=timedelta(seconds=1), when=lambda: bool(waiting()))
def forget_waiting() -> int:
    """Take out those who are waiting for it; how many events."""
    people = waiting()
    gone = forget(people)
    with write() as session:
        session.execute(delete(LakeForgetRow).where(LakeForgetRow.person_id.in_(people)))
    return gone


def waiting() -> list[int]:
    """The people who are to leave the lake."""
    with read() as session:
        return list(session.scalars(select(LakeForgetRow.person_id).limit(500)))


def _files_with(seqs: Sequence[int]) -> list[Path]:
    lowest, highest = min(seqs), max(seqs)
    found = []
    for path in place.event_files():
        first, _, last = path.stem.partition("-")
        if int(first) <= highest and int(last) >= lowest:
            found.append(path)
    return found


def _erase(person_ids: list[int], _ids) -> int:
    gone = forget(person_ids)
    refresh_people()
    return gone


def _note(session, person_ids: list[int]) -> None:
    known = select(LakeForgetRow.person_id).where(LakeForgetRow.person_id.in_(person_ids))
    fresh = set(person_ids) - set(session.scalars(known))
    if fresh:
        session.execute(insert(LakeForgetRow), [{"person_id": one} for one in sorted(fresh)])


withdrawal.on("analytics", _note, "lake")
# Before the events themselves: whose they are is still known then.
erasure.register("lake", _erase, 50, "分析数据湖")
