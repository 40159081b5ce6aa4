"""The intent model: TF-IDF of n-grams, a linear SVM for each intent, calibrated confidences.

It knows nothing of Rasa: `IntentModel.fit(texts, intents)`, then `model.rank(text)`. Trained with
scikit-learn; at run time one message is a search in a sorted array and one sum over the rows of the
weight matrix, which takes a fraction of scikit-learn's own time for a single row. Weights are kept
in 16 bits, each intent's on a scale of its own: they are most of what an assistant has in memory.
How sure it is: nlu/confidence.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from nlu.confidence import Calibration, calibrate
from nlu.features import BLOCKS
from nlu.vectors import Terms, Vectoriser, terms

FORMAT = 4
_FOLDS = 3
_SEED = 20261111
# With fewer intents too few would be left to choose from, were some held out.
_FEWEST = 4

# Weights are whole numbers from -_MOST to _MOST.
_MOST = 32767

Held = tuple[np.ndarray, np.ndarray]


class IntentModel:
    """Ranks the intents of a message by confidence."""

    def __init__(
        self,
        vectoriser: Vectoriser,
        intents: Sequence[str],
        weights: np.ndarray,
        scale: np.ndarray,
        bias: np.ndarray,
        calibration: Calibration,
    ) -> None:
        self.vectoriser = vectoriser
        self.intents = list(intents)
        self.weights = weights  # (terms, intents), int16, to be multiplied by
        self.scale = scale  # (intents,)
        self.bias = bias  # (intents,)
        self.calibration = calibration

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        intents: Sequence[str],
        *,
        c: float = 1.0,
        blocks: Sequence[str] = ("characters", "sounds", "concepts", "concept_pairs"),
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
        counted = [terms(text, blocks) for text in texts]
        labels = np.searchsorted(names, intents)
        training = _Training(counted, labels, len(names), c, tuple(blocks), least_texts)
        known = training.held_out(_rows(labels))
        strange = training.held_out(_intents(labels)) if len(names) >= _FEWEST else None
        vectoriser, weights, bias = training.fit(np.ones(len(labels), dtype=bool))
        calibration = calibrate(known, labels, strange)
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / _MOST
        stored = np.round(weights / scale).astype(np.int16)
        return cls(vectoriser, names, stored, scale.astype(np.float32), bias, calibration)

    def margins(self, text: str) -> tuple[np.ndarray, float]:
        """How far on each intent's side of its hyperplane a message lies, shape (intents,), and
        how much of the message is known, in [0, 1]."""
        columns, values, coverage = self.vectoriser.vector(text)
        rows = self.weights.take(columns, axis=0).astype(np.float32)
        return (values @ rows) * self.scale + self.bias, coverage

    def rank(self, text: str, most: int | None = None) -> list[tuple[str, float]]:
        """The likeliest `most` intents (None: all) with their confidences in [0, 1], in order."""
        confidences = self.calibration.confidences(*self.margins(text))
        order = (-confidences).argsort(kind="stable")[:most].tolist()
        confident = confidences.tolist()
        return [(self.intents[place], confident[place]) for place in order]

    def save(self, folder: Path) -> None:
        """Write the model as plain arrays and JSON: nothing in it is executed when it is read."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / "weights.npz",
            terms=self.vectoriser.vocabulary,
            idf=self.vectoriser.idf,
            weights=self.weights,
            scale=self.scale,
            bias=self.bias,
        )
        facts = {
            "format": FORMAT,
            "intents": self.intents,
            "blocks": list(self.vectoriser.blocks),
            "calibration": asdict(self.calibration),
        }
        (folder / "model.json").write_text(json.dumps(facts, ensure_ascii=False), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> IntentModel:
        """Read what `save` wrote; raises ValueError for another format."""
        facts = json.loads((folder / "model.json").read_text("utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(
                f"{folder}: intent model of format {facts['format']}, expected {FORMAT}; "
                "train again"
            )
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            vectoriser = Vectoriser(arrays["terms"], arrays["idf"], facts["blocks"])
            weights, scale, bias = arrays["weights"], arrays["scale"], arrays["bias"]
        told = facts["calibration"]
        calibration = Calibration(tuple(told["weights"]), told["bias"], told["slope"])
        return cls(vectoriser, facts["intents"], weights, scale, bias, calibration)


class _Training:
    """Trains on some of the rows, and asks about the others."""

    def __init__(
        self,
        counted: Sequence[Terms],
        labels: np.ndarray,
        intents: int,
        c: float,
        blocks: tuple[str, ...],
        least_texts: int,
    ) -> None:
        self._counted = counted
        self._labels = labels
        self._intents = intents
        self._c = c
        self._blocks = blocks
        self._least_texts = least_texts

    def fit(self, seen: np.ndarray) -> tuple[Vectoriser, np.ndarray, np.ndarray]:
        """A vectoriser, weights and bias that know only the rows of a mask."""
        counted = [self._counted[row] for row in np.flatnonzero(seen)]
        vectoriser = Vectoriser.fit(counted, self._blocks, self._least_texts)
        matrix, _ = vectoriser.matrix(counted)
        return vectoriser, *_train(matrix, self._labels[seen], self._intents, self._c)

    def held_out(self, masks: Iterable[np.ndarray]) -> Held:
        """Margins and coverage of the rows that each mask leaves out, by models without them.

        Both come in the order of all rows; each row is left out once, or not at all (zeros).
        """
        margins = np.zeros((len(self._labels), self._intents))
        coverage = np.zeros(len(self._labels))
        for seen in masks:
            vectoriser, weights, bias = self.fit(seen)
            unseen = np.flatnonzero(~seen)
            matrix, coverage[unseen] = vectoriser.matrix(self._counted[row] for row in unseen)
            margins[unseen] = np.asarray(matrix @ weights) + bias
        return margins, coverage


def _rows(labels: np.ndarray) -> Iterable[np.ndarray]:
    """Masks that leave out a share of each intent's rows."""
    from sklearn.model_selection import StratifiedKFold

    members = np.bincount(labels)
    if members.max() < 2:  # nothing can be left out and still be known
        return
    fewest = int(members.min())
    folds = StratifiedKFold(min(_FOLDS, max(2, fewest)), shuffle=True, random_state=_SEED)
    for _, unseen in folds.split(labels, labels):
        seen = np.ones(len(labels), dtype=bool)
        seen[unseen] = False
        yield seen


def _intents(labels: np.ndarray) -> Iterable[np.ndarray]:
    """Masks that leave out all rows of a share of the intents."""
    order = np.random.default_rng(_SEED).permutation(int(labels.max()) + 1)
    for part in np.array_split(order, min(_FOLDS, len(order) // 2)):
        yield ~np.isin(labels, part)


def _train(
    matrix: csr_matrix, labels: np.ndarray, intents: int, c: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (terms, intents) and bias (intents,) of one linear SVM for each intent.

    An intent that no label names gets a margin that is never the highest.
    """
    # Only training needs it: a server starts sooner, and in 35 MB less.
    from sklearn.svm import LinearSVC

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
