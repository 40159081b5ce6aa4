"""What shoppers asked to be done with their data; whom it is about stays encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cdp.privacy import OPEN, DataRequestRow

LISTED = 100


@dataclass(frozen=True)
class Asked:
    """One request; `answerable`: whether it is still known whom it is about. Times naive UTC."""

    id: int
    kind: str
    state: str
    at: datetime
    done_at: datetime | None
    receipt: str | None
    answerable: bool


def newest(session: Session, limit: int = LISTED) -> list[Asked]:
    """Requests, open ones first, then the newest."""
    names = [name for name in Asked.__dataclass_fields__ if name != "answerable"]
    known = DataRequestRow.subject.is_not(None).label("answerable")
    wanted = select(*(getattr(DataRequestRow, name) for name in names), known)
    first = case((DataRequestRow.state == OPEN, 0), else_=1)
    rows = session.execute(wanted.order_by(first, DataRequestRow.id.desc()).limit(limit))
    return [Asked(**row._mapping) for row in rows]


def counts(session: Session) -> dict[tuple[str, str], int]:
    """How many by (kind, state)."""
    columns = (DataRequestRow.kind, DataRequestRow.state)
    wanted = select(*columns, func.count()).group_by(*columns)
    return {(kind, state): count for kind, state, count in session.execute(wanted)}
