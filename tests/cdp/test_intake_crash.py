"""Accepted means durable: the server is killed twenty times in the middle of a load."""

from __future__ import annotations

import pytest

from storage import create_tables
from tests.cdp.crash import BATCH, kill_while_loaded

pytestmark = pytest.mark.slow


def test_kill_9_loses_and_doubles_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.setenv("CDP_LIMIT_SOURCE", "1000000/minute")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    create_tables()
    outcome = kill_while_loaded(20)
    assert outcome.kills == 20
    assert len(outcome.answered) > 20 * BATCH
    assert outcome.sent_again >= 20
    assert (outcome.lost, outcome.doubled, outcome.strange) == (set(), set(), set())
