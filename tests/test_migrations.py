"""The migrations make what the code declares, on both databases, by several processes at once."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import text

from storage import engine, migrate


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
