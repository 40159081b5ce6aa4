"""Rasa's graph component that says which language a message is in.

In config.yml, after the graph linker:

    - name: nlu.language_recogniser.LanguageRecogniser

Sets `language` (an ISO code, or null where nothing is said) on the message. A message that is
surely in a language has the entity `language` as well, from which the slot of that name is filled
before anything is answered; one that asks for a language (English please) gets intent `inform`
with that entity, marked `asked`. See nlu/languages.py.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu import languages
from nlu.intent_classifier import RANKING
from nlu.languages import NATIVE, Recognised, recognise

EXTRACTOR = "LanguageRecogniser"
LANGUAGE = "language"
# What a detail asked for means when it is a language.
ASKING = "inform"
_FILE = "english.json"
_WORD = re.compile(r"[a-z'’]{2,}")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class LanguageRecogniser(GraphComponent):
    """Tells the language of each message; learns English words from the examples in English."""

    def __init__(
        self, model_storage: ModelStorage, resource: Resource, english: frozenset[str] = frozenset()
    ) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._english = english
        languages.warm()

    @staticmethod
    def required_packages() -> list[str]:
        """What must be installed for this component (lingua's package has another name than its
        module, which Rasa cannot tell apart)."""
        return ["opencc"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LanguageRecogniser:
        """A component that has yet to be trained."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Keep the words of the examples that are written in Latin letters alone."""
        texts = [example.get(TEXT) or "" for example in training_data.intent_examples]
        found = {
            word.replace("’", "'")
            for text in texts
            if all(character < "\u0250" or not character.isalpha() for character in text)
            for word in _WORD.findall(text.lower())
        }
        self._english = frozenset(found)
        with self._model_storage.write_to(self._resource) as folder:
            (folder / _FILE).write_text(json.dumps(sorted(found)), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LanguageRecogniser:
        """The trained component."""
        with model_storage.read_from(resource) as folder:
            english = frozenset(json.loads((folder / _FILE).read_text(encoding="utf-8")))
        return cls(model_storage, resource, english)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `language`, and the entity where it is sure."""
        for message in messages:
            text = message.get(TEXT) or ""
            found = recognise(_without_names(text, message.get(ENTITIES, [])), self._english)
            message.set(LANGUAGE, found.code, add_to_output=True)
            if found.code:
                entities = [*message.get(ENTITIES, []), _entity(found, text)]
                message.set(ENTITIES, entities, add_to_output=True)
            if found.asked:
                sure = {"name": ASKING, "confidence": 1.0}
                others = [one for one in message.get(RANKING, []) if one["name"] != ASKING]
                message.set(INTENT, sure, add_to_output=True)
                rest = [{**one, "confidence": 0.0} for one in others]
                message.set(RANKING, [sure, *rest], add_to_output=True)
        return messages


def _without_names(text: str, entities: list[dict[str, Any]]) -> str:
    """The text without the names of products and brands, which are the same in any language."""
    kept = list(text)
    for entity in entities:
        if entity["entity"] in ("product", "brand", "series"):
            width = entity["end"] - entity["start"]
            kept[entity["start"] : entity["end"]] = " " * width
    rest = "".join(kept)
    return rest if any(map(str.isalpha, rest)) else text


def _entity(found: Recognised, text: str) -> dict[str, Any]:
    return {
        "entity": LANGUAGE,
        # What is answered in another language than these is answered in English or translated.
        "value": found.code,
        "native": found.code in NATIVE,
        "asked": found.asked,
        "start": 0,
        "end": len(text),
        "extractor": EXTRACTOR,
    }
