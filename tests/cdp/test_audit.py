"""The audit log: added to and never changed, and a change made elsewhere shows."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError

from cdp import audit
from cdp.audit import AuditRow
from storage import write


@pytest.fixture
def log(database):
    with write() as session:
        for number in range(5):
            audit.note(session, "console:ann", "profile.viewed", f"person {number}", {"n": number})
    return database


def tamper(dialect: str, statement: str) -> None:
    """Change the table as somebody would who has the database to himself."""
    with write() as session:
        if dialect == "sqlite":
            for name in ("update", "delete", "replace"):
                session.execute(text(f"DROP TRIGGER audit_log_no_{name}"))
        else:
            session.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        session.execute(text(statement))


def test_entries_are_read_newest_first_and_page_by_page(log):
    assert [one.subject for one in audit.entries(limit=2)] == ["person 4", "person 3"]
    assert [one.id for one in audit.entries(before=3)] == [2, 1]
    assert audit.entries(subject="person 2")[0].details == {"n": 2}


def test_the_chain_holds(log):
    assert audit.verify() == audit.Verdict(True, 5)
    assert audit.verify(audit.head()).sound


def test_an_entry_stands_or_falls_with_the_deed(log):
    with pytest.raises(RuntimeError), write() as session:
        audit.note(session, "console:ann", "profile.viewed", "person 9")
        raise RuntimeError
    assert audit.verify().rows == 5


@pytest.mark.parametrize(
    "statement",
    [
        update(AuditRow).values(actor="nobody"),
        update(AuditRow).where(AuditRow.id == 2).values(id=99),
        delete(AuditRow).where(AuditRow.id == 5),
        delete(AuditRow),
    ],
)
def test_the_database_refuses_changes(log, statement):
    with pytest.raises(DatabaseError, match="append-only"), write() as session:
        session.execute(statement.execution_options(synchronize_session=False))
    assert audit.verify() == audit.Verdict(True, 5)


def test_the_database_refuses_to_empty_or_replace(log):
    statement = "TRUNCATE audit_log"
    if log == "sqlite":
        statement = (
            "INSERT OR REPLACE INTO audit_log SELECT id, at, 'nobody', action, subject, details, "
            "previous, hash FROM audit_log WHERE id = 3"
        )
    with pytest.raises(DatabaseError, match="append-only"), write() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE id = 3", 3),
        ("DELETE FROM audit_log WHERE id = 3", 4),
        ("DELETE FROM audit_log WHERE id = 1", 2),
    ],
)
def test_what_was_changed_from_outside_shows(log, statement, row):
    tamper(log, statement)
    verdict = audit.verify()
    assert not verdict.sound and verdict.broken_at == row and verdict.reason


def test_a_tail_that_was_cut_off_shows_against_a_noted_head(log):
    known = audit.head()
    tamper(log, "DELETE FROM audit_log WHERE id > 3")
    assert audit.verify().sound
    assert not audit.verify(known).sound


def test_a_chain_made_anew_shows_against_a_noted_head(log):
    known = audit.head()
    tamper(log, "DELETE FROM audit_log")
    with write() as session:
        for number in range(6):
            audit.note(session, "console:eve", "profile.viewed", f"person {number}")
    assert audit.verify().sound
    assert audit.verify(known).broken_at == 5
