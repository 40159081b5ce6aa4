"""The tables of messages: where shoppers can be reached, and what is, or was, sent to them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, String, Text, UniqueConstraint

from storage import Base, where_rows

_Number = BigInteger().with_variant(Integer, "sqlite")


class AddressRow(Base):
    """Where somebody can be reached on a channel, and the identifier that says who it is.

    heard_at: when they last wrote there, since vendors allow answers only for so long; closed_at:
    they blocked or left it.
    """

    __tablename__ = "addresses"
    __table_args__ = (Index("ix_addresses_identifier", "kind", "key"),)

    channel = Column(String(32), primary_key=True)
    address = Column(String(255), primary_key=True)
    kind = Column(String(24), nullable=False)
    key = Column(String(255), nullable=False)
    heard_at = Column(DateTime, nullable=False)
    closed_at = Column(DateTime)


class OutboxRow(Base):
    """One message to one person; `body` is JSON in the channels' common form.

    state: "waiting", "sending", "sent", "arrived" (the vendor says so), "unknown" (perhaps sent),
    "failed" or "dropped"; reason: why it is not sent, or did not arrive; name: the sender's own, so
    that it is sent once however often it is asked for; vendor_id: the vendor's number for it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("name", name="uq_outbox_name"),
        Index("ix_outbox_due", "channel", "state", "due_at"),
        Index("ix_outbox_address", "channel", "address", "state"),
        Index("ix_outbox_vendor", "channel", "vendor_id", **where_rows("vendor_id IS NOT NULL")),
        Index(
            "ix_outbox_person",
            "person_id",
            "purpose",
            "due_at",
            **where_rows("person_id IS NOT NULL"),
        ),
    )

    id = Column(Integer, primary_key=True)
    # Unknown where a channel answers somebody of whom nothing is known yet.
    person_id = Column(_Number)
    purpose = Column(String(32), nullable=False)
    name = Column(String(128))
    channel = Column(String(32))
    address = Column(String(255))
    body = Column(Text, nullable=False)
    state = Column(String(8), nullable=False)
    reason = Column(String(255))
    tries = Column(Integer, nullable=False, default=0)
    vendor_id = Column(String(128))
    created_at = Column(DateTime, nullable=False)
    due_at = Column(DateTime, nullable=False)
    expires_at = Column(DateTime, nullable=False)
    sent_at = Column(DateTime)
