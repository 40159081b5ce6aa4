"""What all tests share: a state folder of their own, and secrets made up in it."""

from __future__ import annotations

import pytest

from storage import create_tables


@pytest.fixture
def state(tmp_path, monkeypatch):
    """An empty folder of run-time state, with the tables of all imported modules."""
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    create_tables()
    return tmp_path
