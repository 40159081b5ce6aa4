"""The outbox of webhooks, emptied by a job of its own thread: at least once, in order, signed.

Signed after Standard Webhooks (standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64 of HMAC-SHA256(secret, "id.timestamp.body")>`; a receiver checks the
signature, refuses old timestamps and keeps ids to know repetitions. The body is

    {"type": "segment.changed", "segment": {"id", "name"}, "at": "…Z",
     "joined": [{"person": 12, "user_id": "u1"}], "left": [{"person": 13, "user_id": null}]}

What fails is tried again after a time that doubles, with jitter, for about a day. Consent is
asked again as it is sent: who withdrew in the meantime is not told of as having joined.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import orjson
import urllib3
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cdp import jobs, keys
from cdp.identity.people import identifiers_of_many
from cdp.segments import addresses, hooks
from cdp.segments.addresses import RefusedAddress, Target
from cdp.segments.export import may_have, shown
from cdp.segments.tables import DeliveryRow, HookRow, SegmentRow
from storage import read, utc_now, write

logger = logging.getLogger(__name__)

MOST_TRIES = 12
KEPT = timedelta(days=30)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=12)
_TIMEOUT = urllib3.Timeout(connect=3, read=5)
_AT_ONCE = 50
_SECONDS_A_RUN = 30.0

Aim = Callable[[str], Target]


@dataclass(frozen=True)
class Message:
    """A message ready to be sent."""

    id: int
    hook_id: int
    message_id: str
    url: str
    secret: str
    body: bytes
    tries: int


@jobs.job("segments.deliver", every=timedelta(seconds=10))
def deliver(now: datetime | None = None) -> dict[str, int]:
    """Send what is due, for half a minute at most: how many were sent, and how many were not."""
    return run(now or utc_now())


def run(now: datetime, aim: Aim = addresses.target, ca_certs: str | None = None) -> dict[str, int]:
    """Send what is due; a webhook that fails is left alone for the rest of the run.

    aim: where a URL leads to (checked); ca_certs: a file of authorities, for a test's own.
    """
    sent, failed, ends, resting = 0, 0, time.monotonic() + _SECONDS_A_RUN, set()
    while time.monotonic() < ends:
        messages = [one for one in _due(now) if one.hook_id not in resting]
        if not messages:
            break
        for message in messages:
            if message.hook_id in resting or time.monotonic() > ends:
                continue
            status, error = _send(message, aim, ca_certs)
            _note(message, status, error, now)
            sent += error is None
            failed += error is not None
            if error is not None:
                resting.add(message.hook_id)
    return {"sent": sent, "failed": failed}


@jobs.job("segments.outbox.purge", every=timedelta(days=1))
def purge(now: datetime | None = None) -> int:
    """Delete what was sent or given up a month ago; how many."""
    old = (now or utc_now()) - KEPT
    with write() as session:
        return session.execute(
            delete(DeliveryRow)
            .where(DeliveryRow.state != hooks.WAITING, DeliveryRow.created_at < old)
            .execution_options(synchronize_session=False)
        ).rowcount


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, as in the header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _due(now: datetime) -> list[Message]:
    """What is due, the oldest of each webhook first; a webhook's first waiting message holds up
    those behind it, so that nobody is told of a member's leaving before the joining."""
    waiting = select(DeliveryRow.hook_id, DeliveryRow.next_at).where(
        DeliveryRow.state == hooks.WAITING
    )
    wanted = (
        select(DeliveryRow, HookRow, SegmentRow)
        .join(HookRow, HookRow.id == DeliveryRow.hook_id)
        .join(SegmentRow, SegmentRow.id == HookRow.segment_id)
        .where(DeliveryRow.state == hooks.WAITING, HookRow.enabled.is_(True))
        .where(
            HookRow.id.not_in(
                waiting.where(DeliveryRow.next_at > now).with_only_columns(DeliveryRow.hook_id)
            )
        )
        .order_by(DeliveryRow.id)
        .limit(_AT_ONCE)
    )
    with read() as session:
        return [_message(session, *row, now) for row in session.execute(wanted).all()]


