"""Rasa's LanguageModelFeaturizer, which says in one sentence when it has no weights.

    - name: nlu.language_model.LanguageModel
      model_name: bert
      model_weights: bert-base-chinese      # a name known to Hugging Face, or a folder

Needs the package `transformers` (the project's extra `bert`).
"""

from __future__ import annotations

import importlib.util

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.featurizers.dense_featurizer.lm_featurizer import LanguageModelFeaturizer
from rasa.shared.exceptions import RasaException

# Models that a mark opens and another closes.
_MARKED = ("bert", "distilbert")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class LanguageModel(LanguageModelFeaturizer):
    """Dense features of a pretrained language model."""

    def _load_model_instance(self) -> None:
        """Load tokenizer and model.

        Raises:
            RasaException: `transformers` is not installed, or there are no weights of that name.
        """
        if importlib.util.find_spec("transformers") is None:
            raise RasaException(
                "The language model needs the package transformers: install the project's extra "
                "`bert` (pip install -e '.[bert]')."
            )
        try:
            super()._load_model_instance()
        except (OSError, ValueError) as error:
            raise RasaException(
                f"There are no weights {self.model_weights!r} of a {self.model_name} model: "
                "expected a folder with config.json, vocabulary and tf_model.h5, or a name that "
                f"Hugging Face can be asked for from here ({type(error).__name__})."
            ) from error

    def _add_lm_specific_special_tokens(self, token_ids: list[list[int]]) -> list[list[int]]:
        """The tokens with the model's own marks at both ends.

        Rasa puts the numbers that these marks have in Google's vocabularies, which others' lack.
        """
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        if self.model_name not in _MARKED or start is None or end is None:
            return super()._add_lm_specific_special_tokens(token_ids)
        return [[start, *ids, end] for ids in token_ids]
