"""Who decides what comes next, over every conversation test: rules, memory, or nobody.

    python -m bench.policies [--neural MODEL]

Leads the conversations of `tests/conversations` with the assistant running, reads them back, and
lets Rasa's graph decide again wherever the server had decided. Rules come before memory: what
memory decides is what rules alone would not have known. `--neural` names a model trained with
`bench/stock/config.yml` (as `python -m bench.assistant` does): then TED and UnexpecTED are asked
too, and counted where they would have done something else. Figures are printed, not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import structlog
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.tracker_store import SQLTrackerStore
from rasa.engine.constants import PLACEHOLDER_TRACKER
from rasa.engine.graph import ExecutionContext
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.constants import ACTION_LISTEN_NAME, FOLLOWUP_ACTION
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import delete

from cdp.cases import CaseRow
from runtime.graph_runner import PredictOnlyStorage
from shop import demo
from shop.gate import GateRow
from shop.tickets import TicketRow
from storage import write
from tests.assistant import MODEL, running
from tests.conversations.leading import FILES, LED, lead, name_of

FALLBACK = "action_clarify"
Told = tuple[str, list[Event]]


class Decider:
    """A model's policies, run by Rasa's own graph runner."""

    def __init__(self, archive: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            storage, described = PredictOnlyStorage.from_model_archive(Path(folder), archive)
            self.domain, self._target = described.domain, described.core_target
            schema = described.predict_schema.minimal_graph_schema([self._target])
            context = ExecutionContext(schema, described.model_id)
            self._runner = DaskGraphRunner.create(schema, storage, context)

    def again(
        self, events: list[Event]
    ) -> Iterator[tuple[str, ActionExecuted, PolicyPrediction, float]]:
        """Wherever the server decided: the action before, what it did, ours now, milliseconds."""
        tracker = DialogueStateTracker("again", self.domain.slots)
        for event in events:
            if isinstance(event, ActionExecuted) and event.policy not in (None, FOLLOWUP_ACTION):
                begun = time.perf_counter()
                made = self._runner.run({PLACEHOLDER_TRACKER: tracker}, [self._target])
                took = (time.perf_counter() - begun) * 1e3
                yield tracker.latest_action_name, event, made[self._target], took
            tracker.update(event, self.domain)

    def name(self, prediction: PolicyPrediction) -> str:
        """The action that was decided."""
        return self.domain.action_names_or_texts[prediction.max_confidence_index]


def conversations(decider: Decider) -> Iterator[Told]:
    """Each conversation of the tests with its name, led now, as Rasa's own store reads it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(QUDAO_VAR=folder, QUDAO_DEMO="1")
        with running(Path(folder)) as assistant:
            for path in FILES:
                _as_seeded()
                try:
                    deque(lead(path, assistant), maxlen=0)
                except LookupError as missing:
                    print(f"{name_of(path)} broke off: {missing}")
        store = SQLTrackerStore(decider.domain, db=str(Path(folder) / "tracker.db"))
        for path, led in LED.items():
            for conversation in led:
                tracker = asyncio.run(store.retrieve_full_tracker(conversation))
                yield name_of(path), list(tracker.events)
        store.engine.dispose()


def _as_seeded() -> None:
    """The demo shop without what the conversations before have left."""
    demo.seed(reset=True)
    with write() as session:
        for table in (TicketRow, GateRow, CaseRow):
            session.execute(delete(table))


def counted(decider: Decider, told: list[Told], title: str) -> None:
    """Print who decided, how often nobody knew, and what would have been done differently."""
    by, first, unknown, other, took = Counter(), 0, 0, [], []
    for name, events in told:
        for before, event, prediction, milliseconds in decider.again(events):
            took.append(milliseconds)
            action = decider.name(prediction)
            nobody = action == FALLBACK and prediction.max_confidence < 1
            by["nobody" if nobody else prediction.policy_name] += 1
            if before == ACTION_LISTEN_NAME:
                first += 1
                unknown += action == FALLBACK
            if action != event.action_name:
                other.append(f"{name}: {event.action_name} | {action} ({prediction.policy_name})")
    decisions = len(took)
    print(f"{title}: {decisions} decisions in {len(told)} conversations, {first} of them on")
    print(f"  messages; median {sorted(took)[decisions // 2]:.2f} ms by Rasa's runner")
    for policy, count in by.most_common():
        print(f"  decided by {policy:24} {count:6} {count / decisions:7.2%}")
    print(f"  messages answered by {FALLBACK}: {unknown} ({unknown / first:.2%})")
    print(f"  decided otherwise than the server: {len(other)}")
    for line in other:
        print(f"    {line}")


def main() -> None:
    """Lead, decide again, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.policies", description=__doc__)
    parser.add_argument("--neural", type=Path, help="a model with TED, of bench/stock/config.yml")
    options = parser.parse_args()
    # Rasa's policies tell every step of every decision unless told not to.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    ours = Decider(MODEL)
    told = list(conversations(ours))
    counted(ours, told, "rules and memory")
    if options.neural:
        counted(Decider(options.neural), told, "rules, memory, TED, UnexpecTED")


if __name__ == "__main__":
    main()
