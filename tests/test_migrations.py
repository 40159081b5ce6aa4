"""The migrations make what the code declares, on both databases, by several processes at once."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

from alembic import command
from sqlalchemy import text

from cdp import consent
from storage import engine, migrate, read
from storage.database import begin


def test_the_code_declares_what_the_migrations_make(database):
    migrate.upgrade()
    assert migrate.differences() == []


def test_the_audit_log_refuses_changes_after_a_migration(database):
    with engine().connect() as connection:
        if database == "sqlite":
            found = connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'"))
        else:
            found = connection.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"))
        names = set(found.scalars())
    assert any(name.startswith("audit_log_no_") for name in names)


def test_processes_that_start_at_once_migrate_once(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    command = [sys.executable, "-m", "storage", "upgrade"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    assert all(process.returncode == 0 for process in running)
    assert migrate.differences() == []


_SAID = (
    ("analytics", "all", "carried", True, "2026-11-01 10:00:00"),
    ("marketing", "web", "carried", True, "2026-11-01 10:00:00"),
    ("marketing", "all", "explicit", False, "2026-11-02 10:00:00.000005"),
)


def test_consent_given_before_decisions_were_one_row_each_holds_after(database):
    where = "(kind, key, purpose, scope, source, granted, at"
    with engine().begin() as connection:
        begin(connection, writes=True)
        command.downgrade(migrate._config(connection), "0004")
        for place in _SAID:
            purpose, scope, source, granted, at = place
            said = {"purpose": purpose, "scope": scope, "source": source, "granted": granted}
            said["at"] = datetime.fromisoformat(at).isoformat(" ", "microseconds")
            values = ":purpose, :scope, :source, :granted, :at"
            connection.execute(
                text(f"INSERT INTO consent_states {where}) VALUES ('user_id', 'u', {values})"), said
            )
            connection.execute(
                text(
                    f"INSERT INTO consents {where}, channel, text_version, evidence) "
                    f"VALUES ('user_id', 'u', {values}, 'web', '2026-11', 'm')"
                ),
                said,
            )
    migrate.upgrade()
    _holds()
    with engine().begin() as connection:
        begin(connection, writes=True)
        command.downgrade(migrate._config(connection), "0004")
    migrate.upgrade()
    assert migrate.differences() == []
    _holds()


def _holds() -> None:
    with read() as session:
        history = consent.history_of(session, [("user_id", "u")])
        assert consent.allowed_ids(session, [("user_id", "u")], "analytics")
        assert not consent.allowed_ids(session, [("user_id", "u")], "marketing", "web")
    told = [(one.purpose, one.scope, one.source, one.granted, str(one.at)) for one in history]
    assert told == list(_SAID)
