"""What waits to be sent, is being sent, and became of it.

    waiting → sending → sent                       the vendor took it
                        sent → arrived or failed   it said later what became of it
                      → waiting                    it certainly was not sent: again, a while later
                      → unknown                    perhaps sent: marketing is never sent again
                      → failed                     the vendor refuses it for good, or too many tries
    waiting → dropped                              not allowed any more, or too late

A service message whose outcome is unknown is sent again: at least once, under one name where the
vendor takes one. One process empties a channel's outbox; what an earlier one left behind as
"sending" it takes up by `recover`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, and_, bindparam, func, select, update
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from cdp import consent, withdrawal
from cdp.consent_rules import OPTIONAL
from cdp.messages import limits
from cdp.messages.tables import AddressRow, OutboxRow
from storage import read, utc_now, within, write

WAITING, SENDING, SENT, ARRIVED = "waiting", "sending", "sent", "arrived"
UNKNOWN, FAILED, DROPPED = "unknown", "failed", "dropped"
STATES = (WAITING, SENDING, SENT, ARRIVED, UNKNOWN, FAILED, DROPPED)
# What a shopper has, may have, or will have been sent.
COUNTED = (WAITING, SENDING, SENT, ARRIVED, UNKNOWN)
AT_LEAST_ONCE = ("service",)
MOST_TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
_QUIET = {"synchronize_session": False}

# Each answer runs these: they are made once, and of plain columns.
_OUTBOX = OutboxRow.__table__
_ADDRESS = AddressRow.__table__.c
_THERE = and_(_OUTBOX.c.channel == bindparam("at"), _OUTBOX.c.address == bindparam("place"))
_IS_OPEN = select(_ADDRESS.channel).where(
    _ADDRESS.channel == _OUTBOX.c.channel,
    _ADDRESS.address == _OUTBOX.c.address,
    _ADDRESS.closed_at.is_(None),
)
_DUE = (
    select(_OUTBOX, _IS_OPEN.exists().label("is_open"))
    .where(
        _OUTBOX.c.channel == bindparam("at"),
        _OUTBOX.c.state == WAITING,
        _OUTBOX.c.due_at <= bindparam("by"),
    )
    .order_by(_OUTBOX.c.due_at, _OUTBOX.c.id)
    .limit(bindparam("most"))
)
_BESIDE = (
    select(_OUTBOX)
    .where(_THERE, _OUTBOX.c.state == SENDING, _OUTBOX.c.id != bindparam("number"))
    .order_by(_OUTBOX.c.due_at, _OUTBOX.c.id)
)
_ANSWERS_WAITING = (
    select(_OUTBOX)
    .where(_THERE, _OUTBOX.c.state == WAITING, _OUTBOX.c.person_id.is_(None))
    .order_by(_OUTBOX.c.id)
)
_HEARD_AT = select(_ADDRESS.heard_at).where(
    _ADDRESS.channel == bindparam("at"), _ADDRESS.address == bindparam("place")
)
_SINCE = select(_OUTBOX.c.body, _OUTBOX.c.vendor_id).where(
    _THERE,
    _OUTBOX.c.state.in_((SENT, ARRIVED, UNKNOWN)),
    _OUTBOX.c.sent_at >= bindparam("heard", type_=DateTime),
)
_ONE = update(_OUTBOX).where(_OUTBOX.c.id == bindparam("number"))
_QUIET_UNTIL = _ONE.values(due_at=bindparam("until", type_=DateTime))
_DROPPED = _ONE.values(state=DROPPED, reason=bindparam("why"))
_TAKEN = _ONE.where(_OUTBOX.c.state == WAITING).values(state=SENDING, tries=_OUTBOX.c.tries + 1)
_ENDED = _ONE.values(
    state=bindparam("now"),
    reason=bindparam("why"),
    vendor_id=bindparam("as_number"),
    sent_at=func.coalesce(bindparam("at", type_=DateTime), _OUTBOX.c.sent_at),
)


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent now; `name` is its own for ever, for vendors that take one."""

    id: int
    person_id: int | None
    purpose: str
    address: str
    body: dict
    tries: int

    @property
    def name(self) -> str:
        """At most 32 letters, digits and dashes."""
        return f"outbox-{self.id}"


