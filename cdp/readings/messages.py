"""What was, is and will be sent: the outbox for a page, texts masked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdp.messages import outbox
from cdp.messages.tables import OutboxRow
from cdp.talk.masking import mask

PAGE = 50
_LONGEST = 160
_PLAIN = (
    "id", "person_id", "purpose", "channel", "state", "reason", "tries", "created_at", "due_at",
    "sent_at",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One message; `text` masked and cut. Times naive UTC."""

    id: int
    person_id: int | None
    purpose: str
    channel: str | None
    state: str
    reason: str | None
    tries: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    text: str


def counts(session: Session) -> dict[str, int]:
    """How many messages are in each state."""
    wanted = select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
    return dict(session.execute(wanted).all())


def newest(
    session: Session, state: str | None = None, before: int | None = None
) -> tuple[list[Message], bool]:
    """Messages, the newest first, and whether there are older ones."""
    wanted = select(OutboxRow)
    if state is not None:
        wanted = wanted.where(OutboxRow.state == state)
    if before is not None:
        wanted = wanted.where(OutboxRow.id < before)
    rows = session.scalars(wanted.order_by(OutboxRow.id.desc()).limit(PAGE + 1)).all()
    return [_message(row) for row in rows[:PAGE]], len(rows) > PAGE


def of(session: Session, person_id: int, limit: int = 10) -> list[Message]:
    """A person's messages, the newest first."""
    return [_message(row) for row in outbox.of(session, person_id, limit)]


def _message(row: OutboxRow) -> Message:
    text = mask(str(json.loads(row.body).get("text") or ""))
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return Message(**{name: getattr(row, name) for name in _PLAIN}, text=shown)
