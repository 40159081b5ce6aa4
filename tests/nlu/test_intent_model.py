"""The intent model on a few sentences: it learns, knows how sure it is, and can be kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from nlu.features import BLOCKS
from nlu.grams import EDGE
from nlu.intent_model import IntentModel

EXAMPLES = {
    "ask_stock": ["什么时候补货", "这款还有货吗", "42码没货了吗", "几时能到货", "缺货到什么时候"],
    "request_refund": ["我要退款", "把钱退给我", "申请退款", "能退钱吗", "给我退款吧"],
    "greet": ["你好", "在吗", "您好呀", "有人在吗", "哈喽"],
}


@pytest.fixture(scope="module")
def model() -> IntentModel:
    texts = [text for texts in EXAMPLES.values() for text in texts]
    intents = [intent for intent, texts in EXAMPLES.items() for _ in texts]
    return IntentModel.fit(texts, intents, blocks=list(BLOCKS))


@pytest.mark.parametrize(
    ("text", "intent"),
    [("还有货没", "ask_stock"), ("退款!!!", "request_refund"), ("在嘛", "greet")],
)
def test_learns(model: IntentModel, text: str, intent: str) -> None:
    assert model.rank(text)[0][0] == intent


def test_ranks_every_intent_with_falling_confidences(model: IntentModel) -> None:
    ranking = model.rank("请问什么时候补货呀")
    confidences = [confidence for _, confidence in ranking]
    assert {intent for intent, _ in ranking} == set(EXAMPLES)
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert sum(confidences) <= 1 + 1e-6


def test_is_less_sure_of_what_it_has_never_seen(model: IntentModel) -> None:
    assert model.rank("zzz")[0][1] < model.rank("我要退款")[0][1]


def test_is_the_same_after_being_kept(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = IntentModel.read(tmp_path)
    for text in ("还有货没", "把钱给我退了", ""):
        assert again.rank(text) == pytest.approx(model.rank(text))


def test_margins_are_those_of_scikit_learn_though_kept_in_16_bits() -> None:
    texts = [text for texts in EXAMPLES.values() for text in texts]
    intents = [intent for intent, texts in EXAMPLES.items() for _ in texts]
    model = IntentModel.fit(texts, intents, blocks=["characters"], least_texts=1)
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    # As nlu/text.py writes a number.
    known = vectoriser.fit_transform([f"{EDGE}{text}{EDGE}".replace("42", "0") for text in texts])
    svm = LinearSVC(C=1.0, random_state=0).fit(known, intents)
    for text in ("还有货没有货", "退钱"):
        expected = svm.decision_function(vectoriser.transform([f"{EDGE}{text}{EDGE}"]))[0]
        margins, _ = model.margins(text)
        assert dict(zip(model.intents, margins, strict=True)) == pytest.approx(
            dict(zip(svm.classes_, expected, strict=True)), abs=2e-3
        )
    assert model.weights.dtype == np.int16
    assert (np.abs(model.weights).max(axis=0) == np.iinfo(np.int16).max).all()


def test_says_so_when_the_format_is_another(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text("utf-8"))
    (tmp_path / "model.json").write_text(json.dumps({**facts, "format": 0}), "utf-8")
    with pytest.raises(ValueError, match="format 0"):
        IntentModel.read(tmp_path)


@pytest.mark.parametrize(
    ("texts", "intents", "blocks", "message"),
    [
        (["a", "b"], ["one", "one"], ["characters"], "two intents"),
        (["a", "b"], ["one", "two"], ["syllables"], "syllables"),
    ],
)
def test_refuses_what_it_cannot_learn_from(texts, intents, blocks, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IntentModel.fit(texts, intents, blocks=blocks)


def test_two_intents_are_enough() -> None:
    model = IntentModel.fit(
        ["你好", "您好", "再见", "拜拜"],
        ["greet", "greet", "goodbye", "goodbye"],
        blocks=["characters"],
    )
    assert model.rank("您好")[0][0] == "greet"
    assert model.rank("再见")[0][0] == "goodbye"