def used(
    session: Session,
    channel: str,
    address: str,
    free: Iterable[str] = (),
    size: Callable[[dict], int] = lambda _: 1,
) -> tuple[int, timedelta]:
    """How many messages an address was sent since somebody wrote there, and how long ago that is.

    free: how the vendor's numbers of those begin that do not count. size: as how many messages of
    the vendor's a body counts.
    """
    connection, where = session.connection(), {"at": channel, "place": address}
    heard = connection.scalar(_HEARD_AT, where)
    rows = connection.execute(_SINCE, {**where, "heard": heard}).all()
    counted = (row.body for row in rows if not (row.vendor_id or "").startswith(tuple(free)))
    return sum(size(json.loads(body)) for body in counted), utc_now() - heard


def beside(session: Session, channel: str, message: Outgoing) -> list[Outgoing]:
    """What else is being sent to the same address now, the oldest first."""
    where = {"at": channel, "place": message.address, "number": message.id}
    others = session.connection().execute(_BESIDE, where)
    return [_outgoing(row, row.tries) for row in others]


def answers_waiting(session: Session, channel: str, address: str) -> list[Outgoing]:
    """The answers that wait to be sent to an address, due or not, the oldest first."""
    rows = session.connection().execute(_ANSWERS_WAITING, {"at": channel, "place": address})
    return [_outgoing(row, row.tries) for row in rows]


def take(numbers: Iterable[int]) -> set[int]:
    """Which of these still wait: they are being sent from now on, together with another."""
    with write() as session:
        connection = session.connection()
        return {one for one in numbers if connection.execute(_TAKEN, {"number": one}).rowcount}


def is_taken(number: int) -> bool:
    """Whether it is still to be sent: it may have gone together with another."""
    with read() as session:
        state = session.scalar(select(OutboxRow.state).where(OutboxRow.id == number))
        return state == SENDING


def claim(channel: str, limit: int = 20, now: datetime | None = None) -> list[Outgoing]:
    """Take what is due on a channel, the oldest first; each is to be ended by a call below.

    What is not allowed any more, whose address is closed, or which is too late, is dropped; what
    waited, or was tried, into the quiet hours of its purpose goes on waiting.
    """
    now = now or utc_now()
    wanted = {"at": channel, "by": now, "most": limit}
    with read() as session:
        # Mostly there is nothing, and nobody has to wait for that to be seen.
        if session.connection().execute(_DUE, wanted).first() is None:
            return []
    with write() as session:
        return _taken(session, session.connection().execute(_DUE, wanted), now)


def _taken(session: Session, due: Iterable[Row], now: datetime) -> list[Outgoing]:
    connection, taken = session.connection(), []
    for row in list(due):
        quiet = limits.of(row.purpose).quiet
        if quiet is not None and quiet.after(now) > now:
            connection.execute(_QUIET_UNTIL, {"number": row.id, "until": quiet.after(now)})
            continue
        reason = _why_not(session, row, now)
        if reason:
            connection.execute(_DROPPED, {"number": row.id, "why": reason})
            continue
        connection.execute(_TAKEN, {"number": row.id})
        taken.append(_outgoing(row, row.tries + 1))
    return taken


def reword(number: int, body: dict) -> None:
    """Say it in this way, now and whenever it is tried again."""
    with write() as session:
        session.get(OutboxRow, number).body = json.dumps(body, ensure_ascii=False)


# Each in the transaction of `session`, or in its own.


def sent(number: int, vendor_id: str | None = None, session: Session | None = None) -> None:
    """The vendor has taken it."""
    _end(number, SENT, None, vendor_id, session)


def not_sent(
    number: int, reason: str, after: timedelta | None = None, session: Session | None = None
) -> None:
    """It was certainly not sent (a limit, no connection): again, not before `after`."""
    _later(number, reason, after, session)


def perhaps_sent(number: int, reason: str, session: Session | None = None) -> None:
    """Nobody knows whether it was sent (no answer in time): service again, anything else never."""
    with within(session) as session:
        if session.get(OutboxRow, number).purpose in AT_LEAST_ONCE:
            _later(number, reason, None, session)
        else:
            _end(number, UNKNOWN, reason, None, session)


