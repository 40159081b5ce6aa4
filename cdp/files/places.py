"""Which file is which, and how far each has been read: by its content, never by its name.

A rotated log (app.log, app.log.1, app.log.1.gz) is the same file, since it begins the same and
what stands before the place where reading stopped is the same. A file put anew under an old name
is another one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    UniqueConstraint,
    func,
    select,
    update,
)

from cdp.files.reading import HEAD, TAIL, Source, digest
from storage import Base, read, utc_now, write


class FileRow(Base):
    """A file that was read for a source: how it begins, how far it was read, what stands there."""

    __tablename__ = "log_files"
    __table_args__ = (
        UniqueConstraint("source_id", "file", name="uq_log_files_source_file"),
        Index("ix_log_files_head", "source_id", "head_hash"),
    )

    id = Column(Integer, primary_key=True)
    source_id = Column(Integer, nullable=False)
    file = Column(String(64), nullable=False)
    name = Column(String(255), nullable=False)
    head_length = Column(Integer, nullable=False)
    head_hash = Column(String(40), nullable=False)
    position = Column(BigInteger, nullable=False, default=0)
    tail_hash = Column(String(40), nullable=False)
    accepted = Column(Integer, nullable=False, default=0)
    bad = Column(Integer, nullable=False, default=0)
    updated_at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Place:
    """id: the row; file: the file's own name here, from its content; position: read up to there."""

    id: int
    file: str
    position: int


def find(source_id: int, source: Source, name: str) -> Place | None:
    """The place in an open file from which to read on, noted if the file is new; None if empty.

    Raises:
        Damaged: it cannot be unpacked.
    """
    head = source.part(0, HEAD)
    if not head:
        return None
    row = _known(source_id, source, head)
    if row is None:
        return _new(source_id, head, name)
    if row.head_length < len(head):
        # It has grown since: more of its beginning tells it from others.
        with write() as session:
            session.execute(
                update(FileRow)
                .where(FileRow.id == row.id)
                .values(head_length=len(head), head_hash=digest(head))
                .execution_options(synchronize_session=False)
            )
    return Place(row.id, row.file, row.position)


def save(place: Place, position: int, tail: bytes, accepted: int, bad: int, name: str) -> None:
    """Note how far a file has been read; `tail`: the last bytes before `position`; counts add."""
    with write() as session:
        session.execute(
            update(FileRow)
            .where(FileRow.id == place.id, FileRow.position <= position)
            .values(
                position=position,
                tail_hash=digest(tail[-TAIL:]),
                accepted=FileRow.accepted + accepted,
                bad=FileRow.bad + bad,
                name=name[:255],
                updated_at=utc_now(),
            )
            .execution_options(synchronize_session=False)
        )


def listed() -> list[dict]:
    """All files ever read, the newest first."""
    names = ("source_id", "file", "name", "position", "accepted", "bad", "updated_at")
    with read() as session:
        rows = session.scalars(select(FileRow).order_by(FileRow.updated_at.desc()))
        return [{name: getattr(row, name) for name in names} for row in rows]


def _known(source_id: int, source: Source, head: bytes):
    table = FileRow.__table__
    with read() as session:
        lengths = session.scalars(
            select(table.c.head_length)
            .where(table.c.source_id == source_id, table.c.head_length <= len(head))
            .distinct()
        ).all()
        rows = session.execute(
            select(table)
            .where(
                table.c.source_id == source_id,
                table.c.head_hash.in_([digest(head[:length]) for length in lengths]),
            )
            .order_by(table.c.head_length.desc(), table.c.position.desc())
        ).all()
    for row in rows:
        before = max(0, row.position - TAIL)
        tail = source.part(before, row.position - before)
        if len(tail) == row.position - before and digest(tail) == row.tail_hash:
            return row
    return None


def _new(source_id: int, head: bytes, name: str) -> Place:
    begins = digest(head)
    with write() as session:
        # Another file may have begun the same.
        alike = session.scalar(
            select(func.count()).where(
                FileRow.source_id == source_id, FileRow.file.like(f"{begins[:24]}%")
            )
        )
        row = FileRow(
            source_id=source_id,
            file=begins[:24] + (f"-{alike + 1}" if alike else ""),
            name=name[:255],
            head_length=len(head),
            head_hash=begins,
            position=0,
            tail_hash=digest(b""),
            accepted=0,
            bad=0,
            updated_at=utc_now(),
        )
        session.add(row)
        session.flush()
        return Place(row.id, row.file, 0)
