"""Rasa's graph component that links what a message mentions to the knowledge graph.

In config.yml, after the intent classifier:

    - name: nlu.graph_linker.GraphLinker

An entity says what the name stands for, not how it was spelt:

    {"entity": "brand", "value": "b_qingfeng", "text": "轻风", "start": 0, "end": 2,
     "extractor": "GraphLinker"}

and, when one text may mean several things of the same kind, `"candidates": [id, …]`, the first of
which is the value. New names need no training: see nlu/vocabulary_follower.py.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from nlu.mentions import Mention
from nlu.vocabulary_follower import CHECK_SECONDS, VocabularyFollower

EXTRACTOR = "GraphLinker"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class GraphLinker(GraphComponent):
    """Finds products, brands, categories, series, colours and sizes of the graph in a message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The component's settings."""
        return {
            # How often, in seconds, the graph's version is looked at.
            "check_seconds": CHECK_SECONDS,
            # How long, in seconds, loading may wait for the first names.
            "first_wait_seconds": 15.0,
        }

    @staticmethod
    def required_packages() -> list[str]:
        """What must be installed for this component."""
        return ["spacy"]

    def __init__(self, follower: VocabularyFollower) -> None:
        self._follower = follower

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphLinker:
        """A component that follows the graph from now on."""
        follower = VocabularyFollower(check_seconds=float(config["check_seconds"]))
        follower.wait(float(config["first_wait_seconds"]))
        return cls(follower)

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the names found in each message to its entities."""
        lexicon = self._follower.lexicon
        for message in messages:
            found = [entity(mention) for mention in lexicon.find(message.get(TEXT) or "")]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages


def entity(mention: Mention) -> dict[str, Any]:
    """A mention as Rasa's entity."""
    found: dict[str, Any] = {
        "entity": mention.kind,
        "value": mention.ids[0],
        "text": mention.text,
        "start": mention.start,
        "end": mention.end,
        "extractor": EXTRACTOR,
    }
    if len(mention.ids) > 1:
        found["candidates"] = list(mention.ids)
    return found
