"""When an event happened: the sender's clock corrected by ours.

Segment: `timestamp = receivedAt − (sentAt − originalTimestamp)`, since clocks of devices are wrong
but run at the right speed.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pydantic.datetime_parse import parse_datetime

from cdp.intake.refusal import ABSURD_TIME, INVALID, Refusal

EARLIEST = datetime(2000, 1, 1)
AHEAD = timedelta(days=1)


def occurred(timestamp, original, sent, received_at: datetime) -> datetime:
    """Naive UTC, never after `received_at` (naive UTC).

    timestamp, original: the sender's `timestamp` and `originalTimestamp` (either is the time by
    their clock when it happened); sent: `sentAt` by the same clock; all ISO 8601 or epoch numbers.

    Raises:
        Refusal: INVALID for what is no time, ABSURD_TIME before 2000 or over a day from now.
    """
    told = original if original is not None else timestamp
    if told is None:
        return received_at
    field = "timestamp" if original is None else "originalTimestamp"
    at = moment(told, field)
    if sent is not None:
        try:
            at = received_at - (moment(sent, "sentAt") - at)
        except OverflowError as error:
            raise Refusal(ABSURD_TIME, field, "found a time that no calendar has") from error
    if at > received_at + AHEAD or at < EARLIEST:
        when = "in the future" if at > received_at else "before 2000"
        raise Refusal(
            ABSURD_TIME, field, f"found a time {when}, expected one from 2000 to a day from now"
        )
    # What has reached us has happened, whatever the rest of the clock's error.
    return min(at, received_at)


def moment(value, field: str) -> datetime:
    """Naive UTC of an ISO 8601 text or an epoch number (s or ms); without a zone it is UTC.

    Raises:
        Refusal: INVALID.
    """
    try:
        if value.__class__ is str:
            at = _of_text(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            at = parse_datetime(value)
        elif isinstance(value, datetime):
            at = value
        else:
            raise TypeError
        return at.astimezone(timezone.utc).replace(tzinfo=None) if at.tzinfo else at
    except (ValueError, TypeError, OverflowError) as error:
        raise Refusal(
            INVALID, field, f"{field}: expected a time such as 2026-11-22T08:00:00.000Z"
        ) from error


def _of_text(text: str) -> datetime:
    try:
        # The form that every SDK writes; `fromisoformat` knows no Z before Python 3.11.
        return datetime.fromisoformat(text[:-1] if text[-1:] == "Z" else text)
    except ValueError:
        return parse_datetime(text)
