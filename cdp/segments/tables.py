"""The tables of segments: definitions, sizes over time, members, webhooks and their outbox."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)

from storage import Base

_Number = BigInteger().with_variant(Integer, "sqlite")


class SegmentRow(Base):
    """A named expression, and what for: only people who allow the purpose are members."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("name", name="uq_segments_name"),)

    id = Column(Integer, primary_key=True)
    name = Column(String(100), nullable=False)
    expression = Column(Text, nullable=False)
    purpose = Column(String(32), nullable=False)
    description = Column(String(500), nullable=False, default="")
    created_by = Column(String(128), nullable=False)
    created_at = Column(DateTime, nullable=False)
    updated_at = Column(DateTime, nullable=False)
    size = Column(Integer, nullable=False, default=0)
    rebuilt_at = Column(DateTime)


class SizeRow(Base):
    """How many members a segment had at a time."""

    __tablename__ = "segment_sizes"

    segment_id = Column(
        Integer,
        ForeignKey("segments.id", name="fk_segment_sizes_segment", ondelete="CASCADE"),
        primary_key=True,
    )
    at = Column(DateTime, primary_key=True)
    size = Column(Integer, nullable=False)


class MemberRow(Base):
    """A person's stay in a segment; `left_at` is empty while it lasts."""

    __tablename__ = "segment_members"
    __table_args__ = (
        Index("ix_segment_members_now", "segment_id", "left_at", "person_id"),
        Index("ix_segment_members_person", "person_id"),
    )

    id = Column(_Number, primary_key=True)
    segment_id = Column(
        Integer,
        ForeignKey("segments.id", name="fk_segment_members_segment", ondelete="CASCADE"),
        nullable=False,
    )
    person_id = Column(_Number, nullable=False)
    joined_at = Column(DateTime, nullable=False)
    left_at = Column(DateTime)


class HookRow(Base):
    """Where a segment's changes are told. outside: to somebody else than the shop, which needs
    consent to sharing too. secret: encrypted."""

    __tablename__ = "segment_hooks"
    __table_args__ = (Index("ix_segment_hooks_segment", "segment_id"),)

    id = Column(Integer, primary_key=True)
    segment_id = Column(
        Integer,
        ForeignKey("segments.id", name="fk_segment_hooks_segment", ondelete="CASCADE"),
        nullable=False,
    )
    url = Column(String(500), nullable=False)
    secret = Column(Text, nullable=False)
    outside = Column(Boolean, nullable=False)
    enabled = Column(Boolean, nullable=False)
    created_at = Column(DateTime, nullable=False)


class DeliveryRow(Base):
    """One message to a webhook, in the outbox until it is sent or given up.

    joined, left: JSON lists of numbers of people; who they are is looked up when it is sent, so
    that nothing personal lies here. state: "waiting", "sent" or "failed".
    """

    __tablename__ = "segment_deliveries"
    __table_args__ = (
        Index("ix_segment_deliveries_due", "state", "next_at"),
        Index("ix_segment_deliveries_hook", "hook_id", "id"),
    )

    id = Column(_Number, primary_key=True)
    hook_id = Column(
        Integer,
        ForeignKey("segment_hooks.id", name="fk_segment_deliveries_hook", ondelete="CASCADE"),
        nullable=False,
    )
    message_id = Column(String(40), nullable=False)
    joined = Column(Text, nullable=False)
    left = Column(Text, nullable=False)
    state = Column(String(8), nullable=False)
    tries = Column(Integer, nullable=False)
    next_at = Column(DateTime, nullable=False)
    created_at = Column(DateTime, nullable=False)
    sent_at = Column(DateTime)
    error = Column(String(200))
