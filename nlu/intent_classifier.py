"""Rasa's graph component around the intent models.

In config.yml:

    pipeline:
    - name: nlu.intent_classifier.IntentClassifier

It reads the message's text itself, so it needs no tokenizer or featurizer before it. There is one
model for each way of writing (Han characters, kana, hangul, Latin letters), trained on the examples
written so, because what tells intents apart in one is noise in another. English words in a Chinese
message (这个 in stock 吗) are read in Chinese where they are known (nlu/mixed.py); one with several
that are not is read by both models.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaIntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from kg.text import HAN_LETTER, HANGUL_LETTER, KANA_LETTER
from nlu import features
from nlu.intent_model import FORMAT, IntentModel
from nlu.mixed import in_chinese

logger = logging.getLogger(__name__)

RANKING = "intent_ranking"
HAN, KANA, HANGUL, LATIN = "han", "kana", "hangul", "latin"
_WORD = re.compile(r"[A-Za-z]{2,}")
# What was typed as a command has lost its slash (connectors/guard.py), and is no wish in words.
_COMMAND = re.compile(r"\s*／\w")
# So many unknown English words beside Chinese are not a name or a unit any more.
_WORDS_BESIDE = 2

Ranking = list[tuple[str, float]]


def script(text: str) -> str:
    """The way of writing whose model reads a text; without a letter it is that of Chinese."""
    if HANGUL_LETTER.search(text):
        return HANGUL
    if KANA_LETTER.search(text):
        return KANA
    return LATIN if not HAN_LETTER.search(text) and re.search(r"[A-Za-z]", text) else HAN


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(GraphComponent, RasaIntentClassifier):
    """Linear SVMs on n-grams with calibrated confidence; see nlu/intent_model.py."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The component's settings."""
        return {
            # How little the SVMs may forgive: larger fits the examples more closely.
            "c": 1.0,
            # For each way of writing: which n-grams are features (nlu/features.py), and in how
            # many examples a term must be.
            HAN: {
                "blocks": ["characters", "sounds", "concepts", "concept_pairs"],
                "least_texts": 2,
            },
            KANA: {"blocks": ["characters"], "least_texts": 1},
            HANGUL: {"blocks": ["characters"], "least_texts": 1},
            LATIN: {"blocks": ["words", "letters"], "least_texts": 1},
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
        models: dict[str, IntentModel] | None = None,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._models = models or {}
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

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str:
        """The model's form, so that none of an older one is taken from the cache."""
        return f"format {FORMAT}"

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every example that has a text and an intent, and keep the models."""
        examples: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for example in training_data.intent_examples:
            if example.get(TEXT):
                written = script(example.get(TEXT))
                examples[written].append((example.get(TEXT), example.get(INTENT)))
        for written, rows in examples.items():
            if len({intent for _, intent in rows}) < 2:
                logger.warning(
                    "No intent classifier was trained for %s: it needs examples of two intents or "
                    "more, found %d example(s).",
                    written,
                    len(rows),
                )
                continue
            texts, intents = zip(*rows, strict=True)
            settings = self._config[written]
            self._models[written] = IntentModel.fit(
                texts,
                intents,
                c=float(self._config["c"]),
                blocks=settings["blocks"],
                least_texts=int(settings["least_texts"]),
            )
        with self._model_storage.write_to(self._resource) as folder:
            for written, model in self._models.items():
                model.save(folder / written)
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
                paths = [path for path in Path(folder).iterdir() if path.is_dir()]
                models = {path.name: IntentModel.read(path) for path in paths}
                return cls(config, model_storage, resource, models)
        except ValueError as error:
            logger.warning("The intent classifier has no trained model: %s", error)
            return cls.create(config, model_storage, resource, execution_context)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set each message's intent and intent ranking; confidences are in [0, 1]."""
        for message in messages:
            text = message.get(TEXT) or ""
            said = text.strip() and not _COMMAND.match(text)
            ranked = self._rank(text) if said else []
            ranking = [{"name": name, "confidence": value} for name, value in ranked]
            best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
            message.set(INTENT, best, add_to_output=True)
            message.set(RANKING, ranking, add_to_output=True)
        return messages

    def _rank(self, text: str) -> Ranking:
        written = script(text)
        # A way of writing that no example has is read as the one there is most of.
        model = self._models.get(written) or self._models.get(HAN) or self._models.get(LATIN)
        if model is None:
            return []
        most = self._config["ranking_length"]
        english = _WORD.findall(text) if written == HAN and HAN_LETTER.search(text) else []
        if not english:
            return model.rank(text, most)
        known = in_chinese(text)
        if len(_WORD.findall(known)) < _WORDS_BESIDE or LATIN not in self._models:
            return model.rank(known, most)
        share = len(english) / (len(english) + len(HAN_LETTER.findall(text)))
        return _mixed(model.rank(known), self._models[LATIN].rank(" ".join(english)), share)[:most]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Predictions on the training data, for components trained after this one."""
        self.process(training_data.training_examples)
        return training_data


def _mixed(first: Ranking, second: Ranking, share: float) -> Ranking:
    """Two readings of one message, the second counting for its share."""
    confidence = {name: (1 - share) * value for name, value in first}
    for name, value in second:
        confidence[name] = confidence.get(name, 0.0) + share * value
    return sorted(confidence.items(), key=lambda ranked: -ranked[1])
