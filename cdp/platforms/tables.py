"""What is kept about platforms: how far each was read, what nobody understood, clicks on ads."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, String, Text, UniqueConstraint

from storage import Base


class CursorRow(Base):
    """How far one stream ("orders", "spend") of a platform has been read; `cursor` is JSON."""

    __tablename__ = "platform_cursors"

    platform = Column(String(32), primary_key=True)
    stream = Column(String(16), primary_key=True)
    cursor = Column(Text, nullable=False)
    version = Column(String(64))
    updated_at = Column(DateTime, nullable=False)


class UnknownFieldRow(Base):
    """A field that a platform sends and none of its known versions has, and how often."""

    __tablename__ = "platform_unknown_fields"

    platform = Column(String(32), primary_key=True)
    stream = Column(String(16), primary_key=True)
    version = Column(String(64), primary_key=True)
    field = Column(String(128), primary_key=True)
    count = Column(Integer, nullable=False)
    first_seen = Column(DateTime, nullable=False)
    last_seen = Column(DateTime, nullable=False)


class KeptRow(Base):
    """A payload of an unknown type, encrypted, until somebody teaches us what it is."""

    __tablename__ = "platform_kept"
    __table_args__ = (UniqueConstraint("platform", "stream", "item", name="uq_platform_kept_item"),)

    id = Column(Integer, primary_key=True)
    platform = Column(String(32), nullable=False)
    stream = Column(String(16), nullable=False)
    type = Column(String(64), nullable=False)
    item = Column(String(128), nullable=False)
    body = Column(Text, nullable=False)
    at = Column(DateTime, nullable=False)


class AdClickRow(Base):
    """A click on an ad: which campaign a click id stands for. Nothing of whose it was."""

    __tablename__ = "ad_clicks"
    __table_args__ = (UniqueConstraint("platform", "click_id", name="uq_ad_clicks_click"),)

    id = Column(Integer, primary_key=True)
    platform = Column(String(32), nullable=False)
    click_id = Column(String(255), nullable=False)
    campaign_id = Column(String(64), nullable=False)
    campaign = Column(String(200), nullable=False)
    ad_id = Column(String(64), nullable=False)
    creative_id = Column(String(64), nullable=False)
    at = Column(DateTime, nullable=False, index=True)
