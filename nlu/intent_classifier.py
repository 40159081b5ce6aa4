"""Rasa's graph component around the intent model.

In config.yml:

    pipeline:
    - name: nlu.intent_classifier.IntentClassifier

It reads the message's text itself, so it needs no tokenizer or featurizer before it, and any
number of languages and scripts may come.
"""

from __future__ import annotations

import logging
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaIntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu import features
from nlu.intent_model import IntentModel

logger = logging.getLogger(__name__)

RANKING = "intent_ranking"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(GraphComponent, RasaIntentClassifier):
    """Linear SVMs on n-grams with calibrated confidence; see nlu/intent_model.py."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The component's settings."""
        return {
            # How little the SVMs may forgive: larger fits the examples more closely.
            "c": 1.0,
            # Which n-grams are features; see nlu/features.py.
            "blocks": list(features.BLOCKS),
            # Terms that fewer examples have than this are left out.
            "least_texts": 2,
            # How many intents a message's ranking names.
            "ranking_length": 10,
        }

    @staticmethod
    def required_packages() -> list[str]:
        """What must be installed for this component."""
        return ["sklearn", "pypinyin"]

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: IntentModel | None = None,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._model = model
        features.prepare()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentClassifier:
        """A component that has yet to be trained."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every example that has a text and an intent, and keep the model."""
        examples = [
            (example.get(TEXT), example.get(INTENT))
            for example in training_data.intent_examples
            if example.get(TEXT)
        ]
        if len({intent for _, intent in examples}) < 2:
            logger.warning(
                "The intent classifier was not trained: it needs examples of two intents or more, "
                "found %d example(s).",
                len(examples),
            )
            return self._resource
        texts, intents = zip(*examples, strict=True)
        self._model = IntentModel.fit(
            texts,
            intents,
            c=float(self._config["c"]),
            blocks=self._config["blocks"],
            least_texts=int(self._config["least_texts"]),
        )
        with self._model_storage.write_to(self._resource) as folder:
            self._model.save(folder)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> IntentClassifier:
        """The trained component, or an untrained one (with a warning) if nothing was kept."""
        try:
            with model_storage.read_from(resource) as folder:
                return cls(config, model_storage, resource, IntentModel.read(folder))
        except ValueError as error:
            logger.warning("The intent classifier has no trained model: %s", error)
            return cls.create(config, model_storage, resource, execution_context)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set each message's intent and intent ranking; confidences are in [0, 1]."""
        for message in messages:
            text = message.get(TEXT) or ""
            ranked = self._model.rank(text) if self._model and text.strip() else []
            ranking = [{"name": name, "confidence": value} for name, value in ranked]
            best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
            message.set(INTENT, best, add_to_output=True)
            message.set(RANKING, ranking[: self._config["ranking_length"]], add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Predictions on the training data, for components trained after this one."""
        self.process(training_data.training_examples)
        return training_data