def _message(
    session: Session, row: DeliveryRow, hook: HookRow, segment: SegmentRow, now: datetime
) -> Message:
    joined, left = orjson.loads(row.joined), orjson.loads(row.left)
    told = sorted(may_have(session, joined, segment.purpose, hook.outside))
    identifiers = identifiers_of_many(session, [*told, *left])
    body = {
        "type": "segment.changed",
        "segment": {"id": segment.id, "name": segment.name},
        "at": now.replace(tzinfo=timezone.utc).isoformat(timespec="seconds"),
        **{
            key: [
                {"person": one, "user_id": shown(identifiers[one], "user_id", False) or None}
                for one in people
            ]
            for key, people in (("joined", told), ("left", left))
        },
    }
    secret = keys.decrypt(hook.secret)
    return Message(row.id, hook.id, row.message_id, hook.url, secret, orjson.dumps(body), row.tries)


def _send(message: Message, aim: Aim, ca_certs: str | None) -> tuple[int | None, str | None]:
    """Status and error of one attempt; no error if it was taken (2xx)."""
    timestamp = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "Qudao-Webhooks",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(message.secret, message.message_id, timestamp, message.body),
    }
    try:
        status = post(aim(message.url), message.body, headers, ca_certs)
    except RefusedAddress as error:
        return None, str(error)[:200]
    except (OSError, urllib3.exceptions.HTTPError) as error:
        return None, type(error).__name__
    return status, None if 200 <= status < 300 else f"HTTP {status}"


def post(target: Target, body: bytes, headers: dict[str, str], ca_certs: str | None = None) -> int:
    """POST to the checked address itself, with the host's name in TLS and header; the status.

    No redirect is followed, no proxy of the environment used, and the answer's body is not read.
    """
    common = {"timeout": _TIMEOUT, "retries": False, "maxsize": 1}
    if target.secure:
        pool = urllib3.HTTPSConnectionPool(
            target.address,
            target.port,
            server_hostname=target.host,
            assert_hostname=target.host,
            cert_reqs="CERT_REQUIRED",
            ca_certs=ca_certs,
            **common,
        )
    else:
        pool = urllib3.HTTPConnectionPool(target.address, target.port, **common)
    usual = target.port == (443 if target.secure else 80)
    host = f"[{target.host}]" if ":" in target.host else target.host
    sent = {**headers, "host": host if usual else f"{host}:{target.port}"}
    try:
        answer = pool.urlopen(
            "POST", target.path, body=body, headers=sent, redirect=False, preload_content=False
        )
        answer.close()
        return answer.status
    finally:
        pool.close()


def _note(message: Message, status: int | None, error: str | None, now: datetime) -> None:
    tries = message.tries + 1
    values: dict = {"tries": tries, "error": error}
    if error is None:
        values |= {"state": hooks.SENT, "sent_at": now}
    elif tries >= MOST_TRIES or status == 410:
        values |= {"state": hooks.FAILED}
    else:
        values |= {"next_at": now + _wait(tries)}
    if error is not None:
        logger.warning("webhook.failed hook=%s tries=%s error=%s", message.hook_id, tries, error)
    with write() as session:
        quiet = {"synchronize_session": False}
        session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == message.id)
            .values(**values)
            .execution_options(**quiet)
        )
        if status == 410:
            # The receiver says that it is gone for good.
            session.execute(
                update(HookRow)
                .where(HookRow.id == message.hook_id)
                .values(enabled=False)
                .execution_options(**quiet)
            )


def _wait(tries: int) -> timedelta:
    """Doubling, with full jitter over its upper half (so that retries never come at once)."""
    longest = min(_FIRST_WAIT * 2 ** (tries - 1), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)
