"""The table of profiles."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Text

from storage import Base


class ProfileRow(Base):
    """What is known of one person, as JSON; beside it what lists are sorted and filtered by."""

    __tablename__ = "profiles"
    __table_args__ = (Index("ix_profiles_last_seen", "last_seen"),)

    person_id = Column(Integer, primary_key=True, autoincrement=False)
    body = Column(Text, nullable=False)
    first_seen = Column(DateTime, nullable=False)
    last_seen = Column(DateTime, nullable=False)
    updated_at = Column(DateTime, nullable=False)
    order_count = Column(Integer, nullable=False, default=0)
    order_value_cents = Column(BigInteger, nullable=False, default=0)
