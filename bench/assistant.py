"""The assistant beside the same assistant on stock Rasa: same questions, same answers, how fast.

    python -m bench.assistant [--seconds 10]

Both get the same conversations over REST, with graph, shop and action server, each over a freshly
seeded shop of its own. Speed with other answers does not count, so the share of equal answers is a
figure too: texts, cards and buttons of every turn (one of several wordings of one response is the
same answer). Of memory, the ratio is that of the two Rasa servers; the action server is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench import load, servers
from bench.results import Figure, record

SHOPPERS = (1, 8, 32)
LONG = 300
# A parcel's steps are told by the clock, and the two shops are seeded minutes apart.
_CLOCK = re.compile(r"\d\d:\d\d")
_RATIOS = (
    *(f"{name}.{count}" for name in ("messages_per_s", "p50_ms", "p95_ms") for count in SHOPPERS),
    "ready_s",
    "rss_mb",
    "second_message_wait_ms",
)


def figures(seconds: float = 10.0) -> Iterator[Figure]:
    """(name, value, unit) of ours, of stock, and of ours over stock."""
    servers.stock_model()
    yield "stock.epochs", servers.stock_epochs(), "epochs"
    measured: dict[str, dict[str, tuple[float, str]]] = {}
    transcripts = []
    for side in ("assistant", "stock"):
        measured[side], transcript = _measure(side == "stock", seconds)
        transcripts.append(transcript)
        for name, (value, unit) in measured[side].items():
            yield f"{side}.{name}", value, unit
    for name in _RATIOS:
        ours, stock = measured["assistant"][name][0], measured["stock"][name][0]
        yield f"assistant.{name}.ratio", ours / stock, "ours/stock"
    same, differing = compare(*transcripts)
    yield "assistant.same_answers", same, "share"
    for line in differing:
        print(line)


def compare(ours: dict[str, list], stock: dict[str, list]) -> tuple[float, list[str]]:
    """The share of turns with the same answer, and a line for each that differs."""
    wordings = _wordings(Path("domain.yml"))
    turns, differing = 0, []
    for name, answers in ours.items():
        for number, (mine, theirs) in enumerate(zip(answers, stock[name], strict=True), 1):
            turns += 1
            told = [_told(answer, wordings) for answer in (mine, theirs)]
            if told[0] != told[1]:
                differing.append(f"differs: {name}, message {number}: {told[0]} | {told[1]}")
    return 1 - len(differing) / turns, differing


def _measure(stock: bool, seconds: float) -> tuple[dict[str, tuple[float, str]], dict[str, list]]:
    found: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder, servers.running(stock, Path(folder)) as server:
        where = (server.url, server.key)
        transcript = asyncio.run(load.transcript(*where))
        for shoppers in SHOPPERS:
            took = asyncio.run(load.together(*where, shoppers, seconds))
            found[f"messages_per_s.{shoppers}"] = (len(took) / seconds, "1/s")
            found[f"p50_ms.{shoppers}"] = (statistics.median(took) * 1e3, "ms")
            found[f"p95_ms.{shoppers}"] = (statistics.quantiles(took, n=20)[-1] * 1e3, "ms")
        took = asyncio.run(load.one_long(*where, LONG))
        for number in (10, 100, LONG):
            # Ten around it: each of the five questions twice.
            around = statistics.median(took[number - 10 : number])
            found[f"message_{number}_ms"] = (around * 1e3, "ms")
        grown = found[f"message_{LONG}_ms"][0] / found["message_10_ms"][0]
        found["message_300_over_10"] = (grown, "ratio")
        waits = asyncio.run(load.two_at_once(*where, 10))
        found["second_message_wait_ms"] = (statistics.median(waits) * 1e3, "ms")
        found["ready_s"] = (server.ready_s, "s")
        memory = server.rss_mb()
        found["rss_mb"] = (memory["server"], "MB")
        found["rss_mb.actions"] = (memory["actions"], "MB")
    return found, transcript


def _wordings(domain: Path) -> list[tuple[re.Pattern, str]]:
    """The responses that can be worded in several ways, as patterns of what they say."""
    responses = yaml.safe_load(domain.read_text(encoding="utf-8"))["responses"]
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(wording["text"])), re.DOTALL), name)
        for name, wordings in responses.items()
        if len(wordings) > 1
        for wording in wordings
        if wording.get("text")
    ]


def _told(answer: load.Answer | None, wordings: list[tuple[re.Pattern, str]]) -> tuple | None:
    if answer is None:
        return None
    texts = [
        next((name for pattern, name in wordings if pattern.fullmatch(text)), _CLOCK.sub("", text))
        for text in answer.texts
    ]
    return texts, answer.cards, [title for title, _ in answer.buttons]


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.assistant", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of load for each number")
    for line in record(figures(parser.parse_args().seconds)):
        print(f"{line['name']:45} {line['value']:>12,} {line['unit']}", flush=True)


if __name__ == "__main__":
    main()
