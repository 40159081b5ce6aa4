"""Rasa's graph component that cuts a message into tokens, in whatever script it is written.

For pipelines whose featurizers need tokens (config.bert.yml):

    - name: nlu.script_tokenizer.ScriptTokenizer

A Han character is a token by itself, as in BERT's own vocabularies; kana, hangul and Latin letters
are taken in runs, numbers whole, marks one by one. Blanks are no tokens: Rasa's JiebaTokenizer
keeps them, which breaks language models (RasaHQ/rasa#7406), and it cuts Korean and kana into single
letters.
"""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

_TOKEN = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff]"
    r"|[\u3041-\u309f]+|[\u30a0-\u30ff\uff66-\uff9f]+"
    r"|[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]+"
    r"|\d+(?:[.,:/-]\d+)*"
    r"|[^\W\d_]+?(?=[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\d_]|\W|$)"
    r"|[^\w\s]|_"
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class ScriptTokenizer(Tokenizer):
    """Tokens by script."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The component's settings: those of every tokenizer of Rasa."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
        }

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """The tokens of a message's attribute with their places in it."""
        text = message.get(attribute) or ""
        tokens = [Token(found[0], found.start()) for found in _TOKEN.finditer(text)]
        return self._apply_token_pattern(tokens)
