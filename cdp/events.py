"""An event as it is kept: the table `events`, and the form that the rest of the platform reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)

from cdp import keys
from storage import Base

KINDS = (
    "page",
    "click",
    "view",
    "search",
    "cart",
    "checkout",
    "order",
    "refund",
    "coupon",
    "promotion",
    "share",
    "favourite",
    "review",
    "follow",
    "experiment",
    "talk",
    "identify",
    "alias",
    "group",
    "consent",
    "other",
)
NEW, DONE, ERASED = "new", "done", "erased"


class EventRow(Base):
    """One event of one source, once; `seq` is the order in which they were accepted."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("source_id", "message_id", name="uq_events_source_message"),
        Index("ix_events_person_at", "person_id", "occurred_at"),
        Index("ix_events_state_seq", "state", "seq"),
        # A number given once is never given again, whatever was deleted in between.
        {"sqlite_autoincrement": True},
    )

    seq = Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    source_id = Column(Integer, nullable=False)
    message_id = Column(String(100), nullable=False)
    type = Column(String(16), nullable=False)
    name = Column(String(200))
    kind = Column(String(24), nullable=False)
    occurred_at = Column(DateTime, nullable=False)
    received_at = Column(DateTime, nullable=False)
    person_id = Column(Integer)
    body = Column(Text, nullable=False)
    state = Column(String(12), nullable=False, default=NEW)


# In the order of the fields of `Event`; its body comes after them.
FIELDS = (
    *("seq", "source_id", "message_id", "type", "name", "kind", "occurred_at", "received_at"),
    "person_id",
)


@dataclass(slots=True)
class Event:
    """One stored event; `at` and `received_at` are naive UTC, `body` as the intake wrote it.

    stamp: `at` as ISO 8601, as bodies of profiles have it.
    """

    seq: int
    source_id: int
    message_id: str
    type: str
    name: str | None
    kind: str
    at: datetime
    received_at: datetime
    person_id: int | None
    body: dict
    stamp: str = field(init=False)

    def __post_init__(self) -> None:
        self.stamp = self.at.isoformat()

    @classmethod
    def from_row(cls, row) -> Event:
        """From an `EventRow`, or a row of a select of its columns."""
        return cls(*(getattr(row, name) for name in FIELDS), orjson.loads(row.body))

    @classmethod
    def from_values(cls, values: Iterable) -> Event:
        """From the values of `FIELDS` and the body's text, or bytes."""
        *fields, body = values
        return cls(*fields, orjson.loads(body))

    @property
    def ids(self) -> list[tuple[str, str]]:
        """Its identifiers as (kind, key), keyed by the hash key in force."""
        return [(one["kind"], key_of(one)) for one in self.body.get("ids", ())]

    @property
    def sealed(self) -> dict[tuple[str, str], str]:
        """Of its identifiers that are personal in themselves the encrypted values."""
        return {
            (one["kind"], key_of(one)): one["enc"]
            for one in self.body.get("ids", ())
            if "enc" in one
        }


def key_of(identifier: dict) -> str:
    """The key of one entry of `body["ids"]`; made anew if another hash key has come in force."""
    made_by = identifier.get("v")
    if made_by is None:
        return identifier["key"]
    active = keys.active_secret()
    if keys.fingerprint(active) == made_by:
        return identifier["key"]
    return keys.key_with(identifier["kind"], keys.decrypt(identifier["enc"]), active)


def dump(body: dict) -> str:
    """A body as it stands in the table."""
    return orjson.dumps(body).decode()
