"""Why an event is refused: one code for each cause, with the field and a sentence about it."""

from __future__ import annotations

from typing import NamedTuple

INVALID = "invalid"
TOO_LARGE = "too_large"
MISSING_ID = "missing_id"
ABSURD_TIME = "absurd_time"
BOT = "bot"
CONSENT_MISSING = "consent_missing"
CONSENT_DENIED = "consent_denied"

# Code → what it means; the console and docs/events.md show these.
CODES = {
    INVALID: "a field has a type or a value that it cannot have",
    TOO_LARGE: "the event is larger than 32 KB",
    MISSING_ID: "nothing in the event says whose it is",
    ABSURD_TIME: "it happened before 2000 or more than a day from now",
    BOT: "a crawler sent it, not a shopper",
    CONSENT_MISSING: "it says nothing of consent to analytics, and its source assumes none",
    CONSENT_DENIED: "its person does not allow analytics",
}


class Refusal(Exception):
    """One event cannot be taken; `reason` holds no value of the event."""

    def __init__(self, code: str, field: str | None, reason: str):
        super().__init__(f"{code} at {field}: {reason}")
        self.code, self.field, self.reason = code, field, reason


class Verdict(NamedTuple):
    """What became of one event: status is "accepted", "duplicate" or "refused" (with the rest)."""

    message_id: str | None
    status: str
    code: str | None = None
    field: str | None = None
    reason: str | None = None
