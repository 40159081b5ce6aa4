"""Rasa's Agent with our own processor, and without the store that hides a failing one.

Rasa wraps every tracker store so that a failed `retrieve` gives an empty tracker. An empty tracker
is not paused, so the assistant would talk over a person who has taken the conversation: here the
error is raised, and the channel answers with its honest sentence.
"""

from __future__ import annotations

import logging
from pathlib import Path

from rasa.core.agent import Agent
from rasa.core.lock_store import LockStore
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.core.tracker_store import InMemoryTrackerStore, TrackerStore
from rasa.core.utils import AvailableEndpoints

from connectors.translation.translator import Translator, translator
from runtime.processor import LiveProcessor
from runtime.remote_action import ActionEndpoint
from runtime.serving import Unable

logger = logging.getLogger(__name__)


class LiveAgent(Agent):
    """An agent whose trackers, locks and graph are those of this package."""

    translator: Translator | None = None

    def load_model(self, model_path: str | Path, fingerprint: str | None = None) -> None:
        """Load the model and a processor for it."""
        self.processor = LiveProcessor(
            model_path=model_path,
            tracker_store=self.tracker_store,
            lock_store=self.lock_store,
            action_endpoint=self.action_endpoint,
            generator=self.nlg,
            http_interpreter=self.http_interpreter,
            translator=self.translator,
        )
        self.domain = self.processor.domain
        self._set_fingerprint(fingerprint)
        self.tracker_store.domain = self.domain
        if isinstance(self.nlg, TemplatedNaturalLanguageGenerator):
            self.nlg.responses = self.domain.responses if self.domain else {}

    @staticmethod
    def _create_tracker_store(store: TrackerStore | None, domain) -> TrackerStore:
        if store is None:
            return InMemoryTrackerStore(domain)
        store.domain = domain
        return store

    async def close(self) -> None:
        """Finish what is being written and let every connection go."""
        if isinstance(self.action_endpoint, ActionEndpoint):
            await self.action_endpoint.close()
        if self.translator is not None:
            await self.translator.close()
        close_store = getattr(self.tracker_store, "close", None)
        if close_store:
            close_store()
        if self.tracker_store.event_broker:
            await self.tracker_store.event_broker.close()


def load_agent(model: Path, endpoints: AvailableEndpoints) -> LiveAgent:
    """An agent that is ready to answer.

    Raises:
        Unable: the model or something named in `endpoints.yml` cannot be loaded, or a provider of
            translation is not set up.
    """
    tracker_store = _tracker_store(endpoints)
    action_endpoint = ActionEndpoint(endpoints.action) if endpoints.action else None
    try:
        agent = LiveAgent(
            generator=endpoints.nlg,
            tracker_store=tracker_store,
            lock_store=LockStore.create(endpoints.lock_store),
            action_endpoint=action_endpoint,
        )
    except Exception as error:
        raise Unable(f"endpoints.yml: {error}") from error
    if action_endpoint is not None:
        action_endpoint.tracker_store = agent.tracker_store
    try:
        agent.translator = translator()
    except ValueError as error:
        raise Unable(str(error)) from error
    try:
        agent.load_model(model)
    except Exception as error:
        # Any component may fail while it is loaded; what it says is the cause, not the wrapping.
        raise Unable(
            f"{model}: cannot be loaded ({error.__cause__ or error}); train it again with this "
            f"version of the project"
        ) from error
    return agent


def _tracker_store(endpoints: AvailableEndpoints) -> TrackerStore | None:
    wanted = endpoints.tracker_store.type if endpoints.tracker_store else None
    try:
        store = TrackerStore.create(endpoints.tracker_store)
    except Exception as error:
        raise Unable(f"endpoints.yml, tracker_store {wanted!r}: {error}") from error
    # Rasa puts the in-memory store in place of one it cannot import, and only warns.
    if wanted and wanted != "in_memory" and type(store) is InMemoryTrackerStore:
        raise Unable(f"endpoints.yml, tracker_store.type {wanted!r}: cannot be imported")
    return store
