"""Messages as TF-IDF vectors of their n-grams."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from nlu.features import BLOCKS
from nlu.text import normalise

Terms = Counter[str]


def terms(text: str, blocks: Sequence[str]) -> Terms:
    """The n-grams of a message with their counts; a block's place sets its terms apart."""
    normal = normalise(text)
    found: list[str] = []
    for place, block in enumerate(blocks):
        mark = str(place)
        found += [mark + term for term in BLOCKS[block](normal)]
    return Counter(found)


class Vectoriser:
    """Messages to TF-IDF vectors: term weight (1 + ln tf)·idf, each vector of length 1."""

    def __init__(self, vocabulary: dict[str, int], idf: np.ndarray, blocks: Sequence[str]) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self.blocks = tuple(blocks)
        # What a term weighs that no example has: as much as the rarest of those that one has.
        self._unseen = float(idf.max()) if len(idf) else 1.0

    @classmethod
    def fit(cls, counted: Sequence[Terms], blocks: Sequence[str], least_texts: int) -> Vectoriser:
        """Learn the terms that `least_texts` have, and how rare each is (scikit-learn's idf)."""
        documents: Counter[str] = Counter()
        for one in counted:
            documents.update(one.keys())
        common = sorted(term for term, texts_with in documents.items() if texts_with >= least_texts)
        vocabulary = {term: column for column, term in enumerate(common)}
        frequency = np.fromiter((documents[term] for term in vocabulary), float, len(vocabulary))
        idf = np.log((1 + len(counted)) / (1 + frequency)) + 1
        return cls(vocabulary, idf.astype(np.float32), blocks)

    def vector(self, text: str) -> tuple[np.ndarray, np.ndarray, float]:
        """The known terms of one message (columns and weights), and how much of it is known.

        The last is the share of the weight of all its terms that those hold, in [0, 1].
        """
        return self._vector(terms(text, self.blocks))

    def _vector(self, counted: Terms) -> tuple[np.ndarray, np.ndarray, float]:
        look_up = self.vocabulary.get
        listed, often = [], []
        for term, count in counted.items():
            column = look_up(term)
            if column is not None:
                listed.append(column)
                often.append(count)
        if not listed:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32), 0.0
        columns = np.array(listed, dtype=np.intp)
        rarity = self.idf[columns]
        known = float(rarity.sum())
        coverage = known / (known + self._unseen * (len(counted) - len(listed)))
        # Most terms are there once, which weighs 1.
        more = max(often) > 1
        weights = (1 + np.log(np.array(often, dtype=np.float32))) * rarity if more else rarity
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
