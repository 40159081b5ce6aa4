"""On every conversation test the server decided as Rasa decides, at the same confidence.

Each conversation is read from the database by Rasa's own store. Wherever the server decided, Rasa's
graph with its own policies is asked, ours is asked, and both are compared with each other and with
what the server did at the time, when its tracker was alive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

import pytest
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.constants import FOLLOWUP_ACTION
from rasa.shared.core.events import Event

from tests.assistant import MODEL
from tests.conversations.leading import FILES, LED, lead, name_of
from tests.runtime.both import Decision, Model, told

# Whose decision it is when no policy was asked.
NOBODY = (None, FOLLOWUP_ACTION)


@pytest.fixture(scope="module")
def model(quiet_logs) -> Model:
    return Model(MODEL)


@pytest.fixture(scope="module")
def stored(assistant, model):
    """A conversation's events, as Rasa's own store reads them."""
    store = SQLTrackerStore(model.domain, db=str(assistant.folder / "tracker.db"))

    def events_of(conversation: str) -> list[Event]:
        return list(asyncio.run(store.retrieve_full_tracker(conversation)).events)

    yield events_of
    store.engine.dispose()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_decided_as_rasa_decides(path: Path, model: Model, stored, request):
    # Led already where the conversations' own tests came before.
    if path not in LED:
        request.getfixturevalue("shop")
        deque(lead(path, request.getfixturevalue("assistant")), maxlen=0)
    for conversation in LED[path]:
        decisions = list(model.replay(stored(conversation)))
        # Somebody who is only signed in and out again says nothing.
        assert decisions or conversation != LED[path][-1]
        for number, decision in enumerate(decisions):
            where = f"{conversation}, decision {number}"
            assert told(decision.live) == told(decision.stock), where
            assert _done(decision) in (None, _wanted(decision, model)), where
        asked = [decision for decision in decisions if _done(decision)]
        assert len(asked) >= len(decisions) / 2


def _wanted(decision: Decision, model: Model) -> tuple[str, float]:
    chosen = decision.stock.max_confidence_index
    return model.domain.action_names_or_texts[chosen], decision.stock.max_confidence


def _done(decision: Decision) -> tuple[str, float] | None:
    """The action and the confidence at the time; None where no policy was asked."""
    done = decision.done
    return None if done.policy in NOBODY else (done.action_name, done.confidence)
