"""The tables of the console: its users, their sessions, and failed attempts to log in."""

from __future__ import annotations

from sqlalchemy import (
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


class UserRow(Base):
    """Somebody who may log in; `password` is an argon2 hash; `demo` accounts work only there."""

    __tablename__ = "console_users"
    __table_args__ = (UniqueConstraint("name", name="uq_console_users_name"),)

    id = Column(Integer, primary_key=True)
    name = Column(String(64), nullable=False)
    password = Column(String(255), nullable=False)
    role = Column(String(16), nullable=False)
    enabled = Column(Boolean, nullable=False, default=True)
    demo = Column(Boolean, nullable=False, default=False)
    created_at = Column(DateTime, nullable=False)


class SessionRow(Base):
    """One login. Only the hash of its token is here; `notice` is what the next page has to say."""

    __tablename__ = "console_sessions"
    __table_args__ = (Index("ix_console_sessions_user", "user_id"),)

    token_hash = Column(String(64), primary_key=True)
    user_id = Column(
        Integer,
        ForeignKey("console_users.id", name="fk_console_sessions_user", ondelete="CASCADE"),
        nullable=False,
    )
    created_at = Column(DateTime, nullable=False)
    seen_at = Column(DateTime, nullable=False)
    notice = Column(Text)


class AttemptRow(Base):
    """One attempt to log in that did not succeed (yet); `place` is a keyed hash."""

    __tablename__ = "console_attempts"
    __table_args__ = (Index("ix_console_attempts_place", "place", "at"),)

    id = Column(Integer, primary_key=True)
    place = Column(String(64), nullable=False)
    at = Column(DateTime, nullable=False)
