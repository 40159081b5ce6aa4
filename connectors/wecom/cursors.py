"""How far each customer service account's messages have been taken."""

from __future__ import annotations

from sqlalchemy import Column, String, select

from storage import Base, read, write


class CursorRow(Base):
    """WeCom's own mark of the last message taken; it keeps messages for three days."""

    __tablename__ = "wecom_cursors"

    open_kfid = Column(String(64), primary_key=True)
    cursor = Column(String(255), nullable=False)


def of(open_kfid: str) -> str:
    """The cursor of an account; empty at first."""
    with read() as session:
        row = session.get(CursorRow, open_kfid)
        return row.cursor if row else ""


def move(open_kfid: str, cursor: str) -> None:
    """Note that everything before the cursor has been kept."""
    with write() as session:
        session.merge(CursorRow(open_kfid=open_kfid, cursor=cursor))


def accounts() -> list[str]:
    """The accounts of which messages were ever taken."""
    with read() as session:
        return list(session.scalars(select(CursorRow.open_kfid)))
