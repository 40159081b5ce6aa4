"""Webhooks of segments, and the outbox of what they are to be told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from cdp import keys
from cdp.segments import addresses
from cdp.segments.tables import DeliveryRow, HookRow
from storage import read, utc_now, write

WAITING, SENT, FAILED = "waiting", "sent", "failed"
_LARGEST = 500


@dataclass(frozen=True)
class Hook:
    """A webhook; `outside`: it belongs to somebody else than the shop."""

    id: int
    segment_id: int
    url: str
    outside: bool
    enabled: bool


@dataclass(frozen=True)
class Delivery:
    """One message as an operator sees it."""

    id: int
    hook_id: int
    state: str
    tries: int
    next_at: datetime
    sent_at: datetime | None
    error: str | None


def add(segment_id: int, url: str, outside: bool = True) -> tuple[Hook, str]:
    """A new webhook, and its secret, which is shown this once.

    Raises:
        RefusedAddress: the URL is not https, or leads to an address that is not public.
        OSError: its name cannot be resolved.
    """
    addresses.target(url)
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    with write() as session:
        row = HookRow(
            segment_id=segment_id,
            url=url,
            secret=keys.encrypt(secret),
            outside=outside,
            enabled=True,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
        return _hook(row), secret


def hooks_of(segment_id: int) -> list[Hook]:
    """The webhooks of a segment."""
    with read() as session:
        wanted = select(HookRow).where(HookRow.segment_id == segment_id).order_by(HookRow.id)
        return [_hook(row) for row in session.scalars(wanted)]


def set_enabled(hook_id: int, enabled: bool) -> None:
    """Stop a webhook, or let it go on with what has been waiting."""
    with write() as session:
        session.execute(
            _quiet(update(HookRow).where(HookRow.id == hook_id).values(enabled=enabled))
        )


def remove(hook_id: int) -> None:
    """Delete a webhook with its outbox."""
    with write() as session:
        session.execute(_quiet(delete(DeliveryRow).where(DeliveryRow.hook_id == hook_id)))
        session.execute(_quiet(delete(HookRow).where(HookRow.id == hook_id)))


def remove_of(session: Session, segment_id: int) -> None:
    """Delete all webhooks of a segment."""
    mine = select(HookRow.id).where(HookRow.segment_id == segment_id)
    session.execute(_quiet(delete(DeliveryRow).where(DeliveryRow.hook_id.in_(mine))))
    session.execute(_quiet(delete(HookRow).where(HookRow.segment_id == segment_id)))


def deliveries(hook_id: int, limit: int = 50) -> list[Delivery]:
    """The newest messages to a webhook, the newest first."""
    wanted = select(DeliveryRow).where(DeliveryRow.hook_id == hook_id)
    with read() as session:
        rows = session.scalars(wanted.order_by(DeliveryRow.id.desc()).limit(limit))
        names = Delivery.__dataclass_fields__
        return [Delivery(**{name: getattr(row, name) for name in names}) for row in rows]


def enqueue(
    session: Session,
    segment_id: int,
    joined: Sequence[int],
    left: Sequence[int],
    now: datetime,
) -> None:
    """Put a change of members into the outbox of the segment's webhooks, in the transaction that
    makes the change."""
    hook_ids = session.scalars(select(HookRow.id).where(HookRow.segment_id == segment_id)).all()
    rows = []
    for hook_id in hook_ids:
        for some_joined, some_left in _parts(joined, left):
            rows.append(
                {
                    "hook_id": hook_id,
                    "message_id": f"msg_{secrets.token_hex(16)}",
                    "joined": orjson.dumps(some_joined).decode(),
                    "left": orjson.dumps(some_left).decode(),
                    "state": WAITING,
                    "tries": 0,
                    "next_at": now,
                    "created_at": now,
                }
            )
    if rows:
        session.execute(insert(DeliveryRow.__table__), rows)


def _parts(joined: Sequence[int], left: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    parts = [(list(joined[at : at + _LARGEST]), []) for at in range(0, len(joined), _LARGEST)]
    return parts + [([], list(left[at : at + _LARGEST])) for at in range(0, len(left), _LARGEST)]


def _quiet(statement):
    return statement.execution_options(synchronize_session=False)


def _hook(row: HookRow) -> Hook:
    return Hook(row.id, row.segment_id, row.url, row.outside, row.enabled)
