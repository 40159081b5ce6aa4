"""Messages as TF-IDF vectors of their n-grams."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix

from nlu.features import BLOCKS
from nlu.text import normalise

# The n-grams of a message with their counts, block by block.
Terms = tuple[Counter[str], ...]


def terms(text: str, blocks: Sequence[str]) -> Terms:
    """The n-grams of a message with their counts, in the order of the blocks."""
    normal = normalise(text)
    return tuple(_counted(block, normal) for block in blocks)


@lru_cache(maxsize=32)  # intent and sentiment are read from the same n-grams
def _counted(block: str, normal: str) -> Counter[str]:
    return Counter(BLOCKS[block](normal))


class Vectoriser:
    """Messages to TF-IDF vectors: term weight (1 + ln tf)·idf, each vector of length 1.

    vocabulary: the known terms of each block; a term's column is its place in them all.
    """

    def __init__(
        self, vocabulary: Sequence[Sequence[str]], idf: np.ndarray, blocks: Sequence[str]
    ) -> None:
        self.idf = idf
        self.blocks = tuple(blocks)
        self._columns: list[dict[str, int]] = []
        self.size = 0
        for known in vocabulary:
            self._columns.append({term: self.size + place for place, term in enumerate(known)})
            self.size += len(known)
        # What a term weighs that no example has: as much as the rarest of those that one has.
        self._unseen = float(idf.max()) if len(idf) else 1.0

    @property
    def vocabulary(self) -> list[list[str]]:
        """The known terms of each block."""
        return [list(columns) for columns in self._columns]

    @classmethod
    def fit(cls, counted: Sequence[Terms], blocks: Sequence[str], least_texts: int) -> Vectoriser:
        """Learn the terms that `least_texts` have, and how rare each is (scikit-learn's idf)."""
        vocabulary: list[list[str]] = []
        frequency: list[int] = []
        for place in range(len(blocks)):
            documents: Counter[str] = Counter()
            for one in counted:
                documents.update(one[place].keys())
            common = sorted(term for term, texts in documents.items() if texts >= least_texts)
            vocabulary.append(common)
            frequency += [documents[term] for term in common]
        idf = np.log((1 + len(counted)) / (1 + np.array(frequency, dtype=float))) + 1
        return cls(vocabulary, idf.astype(np.float32), blocks)

    def vector(self, text: str) -> tuple[np.ndarray, np.ndarray, float]:
        """The known terms of one message (columns and weights), and how much of it is known.

        The last is the share of the weight of all its terms that those hold, in [0, 1].
        """
        return self._vector(terms(text, self.blocks))

    def _vector(self, counted: Terms) -> tuple[np.ndarray, np.ndarray, float]:
        # -1: a term that no example has.
        listed = [
            columns.get(term, -1)
            for counts, columns in zip(counted, self._columns, strict=True)
            for term in counts
        ]
        every = np.array(listed, dtype=np.intp)
        known = every >= 0
        columns = every[known]
        if not len(columns):
            return columns, np.empty(0, dtype=np.float32), 0.0
        rarity = self.idf[columns]
        weight = float(rarity.sum())
        coverage = weight / (weight + self._unseen * (len(listed) - len(columns)))
        often = [count for counts in counted for count in counts.values()]
        # Most terms are there once, which weighs 1.
        weights = rarity
        if len(often) and max(often) > 1:
            weights = (1 + np.log(np.array(often, dtype=np.float32)[known])) * rarity
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
            shape=(len(rows), self.size),
        )
        return matrix, np.array([coverage for _, _, coverage in rows])