def refused(number: int, reason: str, session: Session | None = None) -> None:
    """The vendor will never take it."""
    _end(number, FAILED, reason, None, session)


def became(channel: str, vendor_id: str, failure: str | None) -> bool:
    """What the vendor says later of a message it had taken: it arrived, or why it did not.

    False if nothing was sent under that number.
    """
    with write() as session:
        wanted = select(OutboxRow).where(
            OutboxRow.channel == channel,
            OutboxRow.vendor_id == vendor_id,
            OutboxRow.state.in_((SENT, ARRIVED, FAILED)),
        )
        row = session.scalars(wanted).first()
        if row is not None:
            row.state, row.reason = FAILED if failure else ARRIVED, failure and failure[:255]
        return row is not None


def stop(number: int) -> bool:
    """Somebody does not want it sent after all; whether it still waited."""
    with write() as session:
        waiting = update(OutboxRow).where(OutboxRow.id == number, OutboxRow.state == WAITING)
        gone = waiting.values(state=DROPPED, reason="stopped")
        return session.execute(gone, execution_options=_QUIET).rowcount == 1


def recover(channel: str) -> int:
    """Decide about what an earlier process was sending when it ended; how many."""
    with read() as session:
        left = select(OutboxRow.id).where(OutboxRow.channel == channel, OutboxRow.state == SENDING)
        numbers = list(session.scalars(left))
    for number in numbers:
        perhaps_sent(number, "the sender ended")
    return len(numbers)


def of(session, person_id: int, limit: int = 50) -> list[OutboxRow]:
    """A person's messages, the newest first."""
    mine = select(OutboxRow).where(OutboxRow.person_id == person_id)
    return list(session.scalars(mine.order_by(OutboxRow.id.desc()).limit(limit)))


def follow(session, changes) -> None:
    """Give messages to whom their people have become."""
    for loser, winner in changes.merged.items():
        theirs = update(OutboxRow).where(OutboxRow.person_id == loser)
        session.execute(theirs.values(person_id=winner), execution_options=_QUIET)


def take_back_on_withdrawal() -> None:
    """From now on, what waits under a purpose goes with the consent to it."""
    for purpose in OPTIONAL:
        withdrawal.on(purpose, _dropper(purpose), name=f"messages.{purpose}")


def _dropper(purpose: str):
    def drop(session, person_ids: Iterable[int]) -> None:
        waiting = update(OutboxRow).where(
            OutboxRow.person_id.in_(list(person_ids)),
            OutboxRow.purpose == purpose,
            OutboxRow.state == WAITING,
        )
        gone = waiting.values(state=DROPPED, reason="no_consent")
        session.execute(gone, execution_options=_QUIET)

    return drop


def _outgoing(row: OutboxRow | Row, tries: int) -> Outgoing:
    body = json.loads(row.body)
    return Outgoing(row.id, row.person_id, row.purpose, row.address, body, tries)


def _why_not(session: Session, row: Row, now: datetime) -> str | None:
    if row.expires_at < now:
        return "too_late"
    if not row.is_open:
        return "no_address"
    answers = row.person_id is None
    if not answers and not consent.allowed(session, row.person_id, row.purpose, row.channel):
        return "no_consent"
    return None


def _later(
    number: int, reason: str, after: timedelta | None, session: Session | None = None
) -> None:
    with within(session) as session:
        row = session.get(OutboxRow, number)
        row.reason = reason[:255]
        if row.tries >= MOST_TRIES:
            row.state = FAILED
            return
        pause = min(FIRST_PAUSE * 2 ** (row.tries - 1), LONGEST_PAUSE)
        # Jitter: what failed together does not come back together.
        pause *= random.uniform(0.5, 1.0)
        row.state, row.due_at = WAITING, utc_now() + max(pause, after or pause)


def _end(
    number: int,
    state: str,
    reason: str | None,
    vendor_id: str | None = None,
    session: Session | None = None,
) -> None:
    told = {"number": number, "now": state, "why": reason and reason[:255]}
    told |= {"as_number": vendor_id, "at": utc_now() if state == SENT else None}
    with within(session) as session:
        session.connection().execute(_ENDED, told)
