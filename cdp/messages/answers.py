"""Answers to somebody's own messages: put into the outbox in the transaction that keeps them.

What can be sent at once is put there as being sent already, and given to the caller, so that
nothing has to be looked for and changed again. Each is stored once for each name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import DateTime, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.orm import Session

from cdp.messages import limits
from cdp.messages.outbox import SENDING, SENT, WAITING, Outgoing
from cdp.messages.tables import AddressRow, OutboxRow
from storage import read, utc_now, within

_PURPOSE = "service"

# Each answer runs these: they are made once, and of plain columns.
_OUTBOX, _ADDRESS = OutboxRow.__table__, AddressRow.__table__.c
_NAMED, _PUT = _OUTBOX.c.name == bindparam("named"), insert(_OUTBOX)
_KNOWN = select(_OUTBOX.c.id).where(_NAMED)
_IS_OPEN = select(_ADDRESS.address).where(
    _ADDRESS.channel == bindparam("at"),
    _ADDRESS.address == bindparam("place"),
    _ADDRESS.closed_at.is_(None),
)
_UNDER_WAY = select(func.count()).where(
    _OUTBOX.c.channel == bindparam("at"),
    _OUTBOX.c.address == bindparam("place"),
    _OUTBOX.c.state.in_((WAITING, SENDING)),
)
_BEFORE = select(
    _KNOWN.scalar_subquery().label("known"),
    _IS_OPEN.scalar_subquery().label("is_open"),
    _UNDER_WAY.scalar_subquery().label("under_way"),
)
_SENT_AS = and_(_OUTBOX.c.state == SENT, _OUTBOX.c.vendor_id == bindparam("as_number"))
_TO_REPLY = select(_OUTBOX.c.id, _OUTBOX.c.state, _OUTBOX.c.body).where(
    _NAMED, or_(_OUTBOX.c.state == WAITING, _SENT_AS)
)
_REPLIED = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id == bindparam("number"))
    .values(
        state=SENT,
        tries=_OUTBOX.c.tries + 1,
        vendor_id=bindparam("as_number"),
        sent_at=bindparam("at", type_=DateTime),
    )
)


@dataclass(frozen=True)
class Answer:
    """What is said to one address, in the messages that its vendor takes one by one.

    held: how long it is kept for another way of sending it (`replied`). good_for: until when it may
    be sent.
    """

    channel: str
    address: str
    bodies: list[dict]
    name: str
    held: timedelta = timedelta(0)
    good_for: timedelta = timedelta(hours=48)

    def rows(self, **more) -> Iterator[dict]:
        """As the outbox keeps its messages."""
        now = utc_now()
        for place, body in enumerate(self.bodies, 1):
            yield {
                "purpose": _PURPOSE,
                "name": self.name if place == 1 else f"{self.name} part {place}",
                "channel": self.channel,
                "address": self.address,
                "body": json.dumps(body, ensure_ascii=False),
                "state": WAITING,
                "tries": 0,
                "created_at": now,
                "due_at": now + self.held,
                "expires_at": now + self.good_for,
                **more,
            }


def put(session: Session, answer: Answer) -> None:
    """Into the outbox, where it waits for the sender."""
    connection = session.connection()
    if connection.scalar(_KNOWN, {"named": answer.name}) is None:
        _insert(connection, *answer.rows())


def put_and_claim(session: Session, answer: Answer) -> list[Outgoing]:
    """Into the outbox, claimed by the caller (see `outbox.claim`). Nothing is claimed, and it
    waits, while something else does or is being sent there, since that goes first, or where the
    shop has quiet hours for all."""
    connection = session.connection()
    wanted = {"named": answer.name, "at": answer.channel, "place": answer.address}
    before = connection.execute(_BEFORE, wanted).one()
    if before.known is not None:
        return []
    if before.under_way or before.is_open is None or limits.of(_PURPOSE).quiet:
        _insert(connection, *answer.rows())
        return []
    rows = answer.rows(state=SENDING, tries=1)
    numbers = [_insert(connection, row) for row in rows]
    return [
        Outgoing(number, None, _PURPOSE, answer.address, body, 1)
        for number, body in zip(numbers, answer.bodies, strict=True)
    ]


def put_as_reply(session: Session, answer: Answer, vendor_id: str) -> dict | None:
    """Into the outbox, its first message as sent by the caller (see `replied`), which it gives."""
    connection = session.connection()
    if not answer.bodies or connection.scalar(_KNOWN, {"named": answer.name}) is not None:
        return replied(answer.name, vendor_id, session)
    first, *others = answer.rows()
    gone = {"state": SENT, "tries": 1, "vendor_id": vendor_id, "sent_at": first["created_at"]}
    _insert(connection, {**first, **gone})
    _insert(connection, *others)
    return answer.bodies[0]


def is_reply(name: str, vendor_id: str) -> bool:
    """Whether `replied` gives something: there is a message of that name that nobody has begun to
    send, or that was sent as a reply before."""
    with read() as session:
        return _to_reply(session, name, vendor_id) is not None


def replied(name: str, vendor_id: str, session: Session | None = None) -> dict | None:
    """What the message of that name says, if it still waits: it is sent now, by the caller, as the
    reply to a request that would come again if it were lost. If it was sent so before (under the
    same `vendor_id`), the request has come again, and is told the same."""
    with within(session) as session:
        row = _to_reply(session, name, vendor_id)
        if row is None:
            return None
        if row.state == WAITING:
            gone = {"number": row.id, "as_number": vendor_id, "at": utc_now()}
            session.connection().execute(_REPLIED, gone)
        return json.loads(row.body)


def _to_reply(session: Session, name: str, vendor_id: str) -> Row | None:
    wanted = {"named": name, "as_number": vendor_id}
    return session.connection().execute(_TO_REPLY, wanted).first()


def _insert(connection: Connection, *rows: dict) -> int | None:
    """Put them there; the number of a single one."""
    if len(rows) == 1:
        return connection.execute(_PUT, rows[0]).inserted_primary_key[0]
    if rows:
        connection.execute(_PUT, list(rows))
    return None
