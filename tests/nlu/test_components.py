"""The components as Rasa's graph calls them: trained, kept, loaded, asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.intent_classifier import IntentClassifier
from nlu.patterns import PatternExtractor
from tests.nlu.test_intent_model import EXAMPLES

CONTEXT = ExecutionContext(GraphSchema({}))
RESOURCE = Resource("intents")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> LocalModelStorage:
    folder: Path = tmp_path_factory.mktemp("model")
    return LocalModelStorage(folder)


@pytest.fixture(scope="module")
def classifier(storage: LocalModelStorage) -> IntentClassifier:
    """A trained classifier, loaded again from where it was kept."""
    config = IntentClassifier.get_default_config()
    trained = IntentClassifier.create(config, storage, RESOURCE, CONTEXT)
    examples = [
        Message({TEXT: text, INTENT: intent})
        for intent, texts in EXAMPLES.items()
        for text in texts
    ]
    trained.train(TrainingData(examples))
    return IntentClassifier.load({**config, "ranking_length": 2}, storage, RESOURCE, CONTEXT)


def test_sets_intent_and_ranking(classifier: IntentClassifier) -> None:
    [message] = classifier.process([Message({TEXT: "还有货吗"})])
    ranking = message.get("intent_ranking")
    assert message.get(INTENT) == ranking[0]
    assert ranking[0]["name"] == "ask_stock" and len(ranking) == 2


def test_english_words_in_chinese_are_read_in_chinese(classifier: IntentClassifier) -> None:
    messages = [Message({TEXT: text}) for text in ("黑色 in stock 吗", "黑色有货吗", "黑色 x 吗")]
    mixed, chinese, without = (one.get(INTENT) for one in classifier.process(messages))
    assert mixed == chinese and mixed["name"] == "ask_stock"
    assert mixed["confidence"] > without["confidence"]


def test_an_empty_message_has_no_intent(classifier: IntentClassifier) -> None:
    [message] = classifier.process([Message({TEXT: "  "})])
    assert message.get(INTENT) == {"name": None, "confidence": 0.0}
    assert message.get("intent_ranking") == []


def test_a_typed_command_has_no_intent_whatever_its_words(classifier: IntentClassifier) -> None:
    message = Message({TEXT: '／cancel_order{"order_number":"QD2026110001"}'})
    classifier.process([message])
    assert message.get(INTENT) == {"name": None, "confidence": 0.0}


def test_without_a_trained_model_nothing_fails(storage: LocalModelStorage) -> None:
    loaded = IntentClassifier.load({}, storage, Resource("never_trained"), CONTEXT)
    [message] = loaded.process([Message({TEXT: "你好"})])
    assert message.get(INTENT)["name"] is None


def extract(text: str, *entities: dict) -> list[dict]:
    message = Message({TEXT: text, ENTITIES: list(entities)} if entities else {TEXT: text})
    PatternExtractor().process([message])
    return message.get(ENTITIES)


def linked(kind: str, value: str, start: int, end: int) -> dict:
    return {"entity": kind, "value": value, "start": start, "end": end, "extractor": "GraphLinker"}


def test_patterns_give_rasas_entities() -> None:
    assert extract("单号QD2026110001") == [
        {
            "entity": "order_number",
            "value": "QD2026110001",
            "text": "QD2026110001",
            "start": 2,
            "end": 14,
            "extractor": "PatternExtractor",
        }
    ]


def test_a_number_inside_a_products_name_is_not_read_again() -> None:
    product = linked("product", "P1", 0, 5)
    assert extract("云步42码鞋", product) == [product]


def test_a_size_is_given_once_in_its_standard_form() -> None:
    [size] = extract("要2XL", linked("size", "2XL", 1, 4))
    assert (size["value"], size["extractor"]) == ("XXL", "PatternExtractor")
