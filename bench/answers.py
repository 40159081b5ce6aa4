"""How well, and how fast, questions are answered from the graph.

faq.first_right, faq.among_three    of paraphrases written without sight of the questions
faq.hidden_first_right.en           of all questions in that language, each hidden from the index
faq.search_p95_ms.10000             a search over 10,000 questions
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from kg import faq as faqs
from kg.faq import Faq, FaqIndex
from kg.graph import Reader, open_graph
from kg.localised import LocalisedReader

PARAPHRASES = Path("tests/kg/faq_paraphrases.yml")
QUESTIONS = 10_000
LANGUAGES = ("zh", "en", "ja", "ko")
# A question is hidden beside one of every entry in a share of them, so that few indexes are built.
_SHARES = 4
_SEED = 20261129


class _Shelf(Reader):
    """A graph that has only these questions."""

    def __init__(self, found: list[Faq]) -> None:
        self.found = found

    async def query_each(self, name, calls):
        card = [{"card": _card(entry)} for entry in self.found]
        return [card for _ in calls]

    @asynccontextmanager
    async def snapshot(self):
        yield self

    async def version(self) -> str:
        return "bench"


def figures() -> Iterator[tuple[str, float, str]]:
    """(name, value, unit) of what was measured."""
    yield from asyncio.run(_measured())


async def _measured() -> list[tuple[str, float, str]]:
    graph = open_graph()
    try:
        entries = await faqs.faqs(graph)
        index = FaqIndex(graph)
        asked = yaml.safe_load(PARAPHRASES.read_text(encoding="utf-8"))
        found = [[entry.id for entry, _ in await index.search(row["text"])] for row in asked]
        told = {one: await faqs.faqs(LocalisedReader(graph, one)) for one in LANGUAGES[1:]}
    finally:
        await graph.close()
    right = [ids[:1] == [row["faq"]] for ids, row in zip(found, asked, strict=True)]
    among = [row["faq"] in ids[:3] for ids, row in zip(found, asked, strict=True)]
    large = FaqIndex(_Shelf(_many(entries)))
    started = time.perf_counter()
    await large.search("退货")
    built = time.perf_counter() - started
    times = []
    for row in asked:
        started = time.perf_counter()
        await large.search(row["text"])
        times.append(1000 * (time.perf_counter() - started))
    hidden = [
        (f"faq.hidden_first_right.{language}", await _hidden(told.get(language, entries)), "%")
        for language in LANGUAGES
    ]
    return [
        *hidden,
        ("faq.paraphrases", len(asked), "questions"),
        ("faq.first_right", 100 * statistics.mean(right), "%"),
        ("faq.among_three", 100 * statistics.mean(among), "%"),
        (f"faq.build_s.{QUESTIONS}", built, "s"),
        (f"faq.search_p50_ms.{QUESTIONS}", statistics.median(times), "ms"),
        (f"faq.search_p95_ms.{QUESTIONS}", statistics.quantiles(times, n=20)[18], "ms"),
    ]


async def _hidden(entries: list[Faq]) -> float:
    """The share of questions, in percent, that find their entry by its other questions alone."""
    right, asked = 0, 0
    for place in range(max(len(entry.questions) for entry in entries)):
        for share in range(_SHARES):
            left, hidden = list(entries), []
            for number in range(share, len(entries), _SHARES):
                questions = list(entries[number].questions)
                if place < len(questions):
                    hidden.append((questions.pop(place), entries[number].id))
                    left[number] = replace(entries[number], questions=questions)
            index = FaqIndex(_Shelf(left))
            found = [(await index.search(text, limit=1), id) for text, id in hidden]
            right += sum(bool(best) and best[0][0].id == id for best, id in found)
            asked += len(hidden)
    return 100 * right / asked


def _many(entries: list[Faq]) -> list[Faq]:
    """As many questions as `QUESTIONS`: the shop's own, and others mixed of their words."""
    dice = random.Random(_SEED)
    found = list(entries)
    count = sum(len(entry.questions) for entry in found)
    while count < QUESTIONS:
        one, other = dice.choice(entries), dice.choice(entries)
        questions = [
            a[: len(a) // 2] + b[len(b) // 2 :]
            for a, b in zip(one.questions, other.questions, strict=False)
        ]
        found.append(replace(one, id=f"{one.id}_{len(found)}", questions=questions))
        count += len(questions)
    return found


def _card(entry: Faq) -> str:
    names = ("id", "questions", "answer", "answers", "intent", "topic", "about")
    return json.dumps({name: getattr(entry, name) for name in names})
