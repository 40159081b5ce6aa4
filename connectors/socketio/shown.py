"""How far the messages of a room have been shown to its shopper's page."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String

from storage import Base, read, write


class ShownRow(Base):
    """The sequence number of the last message that went out to an open socket of the room."""

    __tablename__ = "socketio_rooms"

    conversation = Column(String(255), primary_key=True)
    shown = Column(Integer, nullable=False)


def of(conversation: str) -> int:
    """The number; 0 at first."""
    with read() as session:
        row = session.get(ShownRow, conversation)
        return row.shown if row else 0


def move(conversation: str, shown: int) -> None:
    """Note that everything up to that number went out."""
    with write() as session:
        session.merge(ShownRow(conversation=conversation, shown=shown))
