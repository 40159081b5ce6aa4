"""Accepted means durable: the server is killed again and again in the middle of a load."""

from __future__ import annotations

import pytest

from tests.cdp.crash import BATCH, kill_while_loaded

pytestmark = pytest.mark.slow


def test_kill_9_loses_and_doubles_nothing(database, monkeypatch):
    monkeypatch.setenv("CDP_LIMIT_SOURCE", "1000000/minute")
    # The benchmark kills a hundred times on each.
    kills = 20 if database == "sqlite" else 5
    outcome = kill_while_loaded(kills)
    assert outcome.kills == kills
    assert len(outcome.answered) > kills * BATCH
    assert outcome.sent_again >= kills
    assert (outcome.lost, outcome.doubled, outcome.strange) == (set(), set(), set())
