"""Messages as TF-IDF vectors of their n-grams."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from nlu.features import ngrams
from nlu.text import normalise

# 1 + ln tf of a term that is there tf times: more often than that is as often as that.
_OFTEN = (1 + np.log(np.maximum(1, np.arange(1000)))).astype(np.float32)


class Terms(NamedTuple):
    """The n-grams of a message: shared between models, so not to be changed."""

    numbers: np.ndarray  # each once, rising; uint64
    counts: np.ndarray | None  # how often each is there; None where all are there once


def terms(text: str, blocks: Sequence[str]) -> Terms:
    """The n-grams of a message in some blocks, with their counts."""
    return _counted(normalise(text), tuple(blocks))


@lru_cache(maxsize=8)  # intent and sentiment may be read from the same n-grams
def _counted(normal: str, blocks: tuple[str, ...]) -> Terms:
    numbers = ngrams(normal, blocks)
    numbers.sort()
    # np.unique does the same in several times as long.
    first = np.empty(len(numbers) + 1, dtype=bool)
    first[0] = first[-1] = True
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:-1])
    starts = first.nonzero()[0]
    if len(starts) > len(numbers):
        return Terms(numbers, None)
    return Terms(numbers.take(starts[:-1]), starts[1:] - starts[:-1])


class Vectoriser:
    """Messages to TF-IDF vectors: term weight (1 + ln tf)·idf, each vector of length 1.

    vocabulary: the numbers of the known terms, rising; a term's column is its place among them.
    """

    def __init__(self, vocabulary: np.ndarray, idf: np.ndarray, blocks: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self.blocks = tuple(blocks)
        # What a term weighs that no example has: as much as the rarest of those that one has.
        self._unseen = float(idf.max()) if len(idf) else 1.0

    @classmethod
    def fit(cls, counted: Sequence[Terms], blocks: Sequence[str], least_texts: int) -> Vectoriser:
        """Learn the terms that `least_texts` have, and how rare each is (scikit-learn's idf)."""
        numbers, texts = np.unique(
            np.concatenate([one.numbers for one in counted]), return_counts=True
        )
        common = texts >= least_texts
        idf = np.log((1 + len(counted)) / (1 + texts[common])) + 1
        return cls(numbers[common], idf.astype(np.float32), blocks)

    def vector(self, text: str) -> tuple[np.ndarray, np.ndarray, float]:
        """The known terms of one message (columns and weights), and how much of it is known.

        The last is the share of the weight of all its terms that those hold, in [0, 1].
        """
        return self._vector(terms(text, self.blocks))

    def _vector(self, found: Terms) -> tuple[np.ndarray, np.ndarray, float]:
        if not len(self.vocabulary):
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32), 0.0
        places = self.vocabulary.searchsorted(found.numbers)
        known = self.vocabulary.take(places, mode="clip") == found.numbers
        columns = places[known]
        weights = self.idf.take(columns)
        if not len(columns):
            return columns, weights, 0.0
        weight = float(weights.sum())
        coverage = weight / (weight + self._unseen * (len(places) - len(columns)))
        if found.counts is not None:
            weights *= _OFTEN.take(found.counts[known], mode="clip")
        return columns, weights / math.sqrt(weights @ weights), coverage

    def matrix(self, counted: Iterable[Terms]) -> tuple[csr_matrix, np.ndarray]:
        """TF-IDF of shape (texts, terms), and how much is known of each text."""
        rows = [self._vector(one) for one in counted]
        ends = np.cumsum([0] + [len(columns) for columns, _, _ in rows])
        matrix = csr_matrix(
            (
                np.concatenate([weights for _, weights, _ in rows]),
                np.concatenate([columns for columns, _, _ in rows]),
                ends,
            ),
            shape=(len(rows), len(self.vocabulary)),
        )
        return matrix, np.array([coverage for _, _, coverage in rows])
