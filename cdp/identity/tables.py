"""The tables of identity: people, their identifiers, what was seen together, merges and splits."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)

from storage import Base


class PersonRow(Base):
    """One person. Its number is that of its oldest identifier, so that a merge that is undone
    gives back the number which was there before."""

    __tablename__ = "people"

    id = Column(Integer, primary_key=True, autoincrement=False)
    created_at = Column(DateTime, nullable=False)
    minor = Column(Boolean, nullable=False, default=False)
    # The person that this one is part of now; console links to the old number follow it.
    merged_into = Column(Integer)


class IdentifierRow(Base):
    """One identifier (kind and key) and the person it belongs to."""

    __tablename__ = "identifiers"
    __table_args__ = (
        UniqueConstraint("kind", "key", name="uq_identifiers_kind_key"),
        Index("ix_identifiers_person", "person_id"),
        # The number of an erased person must never come to mean another one.
        {"sqlite_autoincrement": True},
    )

    id = Column(Integer, primary_key=True)
    kind = Column(String(24), nullable=False)
    key = Column(String(255), nullable=False)
    shown = Column(String(255))
    enc = Column(Text)
    person_id = Column(Integer)
    first_seen = Column(DateTime, nullable=False)
    last_seen = Column(DateTime, nullable=False)
    # Seen with too many others to say whose it is: joins nobody any more.
    shared = Column(Boolean, nullable=False, default=False)
    # How many identifiers of each kind it was seen with: {"user_id": 1, "phone": 2}.
    seen_with = Column(Text, nullable=False, default="{}")
    # The latest position of its links: a link after it cannot change what came before.
    last_link = Column(String(40), nullable=False, default="")


class LinkRow(Base):
    """Two identifiers that were seen in one event; its earliest position counts.

    pair: both numbers in one, so that a batch finds its links by one list of numbers.
    position: digits that sort in canonical order (see `rules.position`); seq: the event it is from.
    """

    __tablename__ = "links"
    __table_args__ = (
        Index("ix_links_a", "a_id", "b_kind", "position"),
        Index("ix_links_b", "b_id", "a_kind", "position"),
    )

    pair = Column(BigInteger, primary_key=True, autoincrement=False)
    a_id = Column(Integer, nullable=False)
    b_id = Column(Integer, nullable=False)
    a_kind = Column(String(24), nullable=False)
    b_kind = Column(String(24), nullable=False)
    position = Column(String(40), nullable=False)
    seq = Column(BigInteger, nullable=False)


class MergeRow(Base):
    """Two people became one: why (the link and the event), and whether it was undone."""

    __tablename__ = "merges"
    __table_args__ = (
        Index("ix_merges_winner", "winner"),
        Index("ix_merges_loser", "loser"),
    )

    id = Column(Integer, primary_key=True)
    at = Column(DateTime, nullable=False)
    winner = Column(Integer, nullable=False)
    loser = Column(Integer, nullable=False)
    left_id = Column(Integer, nullable=False)
    right_id = Column(Integer, nullable=False)
    evidence = Column(BigInteger, nullable=False)
    undone_at = Column(DateTime)


class SplitRow(Base):
    """Two identifiers that are never to be of one person: somebody undid their merge."""

    __tablename__ = "splits"
    __table_args__ = (
        UniqueConstraint("a_id", "b_id", name="uq_splits_pair"),
        Index("ix_splits_b", "b_id"),
    )

    id = Column(Integer, primary_key=True)
    a_id = Column(Integer, nullable=False)
    b_id = Column(Integer, nullable=False)
    at = Column(DateTime, nullable=False)
