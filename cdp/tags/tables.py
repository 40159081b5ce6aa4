"""The tables of tags: what is set, what shoppers objected to, who is looked at when."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, String, Text

from storage import Base

_Person = BigInteger().with_variant(Integer, "sqlite")


class TagRow(Base):
    """One tag of one person: which rule set it, why, by which events, and until when.

    reason: Chinese, for the shopper; quoted: what it quotes, as JSON, to be said in another
    language; sources: JSON list of event numbers; times are naive UTC.
    """

    __tablename__ = "tags"
    __table_args__ = (
        Index("ix_tags_tag", "tag", "person_id"),
        Index("ix_tags_expires", "expires_at"),
        Index("ix_tags_rule", "rule", "version"),
    )

    person_id = Column(_Person, primary_key=True, autoincrement=False)
    tag = Column(String(100), primary_key=True)
    rule = Column(String(100), nullable=False)
    version = Column(String(16), nullable=False)
    purpose = Column(String(32), nullable=False)
    reason = Column(Text, nullable=False)
    quoted = Column(Text)
    sources = Column(Text, nullable=False)
    since = Column(DateTime, nullable=False)
    expires_at = Column(DateTime)


class ObjectionRow(Base):
    """A tag that the owner of this identifier deleted: it is not set again."""

    __tablename__ = "tag_objections"

    kind = Column(String(24), primary_key=True)
    key = Column(String(255), primary_key=True)
    tag = Column(String(100), primary_key=True)
    at = Column(DateTime, nullable=False)


class CheckRow(Base):
    """When somebody's tags are to be looked at next, since time changes them too."""

    __tablename__ = "tag_checks"
    __table_args__ = (Index("ix_tag_checks_due", "due_at"),)

    person_id = Column(_Person, primary_key=True, autoincrement=False)
    due_at = Column(DateTime, nullable=False)
