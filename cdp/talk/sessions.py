"""When a talk is over: Rasa tells only its beginning.

A talk has ended when the conversation's next one begins, or after an hour without a message; its
end is the time of its last message. One row a conversation, found by its identifier, so that an
erasure finds it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, DateTime, Index, String, delete, insert, select

from cdp import jobs, sources
from cdp.intake.accept import accept
from cdp.talk.translate import ENDED, STARTED, ended
from storage import Base, read, write

# As `session_expiration_time` in domain.yml: Rasa then begins a new session.
IDLE = timedelta(hours=24)
_KIND = "conversation"
_CHUNK = 400


class TalkRow(Base):
    """A conversation's latest talk; times are naive UTC, `ended_at` is null while it goes on."""

    __tablename__ = "talks"
    __table_args__ = (Index("ix_talks_ended_last", "ended_at", "last_at"),)

    kind = Column(String(24), primary_key=True, default=_KIND)
    key = Column(String(255), primary_key=True)
    started_at = Column(DateTime, nullable=False)
    last_at = Column(DateTime, nullable=False)
    ended_at = Column(DateTime)


@dataclass
class Talk:
    """A talk as far as it is known."""

    started_at: datetime
    last_at: datetime
    ended_at: datetime | None = None


def follow(talks: dict[str, Talk], raws: Iterable[dict]) -> list[dict]:
    """Bring `talks` (by conversation) up to date; the ends of those that newer ones have ended."""
    ends = []
    for raw in raws:
        conversation = raw["properties"]["conversation_id"]
        at = datetime.fromisoformat(raw["timestamp"].removesuffix("Z"))
        talk = talks.get(conversation)
        if talk is not None and raw["event"] == STARTED and at > talk.last_at:
            if talk.ended_at is None:
                ends.append(ended(conversation, talk.started_at, talk.last_at))
            talk = None
        if talk is None:
            talk = talks[conversation] = Talk(at, at)
        elif talk.ended_at is not None and at > talk.ended_at:
            talk.ended_at = None
        talk.last_at = max(talk.last_at, at)
        if raw["event"] == ENDED:
            talk.ended_at = at
    return ends


def load(conversations: Iterable[str]) -> dict[str, Talk]:
    """The talks known of these conversations."""
    wanted = sorted(set(conversations))
    found = {}
    with read() as session:
        for start in range(0, len(wanted), _CHUNK):
            rows = session.execute(
                select(TalkRow.__table__).where(
                    TalkRow.kind == _KIND, TalkRow.key.in_(wanted[start : start + _CHUNK])
                )
            )
            found |= {row.key: Talk(row.started_at, row.last_at, row.ended_at) for row in rows}
    return found


def save(talks: dict[str, Talk]) -> None:
    """Write what is known of these talks now."""
    names = sorted(talks)
    with write() as session:
        for start in range(0, len(names), _CHUNK):
            some = names[start : start + _CHUNK]
            session.execute(delete(TalkRow).where(TalkRow.kind == _KIND, TalkRow.key.in_(some)))
            session.execute(
                insert(TalkRow.__table__),
                [
                    {
                        "kind": _KIND,
                        "key": name,
                        "started_at": talks[name].started_at,
                        "last_at": talks[name].last_at,
                        "ended_at": talks[name].ended_at,
                    }
                    for name in some
                ],
            )


def deliver(raws: Sequence[dict]) -> list:
    """Hand a conversation's events to the intake, with the ends they imply; their verdicts.

    Raises:
        SQLAlchemyError: the database is away; deliver them again.
    """
    talks = load(raw["properties"]["conversation_id"] for raw in raws)
    ends = follow(talks, raws)
    verdicts = accept(_source(), [*ends, *raws])
    save(talks)
    return verdicts[len(ends) :]


@jobs.job("talks.end", every=timedelta(minutes=5))
def end_idle(now: datetime) -> int:
    """End the talks in which nothing was said for an hour; how many."""
    with read() as session:
        rows = session.execute(
            select(TalkRow.__table__)
            .where(TalkRow.ended_at.is_(None), TalkRow.last_at < now - IDLE)
            .order_by(TalkRow.last_at)
            .limit(5_000)
        ).all()
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        accept(_source(), [ended(row.key, row.started_at, row.last_at) for row in some])
        save({row.key: Talk(row.started_at, row.last_at, row.last_at) for row in some})
    return len(rows)


def _source() -> sources.Source:
    return sources.ensure("chat", **sources.BUILTIN["chat"])
