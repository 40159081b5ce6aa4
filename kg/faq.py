"""Questions and answers, and the search for the one that a shopper's words ask.

An entry counts as one text, its questions and (less) its answer together, because shoppers ask in
words that no single variant has. Texts are compared by single characters and pairs of them, which
suits Chinese, where words are not set apart, and forgives a slip of the pen; Latin words and
numbers are taken whole. In Japanese hiragana alone is grammar and one katakana a syllable, so these
do not count. Ranking is BM25 over these; the score that callers see is the chance that
the entry is the right one, fitted on questions held out of the index (tests/kg/test_faq_search.py
holds what was measured).
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from kg.graph import Reader
from kg.latin import is_mostly_latin, stem

# BM25's saturation and length weight; how much a word of the answer counts beside one of a
# question (it describes the situation, but in the shop's words); the gain of the asked intent.
# Chosen on questions held out; a higher gain finds more when the intent is right and loses more
# when it is not.
SATURATION, LENGTH_WEIGHT = 1.2, 0.8
ANSWER_WEIGHT = 0.6
INTENT_GAIN = 1.3
# Rarity is reckoned as if there were at least this many entries, so that scores of a small
# collection mean the same as those of a large one.
LEAST_ENTRIES = 300
# The score is a logistic function of the evidence (matched grams, in units of one that no entry
# has, tempered by the length of the question) and of the lead over the runner-up.
EVIDENCE_GAIN, LEAD_GAIN, THRESHOLD = 5.75, 2.2, 5.0
EVIDENCE_TEMPER = 0.2
# The same for questions in Latin letters, whose grams are fewer and say more each; fitted on the
# English questions held out, a third of them at a time.
LATIN_EVIDENCE_GAIN, LATIN_LEAD_GAIN, LATIN_THRESHOLD = 4.9, 4.0, 3.6
# Only an exact match is certain; and what is longer than this is a story, not a question.
NEARLY_CERTAIN = 0.99
LONGEST = 400

_LATIN = re.compile(r"([a-z0-9]+)")
_SAYS_NOTHING = re.compile(r"[ぁ-ゖー]{1,2}|[ァ-ヺ]")


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
    """The index of one version.

    `postings` has a row for each gram and a column for each entry, weighted and scaled so that a
    gram that one entry alone has, often, comes to about 1; `rarity` is a gram's most.
    """

    version: str
    faqs: list[Faq]
    grams: dict[str, int]
    rarity: np.ndarray
    postings: csr_matrix
    exact: dict[str, set[int]]
    intents: dict[str | None, list[int]]


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
        """The questions nearest to `text`, best first, each with its score from 0 to 1.

        1 is an exact match of a variant; the rest is the chance of being the right answer: above
        0.5 it mostly is, below 0.3 the text is likely about something else. Questions of `intent`
        are preferred, others are not shut out: the intent is itself a guess.
        """
        built = await self._current()
        if not built.faqs or not folded(text) or limit < 1:
            return []
        scores = _scores(built, text[:LONGEST], intent)
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


def _grams(text: str) -> list[str]:
    """Characters and pairs of them, without those of grammar; Latin words without their endings,
    numbers whole."""
    plain = unicodedata.normalize("NFKC", text).lower()
    runs = _LATIN.split("".join(c if c.isalnum() else " " for c in plain))
    # "how do I order" and "how can I return" have nothing in common that counts.
    found = [word for run in runs[1::2] if (word := stem(run) if run.isalpha() else run)]
    for run in runs[::2]:
        letters = run.replace(" ", "")
        found.extend(letters)
        found.extend(map("".join, pairwise(letters)))
    return [gram for gram in found if not _SAYS_NOTHING.fullmatch(gram)]


def _build(version: str, found: list[Faq]) -> _Built:
    exact: dict[str, set[int]] = {}
    for number, entry in enumerate(found):
        for question in entry.questions:
            exact.setdefault(folded(question), set()).add(number)
    exact.pop("", None)
    grams: dict[str, int] = {}
    columns, rows, counts = [], [], []
    for number, entry in enumerate(found):
        for gram, count in _counts(entry).items():
            columns.append(number)
            rows.append(grams.setdefault(gram, len(grams)))
            counts.append(count)
    shape = (len(grams), len(found))
    counted = csr_matrix((np.array(counts, dtype=np.float32), (rows, columns)), shape=shape)
    rarity, postings = _weighted(counted)
    intents: dict[str | None, list[int]] = {}
    for number, entry in enumerate(found):
        intents.setdefault(entry.intent, []).append(number)
    return _Built(version, found, grams, rarity, postings, exact, intents)


def _counts(entry: Faq) -> Counter[str]:
    """How often each gram is in an entry, those of the answers counting less."""
    counts: Counter[str] = Counter()
    # An entry read in another language has its answer in that, beside the others' (in Chinese).
    answers = {entry.answer: None, **dict.fromkeys(entry.answers.values())}
    for texts, weight in ((entry.questions, 1.0), (answers, ANSWER_WEIGHT)):
        for text in texts:
            for gram in _grams(text):
                counts[gram] += weight
    return counts


def _weighted(counted: csr_matrix) -> tuple[np.ndarray, csr_matrix]:
    """BM25's weights for counts of grams (rows) in entries (columns), from 0 to about 1.

    Returns the rarity of each gram and the weighted matrix.
    """
    entries = max(counted.shape[1], LEAST_ENTRIES)
    having = np.diff(counted.indptr)
    rarity = np.log1p((entries - having + 0.5) / (having + 0.5)) / np.log1p((entries + 0.5) / 0.5)
    lengths = np.asarray(counted.sum(axis=0)).ravel()
    relative = lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths
    damping = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative)
    weighted = counted.copy()
    weighted.data /= weighted.data + damping[weighted.indices]
    weighted.data *= np.repeat(rarity, having)
    return rarity.astype(np.float32), weighted.astype(np.float32)


def _scores(built: _Built, text: str, intent: str | None = None) -> np.ndarray:
    """For every question the chance that it is the one asked."""
    asked = set(_grams(text))
    known = [built.grams[gram] for gram in asked if gram in built.grams]
    matched = _sum_of_rows(built.postings, known)
    whole = float(built.rarity[known].sum()) + len(asked) - len(known)
    if intent:
        matched[built.intents.get(intent, [])] *= INTENT_GAIN
    scores = np.where(matched > 0, _chance(matched, whole, is_mostly_latin(text)), 0.0)
    scores[list(built.exact.get(folded(text), ()))] = 1.0
    return scores


def _sum_of_rows(matrix: csr_matrix, rows: list[int]) -> np.ndarray:
    """The sum of some rows; several times as fast as slicing them out first."""
    spans = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
    if not spans:
        return np.zeros(matrix.shape[1])
    columns = np.concatenate([matrix.indices[span] for span in spans])
    weights = np.concatenate([matrix.data[span] for span in spans])
    return np.bincount(columns, weights, minlength=matrix.shape[1])


def _chance(matched: np.ndarray, whole: float, latin: bool) -> np.ndarray:
    """The score for what of a question's `whole` weight each entry matched; as ordered as that."""
    evidence = np.log1p(matched / max(whole, 1.0) ** EVIDENCE_TEMPER)
    top = np.sort(matched)[-2:]
    rivals = np.full(len(matched), top[-1])
    rivals[int(matched.argmax())] = top[0] if len(top) > 1 else 0.0
    lead = (matched - rivals) / np.maximum(np.maximum(matched, rivals), 1e-6)
    gain, lead_gain, threshold = (
        (LATIN_EVIDENCE_GAIN, LATIN_LEAD_GAIN, LATIN_THRESHOLD)
        if latin
        else (EVIDENCE_GAIN, LEAD_GAIN, THRESHOLD)
    )
    sure = 1 / (1 + np.exp(threshold - gain * evidence - lead_gain * lead))
    return np.minimum(sure, NEARLY_CERTAIN)


def _faq(card: dict[str, Any]) -> Faq:
    return Faq(
        id=card["id"],
        question=card["questions"][0],
        questions=card["questions"],
        answer=card.get("answer") or card["answers"]["zh"],
        answers=card["answers"],
        intent=card["intent"],
        topic=card["topic"],
        about=card["about"],
    )
