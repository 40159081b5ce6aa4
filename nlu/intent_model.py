"""The intent model: TF-IDF of n-grams, a linear SVM for each intent, calibrated confidences.

It knows nothing of Rasa: `IntentModel.fit(texts, intents)`, then `model.rank(text)`. Trained with
scikit-learn; at run time one message is a handful of dictionary look-ups and one sum over the rows
of the weight matrix, which takes a fraction of scikit-learn's own time for a single row.

Confidence: the SVMs' margins go through a softmax with a constant "none of these" term, which lets
all confidences be low at once when no SVM claims the message. Its two numbers are fitted on margins
of examples held out of training, twice over: held out by row, where the true intent should come out
likeliest, and held out by intent, where the true intent is one the SVMs have never heard of, and
"none of these" should. Shoppers ask such things all the time; a model calibrated on its own intents
alone is sure of everything.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from nlu.features import BLOCKS
from nlu.text import normalise

_FORMAT = 1
_FOLDS = 3
_SEED = 20261111

# The share of messages about things no intent covers that the confidences allow for.
_UNKNOWN_SHARE = 0.15


@dataclass(frozen=True)
class Calibration:
    """confidence_i = exp(slope·margin_i) / (exp(none) + Σ exp(slope·margin))"""

    slope: float
    none: float

    def confidences(self, margins: np.ndarray) -> np.ndarray:
        """Confidences of shape (rows, intents) from margins of the same shape; sums below 1."""
        logits = margins * self.slope
        top = np.maximum(logits.max(axis=1, keepdims=True), self.none)
        powers = np.exp(logits - top)
        return powers / (powers.sum(axis=1, keepdims=True) + np.exp(self.none - top))


class Vectoriser:
    """Messages to TF-IDF vectors: term weight (1 + ln tf)·idf, each vector of length 1."""

    def __init__(self, vocabulary: dict[str, int], idf: np.ndarray, blocks: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self.blocks = tuple(blocks)

    @staticmethod
    def terms(text: str, blocks: Sequence[str]) -> Counter[str]:
        """The n-grams of a message with their counts; a block's place sets its terms apart."""
        normal = normalise(text)
        return Counter(
            f"{place}{term}" for place, block in enumerate(blocks) for term in BLOCKS[block](normal)
        )

    @classmethod
    def fit(cls, texts: Sequence[str], blocks: Sequence[str], least_texts: int) -> Vectoriser:
        """Learn the terms that `least_texts` have, and how rare each is (scikit-learn's idf)."""
        documents: Counter[str] = Counter()
        for text in texts:
            documents.update(cls.terms(text, blocks).keys())
        common = sorted(term for term, texts_with in documents.items() if texts_with >= least_texts)
        vocabulary = {term: column for column, term in enumerate(common)}
        frequency = np.fromiter((documents[term] for term in vocabulary), float, len(vocabulary))
        idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
        return cls(vocabulary, idf.astype(np.float32), blocks)

    def columns(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """The known terms of one message: their columns, and their weights."""
        look_up = self.vocabulary.get
        found = [
            (column, count)
            for term, count in self.terms(text, self.blocks).items()
            if (column := look_up(term)) is not None
        ]
        if not found:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)
        columns = np.fromiter((column for column, _ in found), np.intp, len(found))
        counts = np.fromiter((1 + math.log(count) for _, count in found), np.float32, len(found))
        weights = counts * self.idf[columns]
        return columns, weights / np.linalg.norm(weights)

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """TF-IDF of shape (texts, terms)."""
        rows = [self.columns(text) for text in texts]
        ends = np.cumsum([0] + [len(columns) for columns, _ in rows])
        return csr_matrix(
            (
                np.concatenate([weights for _, weights in rows]),
                np.concatenate([columns for columns, _ in rows]),
                ends,
            ),
            shape=(len(texts), len(self.vocabulary)),
        )


