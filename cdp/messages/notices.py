"""One call that sends a person a message: `notify(person, message, purpose)`.

It is stored with what is decided about it, whatever that is; the channel empties the outbox, and
asks once more then, since consent may have been withdrawn meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from cdp import consent
from cdp.consent import PURPOSES
from cdp.messages import addresses, limits
from cdp.messages.outbox import COUNTED, DROPPED, WAITING
from cdp.messages.tables import AddressRow, OutboxRow
from storage import utc_now, write

MOST_TEXT = 2_000
_PARTS = {"text", "buttons", "cards", "links", "template"}


@dataclass(frozen=True)
class Notice:
    """What became of a message so far: its number, state, and why it is not sent."""

    id: int
    state: str
    channel: str | None = None
    due_at: datetime | None = None
    reason: str | None = None


def notify(
    person_id: int,
    message: str | Mapping,
    purpose: str = "service",
    *,
    channel: str | None = None,
    at: datetime | None = None,
    name: str | None = None,
) -> Notice:
    """Send a person a message, as far as they allow it.

    message: a text, or {"text", "buttons": [{"title", "payload"}], "cards", "links"} as answers
    are; also "template": {"name", "fields": {name: text}}, the same for vendors that take nothing
    but templates of their own once a shopper has been silent for long. channel: only that one;
    else, of those they allow, the one they last wrote on whose vendor will still take it. at: not
    before (naive UTC). name: the caller's own name for it; with one it is sent once, however often
    this is called. Writes to the database: not for an event loop.

    Raises:
        ValueError: no such purpose, or a message that nobody could read.
    """
    body = _checked(message)
    if purpose not in PURPOSES:
        raise ValueError(f"purpose {purpose!r}: expected one of {PURPOSES}")
    now = utc_now()
    rules = limits.of(purpose)
    due = max(at or now, now)
    due = rules.quiet.after(due) if rules.quiet else due
    with write() as session:
        known = name and session.scalars(select(OutboxRow).where(OutboxRow.name == name)).first()
        if known:
            return _notice(known)
        place, reason = _place(session, person_id, purpose, channel, due, "template" in body)
        if place is not None and _written_often(session, person_id, purpose, rules, due):
            reason = "too_often"
        row = OutboxRow(
            person_id=person_id,
            purpose=purpose,
            name=name,
            channel=place.channel if place else channel,
            address=place.address if place else None,
            body=json.dumps(body, ensure_ascii=False),
            state=DROPPED if reason else WAITING,
            reason=reason,
            created_at=now,
            due_at=due,
            expires_at=due + rules.good_for,
        )
        session.add(row)
        session.flush()
        return _notice(row)


def _checked(message: str | Mapping) -> dict:
    body = {"text": message} if isinstance(message, str) else dict(message)
    unknown = set(body) - _PARTS
    if unknown:
        raise ValueError(f"message: {sorted(unknown)} unknown; expected {sorted(_PARTS)}")
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("message.text: expected a text that is not empty")
    if len(text) > MOST_TEXT:
        raise ValueError(f"message.text: {len(text)} characters; expected at most {MOST_TEXT}")
    if "template" in body:
        _check_template(body["template"])
    return body


def _check_template(told: object) -> None:
    fields = told.get("fields", {}) if isinstance(told, Mapping) else None
    named = fields is not None and isinstance(told.get("name"), str)
    if not named or not isinstance(fields, Mapping):
        raise ValueError("message.template: expected {name, fields: {name: text}}")
    wrong = [name for name, value in fields.items() if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"message.template.fields: expected texts, not so {sorted(wrong)}")


def _place(
    session, person_id: int, purpose: str, channel: str | None, due: datetime, template: bool
) -> tuple[AddressRow | None, str | None]:
    """Where to send it, or why nowhere; template: it is said by one as well."""
    places = addresses.of(session, person_id, [channel] if channel else None)
    if not places:
        return None, "no_address"
    allowed = [one for one in places if consent.allowed(session, person_id, purpose, one.channel)]
    if not allowed:
        return None, "no_consent"
    takes = (one for one in allowed if _is_open(session, one, due, template))
    # Where no vendor will take it, the first says so, and that stands in the outbox.
    return next(takes, allowed[0]), None


def _is_open(session, place: AddressRow, due: datetime, template: bool) -> bool:
    window = limits.windows().get(place.channel)
    if window is None or (template and window.templates):
        return True
    used = session.scalar(
        select(func.count())
        .select_from(OutboxRow)
        .where(
            OutboxRow.channel == place.channel,
            OutboxRow.address == place.address,
            OutboxRow.state.in_(COUNTED),
            OutboxRow.created_at >= place.heard_at,
        )
    )
    return window.is_open(place.heard_at, due, used)


def _written_often(session, person_id: int, purpose: str, rules, due: datetime) -> bool:
    for cap in rules.at_most:
        since, until = due - timedelta(days=cap.days), due + timedelta(days=cap.days)
        count = session.scalar(
            select(func.count())
            .select_from(OutboxRow)
            .where(
                OutboxRow.person_id == person_id,
                OutboxRow.purpose == purpose,
                OutboxRow.state.in_(COUNTED),
                OutboxRow.due_at > since,
                OutboxRow.due_at < until,
            )
        )
        if count >= cap.messages:
            return True
    return False


def _notice(row: OutboxRow) -> Notice:
    return Notice(row.id, row.state, row.channel, row.due_at, row.reason)
