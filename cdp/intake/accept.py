"""The one way in: a batch of raw events is checked, written in one transaction, and answered.

At-least-once in, counted once: an event is unique by its source and message id. What is answered
"accepted" is on the disk. One bad event never spoils its batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError

from cdp import keys, sources
from cdp.events import NEW, EventRow
from cdp.intake import refused
from cdp.intake.refusal import INVALID, Refusal, Verdict
from cdp.intake.standard import Standard, standardise
from cdp.intake.together import Together
from cdp.sources import Source
from storage import bulk, utc_now, write

ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"
_TABLE = EventRow.__table__
_LOOKUP = 500


def accept(
    source: Source, raw: Sequence[dict], received_at: datetime | None = None
) -> list[Verdict]:
    """Take events of one source; a verdict for each, in their order.

    raw: decoded Segment envelopes. received_at: naive UTC, now by default. Writes to the database:
    not for an event loop.

    Raises:
        SQLAlchemyError: the database is away; nothing of the batch was kept, so send it again.
    """
    received_at = received_at or utc_now()
    by = keys.active_secret()
    judged = [_judge(source, one, received_at) for one in raw]
    return _writer.write(_Batch(source, raw, judged, received_at, by))


@dataclass(slots=True)
class _Batch:
    """What one caller brought, judged with the hash key `by`."""

    source: Source
    raw: Sequence[dict]
    judged: list[Standard | Refusal]
    received_at: datetime
    by: str


def _write(take: Callable[[], list[_Batch]]) -> list[list[Verdict]]:
    """Write what several callers brought in one transaction; the verdicts of each."""
    try:
        made = _written(take, asked_first=False)
    except _SomeKnown:
        made = _written(take, asked_first=True)
    if made.rows:
        _wake()
    return made.answers


_writer = Together(_write, hopeless=(OperationalError, InterfaceError))


@dataclass(slots=True)
class _Sorted:
    """The verdicts of each batch, the rows of their events, and those of refused ones."""

    answers: list[list[Verdict]] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    aside: list[dict] = field(default_factory=list)


class _SomeKnown(Exception):
    """Some of the events are stored already."""


def _written(take: Callable[[], list[_Batch]], asked_first: bool) -> _Sorted:
    """Store what there is to take in a transaction.

    asked_first: which of them are known. Mostly none is, and the answer costs half of the insert.

    Raises:
        _SomeKnown: some are, and it was not asked; nothing is stored.
    """
    made, known = _Sorted(), defaultdict(set)
    # Two who bring the same event at once meet in its unique constraint.
    with write(alone=len(keys.hash_secrets()) > 1) as session:
        batches = take()
        _rehash(session, batches)
        for batch in batches:
            stored = known[batch.source.id]
            if asked_first:
                stored |= _known(session, batch.source.id, batch.judged)
            made.answers.append(_sort(batch, stored, made))
        if _insert(session, made.rows) < len(made.rows) and not asked_first:
            raise _SomeKnown
        if made.aside:
            refused.keep(session, made.aside)
    return made


def _insert(session, rows: list[dict]) -> int:
    """Store those that are not known; how many."""
    return bulk.insert_rows(session, _TABLE, rows, key=("source_id", "message_id"), keep=True)


def _rehash(session, batches: list[_Batch]) -> None:
    """If a rotation of the hash key has ended since, hash anew what the old key had hashed."""
    if len(keys.hash_secrets()) < 2:
        return
    by = keys.active_secret(session)
    for batch in batches:
        if batch.by != by:
            keys.forget_active()
            batch.judged = [_judge(batch.source, one, batch.received_at) for one in batch.raw]


def accept_again(row: refused.RefusedRow) -> Verdict:
    """Take a refused event up again as if it had come when it did; its row is marked."""
    source = sources.by_id(row.source_id)
    raw = refused.body_of(row.id)
    try:
        if source is None:
            raise Refusal(INVALID, None, f"its source {row.source_id} is gone")
        made = standardise(source, raw, row.received_at)
    except Refusal as refusal:
        made = refusal
    now = utc_now()
    refusal = made if isinstance(made, Refusal) else made.refusal
    with write() as session:
        if refusal is not None:
            refused.mark(session, row.id, None, refusal)
            return Verdict(row.message_id, REFUSED, refusal.code, refusal.field, refusal.reason)
        known = _known(session, source.id, [made])
        if made.message_id not in known:
            _insert(session, [_row(source.id, made, row.received_at)])
        refused.mark(session, row.id, now, None)
    _wake()
    return Verdict(made.message_id, DUPLICATE if made.message_id in known else ACCEPTED)


def _judge(source: Source, raw, received_at: datetime) -> Standard | Refusal:
    try:
        return standardise(source, raw, received_at)
    except Refusal as refusal:
        return refusal


def _known(session, source_id: int, judged: Sequence[Standard | Refusal]) -> set[str]:
    """Which message ids of the batch are stored already."""
    named = [one.message_id for one in judged if isinstance(one, Standard)]
    found: set[str] = set()
    for start in range(0, len(named), _LOOKUP):
        found.update(
            session.scalars(
                select(_TABLE.c.message_id).where(
                    _TABLE.c.source_id == source_id,
                    bulk.among(_TABLE.c.message_id, named[start : start + _LOOKUP]),
                )
            )
        )
    return found


def _sort(batch: _Batch, known: set[str], made: _Sorted) -> list[Verdict]:
    """The verdicts; adds to the rows that are made, and to what is known."""
    verdicts = []
    for one, told in zip(batch.judged, batch.raw, strict=True):
        refusal = one if isinstance(one, Refusal) else one.refusal
        name = _message_id(told) if isinstance(one, Refusal) else one.message_id
        if isinstance(one, Standard):
            fresh = name not in known
            known.add(name)
            if fresh:
                made.rows.append(_row(batch.source.id, one, batch.received_at))
            if refusal is None:
                verdicts.append(Verdict(name, ACCEPTED if fresh else DUPLICATE))
                continue
        verdicts.append(Verdict(name, REFUSED, refusal.code, refusal.field, refusal.reason))
        row = refused.row_of(batch.source.id, name, told, refusal, batch.received_at)
        made.aside.append(row)
    return verdicts


def _row(source_id: int, one: Standard, received_at: datetime) -> dict:
    return {
        "source_id": source_id,
        "message_id": one.message_id,
        "type": one.type,
        "name": one.name,
        "kind": one.kind,
        "occurred_at": one.occurred_at,
        "received_at": received_at,
        "person_id": None,
        "body": one.body,
        "state": NEW,
    }


def _message_id(raw) -> str | None:
    """The message id of a refused event, as far as it can be one."""
    found = raw.get("messageId") if isinstance(raw, dict) else None
    if not isinstance(found, str) or not 0 < len(found) <= 100 or not found.isprintable():
        return None
    return found


def _wake() -> None:
    # Imported late: the pipeline reads what is written here.
    from cdp import pipeline

    pipeline.wake()