class IntentModel:
    """Ranks the intents of a message by confidence."""

    def __init__(
        self,
        vectoriser: Vectoriser,
        intents: Sequence[str],
        weights: np.ndarray,
        bias: np.ndarray,
        calibration: Calibration,
    ) -> None:
        self.vectoriser = vectoriser
        self.intents = list(intents)
        self.weights = weights  # (terms, intents)
        self.bias = bias  # (intents,)
        self.calibration = calibration

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        intents: Sequence[str],
        *,
        c: float = 1.0,
        blocks: Sequence[str] = tuple(BLOCKS),
        least_texts: int = 2,
    ) -> IntentModel:
        """Train on one intent a text.

        `c`: how little the SVMs forgive; `blocks`: which n-grams (nlu/features.py); `least_texts`:
        terms that fewer texts have are left out, which makes the model several times smaller.
        Raises ValueError when fewer than two intents are given, or a block is unknown.
        """
        names = sorted(set(intents))
        if len(names) < 2:
            raise ValueError(f"an intent model needs two intents or more; found {names}")
        unknown = [block for block in blocks if block not in BLOCKS]
        if unknown:
            raise ValueError(f"unknown feature blocks {unknown}; there are {sorted(BLOCKS)}")
        vectoriser = Vectoriser.fit(texts, blocks, least_texts)
        matrix = vectoriser.matrix(texts)
        labels = np.searchsorted(names, intents)
        known = _margins_without_row(matrix, labels, len(names), c)
        strange = _margins_without_intent(matrix, labels, len(names), c)
        weights, bias = _train(matrix, labels, len(names), c)
        calibration = _calibrate(known, labels, strange)
        return cls(vectoriser, names, weights.astype(np.float32), bias, calibration)

    def margins(self, text: str) -> np.ndarray:
        """How far on each intent's side of its hyperplane a message lies, shape (intents,)."""
        columns, weights = self.vectoriser.columns(text)
        return weights @ self.weights[columns] + self.bias

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Every intent with its confidence in [0, 1], the likeliest first."""
        confidences = self.calibration.confidences(self.margins(text)[None, :])[0]
        order = np.argsort(-confidences, kind="stable")
        return [(self.intents[place], float(confidences[place])) for place in order]

    def save(self, folder: Path) -> None:
        """Write the model as plain arrays and JSON: nothing in it is executed when it is read."""
        np.savez(
            folder / "weights.npz",
            idf=self.vectoriser.idf,
            weights=self.weights,
            bias=self.bias,
        )
        facts = {
            "format": _FORMAT,
            "intents": self.intents,
            "blocks": list(self.vectoriser.blocks),
            "slope": self.calibration.slope,
            "none": self.calibration.none,
            "terms": list(self.vectoriser.vocabulary),
        }
        (folder / "model.json").write_text(json.dumps(facts, ensure_ascii=False), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> IntentModel:
        """Read what `save` wrote; raises ValueError for another format."""
        facts = json.loads((folder / "model.json").read_text("utf-8"))
        if facts["format"] != _FORMAT:
            raise ValueError(
                f"{folder}: intent model of format {facts['format']}, expected {_FORMAT}; "
                "train again"
            )
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            idf, weights, bias = arrays["idf"], arrays["weights"], arrays["bias"]
        vocabulary = {term: column for column, term in enumerate(facts["terms"])}
        vectoriser = Vectoriser(vocabulary, idf, facts["blocks"])
        calibration = Calibration(facts["slope"], facts["none"])
        return cls(vectoriser, facts["intents"], weights, bias, calibration)


def _train(
    matrix: csr_matrix, labels: np.ndarray, intents: int, c: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (terms, intents) and bias (intents,) of one linear SVM for each intent.

    An intent that no label names gets a margin that is never the highest.
    """
    present = np.unique(labels)
    svm = LinearSVC(C=c, random_state=_SEED).fit(matrix, labels)
    found, offsets = svm.coef_, svm.intercept_
    if len(present) == 2:  # scikit-learn keeps one hyperplane for two classes
        found, offsets = np.vstack([-found, found]), np.concatenate([-offsets, offsets])
    weights = np.zeros((matrix.shape[1], intents))
    bias = np.full(intents, -np.inf, dtype=np.float32)
    weights[:, present] = found.T
    bias[present] = offsets
    return weights, bias


def _margins_without_row(
    matrix: csr_matrix, labels: np.ndarray, intents: int, c: float
) -> np.ndarray:
    """Margins (rows, intents) of each row by SVMs that have not seen it."""
    folds = min(_FOLDS, int(np.bincount(labels).min()))
    if folds < 2:  # an intent with one example cannot be held out
        weights, bias = _train(matrix, labels, intents, c)
        return np.asarray(matrix @ weights) + bias
    splits = StratifiedKFold(folds, shuffle=True, random_state=_SEED).split(matrix, labels)
    return _held_out(matrix, labels, intents, c, splits)


def _margins_without_intent(
    matrix: csr_matrix, labels: np.ndarray, intents: int, c: float
) -> np.ndarray:
    """Margins (rows, intents) of each row by SVMs that have never heard of its intent.

    No rows (shape (0, intents)) with fewer than four intents: too few would be left to choose from.
    """
    if intents < 4:
        return np.empty((0, intents))
    group = np.random.default_rng(_SEED).permutation(intents) % min(_FOLDS, intents // 2)
    of_row = group[labels]
    splits = [(np.flatnonzero(of_row != g), np.flatnonzero(of_row == g)) for g in np.unique(group)]
    return _held_out(matrix, labels, intents, c, splits)


def _held_out(
    matrix: csr_matrix,
    labels: np.ndarray,
    intents: int,
    c: float,
    splits: Iterable[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    margins = np.zeros((matrix.shape[0], intents))
    for seen, unseen in splits:
        weights, bias = _train(matrix[seen], labels[seen], intents, c)
        margins[unseen] = np.asarray(matrix[unseen] @ weights) + bias
    return margins


def _calibrate(known: np.ndarray, labels: np.ndarray, strange: np.ndarray) -> Calibration:
    """The slope and constant of least mean log loss.

    `known`: margins whose true intents are `labels`; `strange`: margins of messages that no intent
    covers. The latter count _UNKNOWN_SHARE of the whole, however many there are.
    """
    rows = np.arange(len(labels))

    def loss(parameters: np.ndarray) -> float:
        calibration = Calibration(math.exp(parameters[0]), float(parameters[1]))
        right = calibration.confidences(known)[rows, labels]
        of_known = -np.log(np.maximum(right, 1e-12)).mean()
        if not len(strange):
            return float(of_known)
        none = 1 - calibration.confidences(strange).sum(axis=1)
        of_strange = -np.log(np.maximum(none, 1e-12)).mean()
        return float((1 - _UNKNOWN_SHARE) * of_known + _UNKNOWN_SHARE * of_strange)

    best = minimize(loss, np.array([1.0, -2.0]), method="Nelder-Mead")
    return Calibration(math.exp(best.x[0]), float(best.x[1]))
