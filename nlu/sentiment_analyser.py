"""Rasa's graph component for how pleased or upset a message is.

In config.yml, after the intent classifier:

    - name: nlu.sentiment_analyser.SentimentAnalyser

Sets `sentiment: {label, score}` on each message, the score from −1 to 1. Learnt from texts of
opinion (nlu/sentiment/<language>.yml) and from the examples of the intents, whose mood is plain
from what they mean. See nlu/sentiment_model.py.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.features import OPINIONS_FILE
from nlu.intent_classifier import HAN, HANGUL, KANA, LATIN, script
from nlu.sentiment_model import FORMAT, LABELS, NEGATIVE, NEUTRAL, POSITIVE, SentimentModel, label

SENTIMENT = "sentiment"
FOLDER = Path(__file__).parent / "sentiment"
BLOCKS = {
    HAN: ["characters", "opinions", "balance", "denied"],
    KANA: ["characters"],
    HANGUL: ["characters"],
    LATIN: ["words", "letters"],
}
# A review is several sentences, an opinion of the files mostly one: so many are put together from
# two or three of one mood, some with one of the other. In Chinese, where it could be measured.
_TOGETHER = {HAN: (2000, "，")}
_OF_BOTH = 0.3
_SEED = 20261129
_MOOD_OF = {"complain": NEGATIVE, "praise": POSITIVE, "thank": POSITIVE}
# Whose examples are told in anger as often as not.
_NO_MOOD = frozenset(
    {"report_defect", "report_wrong_or_missing_item", "report_delivery_problem", "urge_delivery"}
    | {"report_payment_problem", "request_human", "out_of_scope", "deny", "affirm"}
)


def opinions() -> list[tuple[str, str]]:
    """(text, label) of every opinion in the files."""
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        found += [(text, kind) for kind in LABELS for text in told.get(kind, [])]
    return found


def together(told: list[tuple[str, str]], count: int, joiner: str) -> list[tuple[str, str]]:
    """`count` reviews put together from opinions, the same ones each time.

    Two or three of one mood; in a share of `_OF_BOTH` one of the other stands first or second.
    """
    chance = random.Random(_SEED)
    by_mood = {kind: [text for text, has in told if has == kind] for kind in (POSITIVE, NEGATIVE)}
    made = []
    for _ in range(count):
        kind, other = chance.sample((POSITIVE, NEGATIVE), 2)
        parts = chance.choices(by_mood[kind], k=chance.choice((2, 3)))
        if chance.random() < _OF_BOTH:
            parts.insert(chance.randrange(2), chance.choice(by_mood[other]))
        made.append((joiner.join(parts), kind))
    return made


def fitted(training_data: TrainingData) -> dict[str, SentimentModel]:
    """A model for each way of writing, of the opinions and the intents' examples."""
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for text, told in [*opinions(), *_told(training_data)]:
        rows[script(text)].append((text, told))
    for written, (count, joiner) in _TOGETHER.items():
        told = [pair for pair in opinions() if script(pair[0]) == written]
        rows[written] += together(told, count, joiner)
    models = {}
    for written, examples in rows.items():
        texts, moods = zip(*examples, strict=True)
        if set(moods) == set(LABELS):
            models[written] = SentimentModel.fit(texts, moods, BLOCKS[written])
    return models


def mood(models: dict[str, SentimentModel], text: str) -> dict[str, Any]:
    """{label, score} of a text; without a letter or a model for its writing it has none."""
    model = models.get(script(text)) if any(map(str.isalpha, text)) else None
    score = round(model.score(text), 3) if model else 0.0
    return {"label": label(score), "score": score}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentimentAnalyser(GraphComponent):
    """Logistic regression on n-grams, one model for each way of writing."""

    def __init__(
        self,
        model_storage: ModelStorage,
        resource: Resource,
        models: dict[str, SentimentModel] | None = None,
    ) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._models = models or {}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentimentAnalyser:
        """A component that has yet to be trained."""
        return cls(model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str:
        """A hash of the model's form and of the files and words of opinion, so that a change of
        theirs is trained."""
        digest = hashlib.sha256(repr((FORMAT, BLOCKS, _TOGETHER, _OF_BOTH)).encode())
        for path in [*sorted(FOLDER.glob("*.yml")), OPINIONS_FILE]:
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the opinions and the intents' examples, and keep the models."""
        self._models = fitted(training_data)
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
    ) -> SentimentAnalyser:
        """The trained component."""
        with model_storage.read_from(resource) as folder:
            paths = [path for path in Path(folder).iterdir() if path.is_dir()]
            models = {path.name: SentimentModel.read(path) for path in paths}
        return cls(model_storage, resource, models)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set each message's sentiment."""
        for message in messages:
            found = mood(self._models, message.get(TEXT) or "")
            message.set(SENTIMENT, found, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """The training data as it is: nothing later is trained on sentiment."""
        return training_data


def _told(training_data: TrainingData) -> list[tuple[str, str]]:
    return [
        (example.get(TEXT), _MOOD_OF.get(example.get(INTENT), NEUTRAL))
        for example in training_data.intent_examples
        if example.get(TEXT) and example.get(INTENT) not in _NO_MOOD
    ]
