"""Questions and answers, and the search for the one that a shopper's words ask.

Words are compared by character n-grams (TF-IDF, cosine), which suits Chinese, where words are not
set apart, and forgives a slip of the pen. What matches nothing gets a low score; how low is too low
is for the caller to say.
"""

from __future__ import annotations

import asyncio
import json
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from kg.graph import Reader


@dataclass(frozen=True)
class Faq:
    """A question in its variants, with its answers by language (zh always, en, ja, ko perhaps).

    `about` names what the answer rests on: "policy:return_no_reason", "product:P1001",
    "category:phones", "promotion:PR001" or "topic:return".
    """

    id: str
    question: str
    questions: list[str]
    answer: str
    answers: dict[str, str]
    intent: str | None
    topic: str | None
    about: list[str]


@dataclass(frozen=True)
class _Built:
    """The index of one version: a matrix row for each question variant, and whose it is."""

    version: str
    faqs: list[Faq]
    owners: np.ndarray
    vectorizer: TfidfVectorizer | None
    matrix: csr_matrix | None
    exact: dict[str, set[int]]


async def faqs(g: Reader) -> list[Faq]:
    """Every question, in the shop's order."""
    return [_faq(json.loads(row["card"])) for row in await g.query("faqs")]


async def faq(g: Reader, id: str) -> Faq | None:
    """A question by its id."""
    rows = await g.query("faq", id=id)
    return _faq(json.loads(rows[0]["card"])) if rows else None


class FaqIndex:
    """Search over all questions of the version in force; rebuilt when that changes."""

    def __init__(self, g: Reader) -> None:
        self._graph = g
        self._built: _Built | None = None
        self._building: asyncio.Lock | None = None

    async def search(
        self, text: str, intent: str | None = None, limit: int = 3
    ) -> list[tuple[Faq, float]]:
        """The questions nearest to `text`, best first, each with its likeness from 0 to 1.

        With `intent`, only questions of that intent count, unless there are none.
        """
        built = await self._current()
        query = folded(text)
        if built.vectorizer is None or not query or limit < 1:
            return []
        scores = _scores(built, query)
        wanted = [n for n, found in enumerate(built.faqs) if intent and found.intent == intent]
        if wanted:
            others = np.ones(len(scores), dtype=bool)
            others[wanted] = False
            scores[others] = 0.0
        best = np.argsort(-scores, kind="stable")[:limit]
        return [(built.faqs[n], float(scores[n])) for n in best if scores[n] > 0]

    async def _current(self) -> _Built:
        version = await self._graph.version()
        if self._built and self._built.version == version:
            return self._built
        # Made here, not in __init__: an index may be made where no event loop runs yet.
        self._building = self._building or asyncio.Lock()
        async with self._building:
            if self._built is None or self._built.version != version:
                async with self._graph.snapshot() as snapshot:
                    version, found = await snapshot.version(), await faqs(snapshot)
                self._built = await asyncio.to_thread(_build, version, found)
            return self._built


def folded(text: str) -> str:
    """Text for comparing: one form of each character, small letters, no spaces or marks."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(c for c in plain if c.isalnum())


def _build(version: str, found: list[Faq]) -> _Built:
    variants, owners, exact = [], [], {}
    for number, entry in enumerate(found):
        for question in entry.questions:
            key = folded(question)
            if key:
                variants.append(key)
                owners.append(number)
                exact.setdefault(key, set()).add(number)
    vectorizer = matrix = None
    if variants:
        vectorizer = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 3), sublinear_tf=True, lowercase=False,
            dtype=np.float32,
        )  # fmt: skip
        matrix = csr_matrix(vectorizer.fit_transform(variants))
    return _Built(version, found, np.array(owners, dtype=int), vectorizer, matrix, exact)


def _scores(built: _Built, query: str) -> np.ndarray:
    """For every question the likeness of its nearest variant."""
    assert built.vectorizer is not None and built.matrix is not None
    vector = built.vectorizer.transform([query]).toarray().ravel()
    likeness = np.clip(built.matrix @ vector, 0.0, 1.0)
    scores = np.zeros(len(built.faqs), dtype=np.float32)
    np.maximum.at(scores, built.owners, likeness)
    scores[list(built.exact.get(query, ()))] = 1.0
    return scores


def _faq(card: dict[str, Any]) -> Faq:
    return Faq(
        id=card["id"],
        question=card["questions"][0],
        questions=card["questions"],
        answer=card["answers"]["zh"],
        answers=card["answers"],
        intent=card["intent"],
        topic=card["topic"],
        about=card["about"],
    )
