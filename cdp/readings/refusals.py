"""What was refused, by reason, and what was accepted but could not be processed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdp.intake.refused import RefusedRow
from cdp.pipeline import FailedRow

PAGE = 50


@dataclass(frozen=True)
class Refused:
    """One refused event without its body; `replayable`: whether the body was kept."""

    id: int
    source_id: int
    message_id: str | None
    code: str
    field: str | None
    reason: str
    received_at: datetime
    replayed_at: datetime | None
    replayable: bool


def counts(session: Session) -> dict[str, dict[str, int]]:
    """By code how many wait, how many of these can be replayed, and how many were."""
    waits = RefusedRow.replayed_at.is_(None)
    wanted = select(
        RefusedRow.code, waits.label("waits"), func.count(), func.count(RefusedRow.body)
    ).group_by(RefusedRow.code, waits)
    found: dict[str, dict[str, int]] = {}
    for code, waiting, all_of_them, with_body in session.execute(wanted):
        mine = found.setdefault(code, {"waiting": 0, "replayable": 0, "replayed": 0})
        if waiting:
            mine["waiting"], mine["replayable"] = all_of_them, with_body
        else:
            mine["replayed"] = all_of_them
    return dict(sorted(found.items(), key=lambda one: (-one[1]["waiting"], one[0])))


def newest(
    session: Session, code: str | None = None, before: int | None = None
) -> tuple[list[Refused], bool]:
    """Refused events, the newest first, and whether there are older ones."""
    has_body = RefusedRow.body.is_not(None).label("replayable")
    names = [name for name in Refused.__dataclass_fields__ if name != "replayable"]
    wanted = select(*(getattr(RefusedRow, name) for name in names), has_body)
    if code is not None:
        wanted = wanted.where(RefusedRow.code == code)
    if before is not None:
        wanted = wanted.where(RefusedRow.id < before)
    rows = session.execute(wanted.order_by(RefusedRow.id.desc()).limit(PAGE + 1)).all()
    return [Refused(**row._mapping) for row in rows[:PAGE]], len(rows) > PAGE


def failed(session: Session) -> dict[str, int]:
    """Events set aside by the pipeline, by what went wrong."""
    wanted = select(FailedRow.reason, func.count()).group_by(FailedRow.reason)
    return dict(session.execute(wanted.order_by(func.count().desc()).limit(20)).all())
