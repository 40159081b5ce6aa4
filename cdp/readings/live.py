"""The newest events as they come in, in few words each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdp.events import EventRow

_LOOKED_AT = 20_000
_events = EventRow.__table__


@dataclass(frozen=True)
class Seen:
    """One event for a list; `about` says what of: a product, a page, a query. Times naive UTC."""

    seq: int
    at: datetime
    received_at: datetime
    source_id: int
    type: str
    name: str | None
    kind: str
    person_id: int | None
    state: str
    about: str
    value_cents: int | None
    currency: str
    touch: str


def newest(
    session: Session,
    after: int = 0,
    source_id: int | None = None,
    kind: str | None = None,
    limit: int = 50,
) -> list[Seen]:
    """The newest events after number `after`, the newest first (of the last 20,000)."""
    last = session.scalar(select(func.max(_events.c.seq))) or 0
    wanted = select(_events).where(_events.c.seq > max(after, last - _LOOKED_AT))
    if source_id is not None:
        wanted = wanted.where(_events.c.source_id == source_id)
    if kind is not None:
        wanted = wanted.where(_events.c.kind == kind)
    return [
        seen(row) for row in session.execute(wanted.order_by(_events.c.seq.desc()).limit(limit))
    ]


def seen(row) -> Seen:
    """A row of `events` in few words."""
    body = orjson.loads(row.body)
    properties = body.get("properties") or {}
    context = body.get("context") or {}
    return Seen(
        seq=row.seq,
        at=row.occurred_at,
        received_at=row.received_at,
        source_id=row.source_id,
        type=row.type,
        name=row.name,
        kind=row.kind,
        person_id=row.person_id,
        state=row.state,
        about=_about(properties, context),
        value_cents=_value(properties),
        currency=str(properties.get("currency") or "CNY"),
        touch=_touch(context),
    )


def _about(properties: dict, context: dict) -> str:
    products = properties.get("products")
    named = [one.get("name") or one.get("product_id") for one in products or () if _is(one)]
    if any(named):
        return "、".join(str(one) for one in named[:3] if one)[:160]
    for key in ("product_name", "name", "query", "title", "text", "product_id", "path", "category"):
        if isinstance(properties.get(key), str) and properties[key]:
            return properties[key][:160]
    page = context.get("page") or {}
    return str(page.get("title") or page.get("path") or "")[:160]


def _is(product) -> bool:
    return isinstance(product, dict)


def _value(properties: dict) -> int | None:
    for key in ("revenue_cents", "total_cents", "value_cents", "price_cents"):
        if isinstance(properties.get(key), int):
            return properties[key]
    return None


def _touch(context: dict) -> str:
    campaign, click = context.get("campaign") or {}, context.get("click") or {}
    parts = [campaign.get("source"), campaign.get("medium"), campaign.get("name")]
    parts.append(click.get("name"))
    return " / ".join(str(part) for part in parts if part)[:120]
