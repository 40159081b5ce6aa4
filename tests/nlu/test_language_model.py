"""A pretrained model, on a tiny one that is made here: tokens, features, a clear error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from nlu.language_model import LanguageModel
from nlu.script_tokenizer import ScriptTokenizer

CONTEXT = ExecutionContext(GraphSchema({}))
CHARACTERS = "我要退货款鞋有吗什么时候发"


def tokens(text: str) -> list[str]:
    tokenizer = ScriptTokenizer(ScriptTokenizer.get_default_config())
    return [token.text for token in tokenizer.tokenize(Message({TEXT: text}), TEXT)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要退货", ["我", "要", "退", "货"]),
        ("这个 in stock 吗?", ["这", "个", "in", "stock", "吗", "?"]),
        ("S12 Proの在庫ありますか", ["S", "12", "Pro", "の", "在", "庫", "ありますか"]),
        ("サイズ42で", ["サイズ", "42", "で"]),
        ("환불해 주세요!", ["환불해", "주세요", "!"]),
        ("¥1,299.00", ["¥", "1,299.00"]),
        ("  \u3000 ", []),
    ],
)
def test_tokens_go_by_script_and_blanks_are_none(text, expected):
    assert tokens(text) == expected


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A BERT of one layer with untrained weights, on disk as Hugging Face keeps it."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS, "in", "stock"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    model = transformers.TFBertModel(config)
    model(model.dummy_inputs)
    model.save_pretrained(folder)
    return folder


def featurizer(weights: str) -> LanguageModel:
    config = {
        **LanguageModel.get_default_config(),
        "model_name": "bert",
        "model_weights": weights,
        "alias": "bert",
    }
    return LanguageModel.create(config, None, None, CONTEXT)


def test_a_message_gets_a_vector_a_token_and_one_for_all(weights):
    message = Message({TEXT: "我要退货 in stock 吗"})
    ScriptTokenizer(ScriptTokenizer.get_default_config()).process([message])
    featurizer(str(weights)).process([message])
    sequence, sentence = message.get_dense_features(TEXT, [])
    assert sequence.features.shape == (7, 32)
    assert sentence.features.shape == (1, 32)


def test_weights_that_are_nowhere_are_told_in_one_sentence(tmp_path):
    with pytest.raises(RasaException, match=r"no weights '.*nowhere' of a bert model: expected"):
        featurizer(str(tmp_path / "nowhere"))


def test_the_pipeline_names_what_there_is():
    from rasa.shared.utils.common import class_from_module_path

    config = yaml.safe_load(Path("config.bert.yml").read_text(encoding="utf-8"))
    assert config["pipeline"][1]["model_weights"] == "bert-base-chinese"
    for part in (*config["pipeline"], *config["policies"], *config["importers"]):
        assert class_from_module_path(part["name"])
