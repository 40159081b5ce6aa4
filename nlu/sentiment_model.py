"""How pleased or upset a text is: logistic regression on n-grams, three classes.

It knows nothing of Rasa: `SentimentModel.fit(texts, labels)`, then `model.score(text)`. A score is
the chance that the text is positive less the chance that it is negative, from −1 to 1. Questions
and details are neutral, so that 没货了 is news and not a mood.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlu.vectors import Vectoriser, terms

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
LABELS = (NEGATIVE, NEUTRAL, POSITIVE)
# From this score on a text has a mood.
CLEAR = 0.35
FORMAT = 3
_SEED = 20261129


class SentimentModel:
    """Scores texts written in one way (Han, kana, hangul or Latin)."""

    def __init__(self, vectoriser: Vectoriser, weights: np.ndarray, bias: np.ndarray) -> None:
        self.vectoriser = vectoriser
        self.weights = weights  # (terms, 3), in the order of LABELS
        self.bias = bias  # (3,)

    @classmethod
    def fit(
        cls, texts: Sequence[str], labels: Sequence[str], blocks: Sequence[str], c: float = 2.0
    ) -> SentimentModel:
        """Train on one label a text; `c`: how little the model forgives.

        Raises:
            ValueError: a label of LABELS has no text, or there is another label.
        """
        # Only training needs it: a server starts sooner, and in 35 MB less.
        from sklearn.linear_model import LogisticRegression

        if set(labels) != set(LABELS):
            raise ValueError(f"sentiment: expected texts of {LABELS}, found {sorted(set(labels))}")
        counted = [terms(text, blocks) for text in texts]
        vectoriser = Vectoriser.fit(counted, blocks, least_texts=2)
        matrix, _ = vectoriser.matrix(counted)
        model = LogisticRegression(
            C=c, class_weight="balanced", max_iter=300, random_state=_SEED, solver="lbfgs"
        )
        model.fit(matrix, np.array(labels))
        order = [list(model.classes_).index(label) for label in LABELS]
        return cls(
            vectoriser,
            model.coef_[order].T.astype(np.float32),
            model.intercept_[order].astype(np.float32),
        )

    def score(self, text: str) -> float:
        """From −1 (certainly upset) to 1 (certainly pleased)."""
        columns, values, _ = self.vectoriser.vector(text)
        logits = (values @ self.weights[columns] + self.bias).tolist()
        most = max(logits)
        negative, neutral, positive = (math.exp(one - most) for one in logits)
        return (positive - negative) / (negative + neutral + positive)

    def save(self, folder: Path) -> None:
        """Write the model as plain arrays and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / "weights.npz",
            terms=self.vectoriser.vocabulary,
            idf=self.vectoriser.idf,
            weights=self.weights,
            bias=self.bias,
        )
        facts = {"format": FORMAT, "blocks": list(self.vectoriser.blocks)}
        (folder / "model.json").write_text(json.dumps(facts, ensure_ascii=False), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> SentimentModel:
        """Read what `save` wrote; raises ValueError for another format."""
        facts = json.loads((folder / "model.json").read_text("utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(f"{folder}: sentiment model of format {facts['format']}: train again")
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            vectoriser = Vectoriser(arrays["terms"], arrays["idf"], facts["blocks"])
            return cls(vectoriser, arrays["weights"], arrays["bias"])


def label(score: float) -> str:
    """The label of a score."""
    if abs(score) < CLEAR:
        return NEUTRAL
    return POSITIVE if score > 0 else NEGATIVE
