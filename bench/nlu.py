"""How well, and how fast, messages are understood: ours, and Rasa's default pipeline beside it.

    python -m bench.nlu --data FILE.csv            ours
    python -m bench.nlu --data FILE.csv --stock    both, in one table

FILE.csv has the columns `text` and `intent`, the names being those of the domain. Each pipeline is
trained on data/nlu by `rasa train nlu`, loaded as the Rasa server loads it, and asked every row.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import logging
import math
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

OURS = Path("config.yml")
STOCK = Path("bench/stock/config.yml")
FALLBACK = "nlu_fallback"
OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Asked:
    """A labelled message and what a pipeline made of it."""

    intent: str
    ranking: tuple[str, ...]  # without the fallback
    held_back: bool  # offered as two choices instead of being acted upon
    milliseconds: float
    confidence: float  # of the likeliest, the fallback aside
    lead: float  # over the second

    @property
    def first(self) -> str:
        """The likeliest intent, whether or not it was acted upon."""
        return self.ranking[0] if self.ranking else ""

    @property
    def offered(self) -> tuple[str, ...]:
        """What the shopper may choose from when it was held back."""
        return self.ranking[:2]


def read_rows(path: Path) -> list[tuple[str, str]]:
    """(text, intent) of a CSV file; raises SystemExit when a column is missing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"text", "intent"} - set(reader.fieldnames or ())
        if missing:
            raise SystemExit(
                f"{path}: no column {', '.join(sorted(missing))}; it has {reader.fieldnames}"
            )
        return [(row["text"], row["intent"]) for row in reader]


def train(config: Path, name: str, out: Path, nlu: Path = Path("data/nlu")) -> tuple[Path, float]:
    """Train the pipeline of `config` on `nlu`; the model's path and the seconds it took."""
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    command = [sys.executable, "-m", "rasa", "train", "nlu", "--config", str(config)]
    command += ["--nlu", str(nlu), "--out", str(out), "--fixed-model-name", name]
    log = out / f"{name}.log"
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with log.open("wb") as file:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment, timeout=7200
        )
    if done.returncode:
        raise SystemExit(f"training {config} failed with {done.returncode}; see {log}")
    return out / f"{name}.tar.gz", time.perf_counter() - started


async def ask(model: Path, rows: Sequence[tuple[str, str]]) -> list[Asked]:
    """Let a trained model read every row, one at a time."""
    import structlog
    from rasa.core.agent import Agent

    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    agent = Agent.load(str(model))
    await agent.parse_message("你好")
    answers = []
    for text, intent in rows:
        started = time.perf_counter()
        parsed = await agent.parse_message(text)
        milliseconds = (time.perf_counter() - started) * 1000
        ranked = [one for one in parsed["intent_ranking"] if one["name"] != FALLBACK]
        ranking = tuple(one["name"] for one in ranked)
        sure, second = (*(one["confidence"] for one in ranked[:2]), 0.0, 0.0)[:2]
        held_back = parsed["intent"]["name"] in (FALLBACK, None)
        answers.append(Asked(intent, ranking, held_back, milliseconds, sure, sure - second))
    return answers


def figures(rows: Sequence[Asked], trained_seconds: float | None = None) -> Iterator[tuple]:
    """(name, value, unit) of what was measured; shares are in per cent of the rows they name."""

    def share(hits: Sequence[bool]) -> float:
        return 100 * sum(hits) / len(hits) if hits else float("nan")

    intents = sorted({row.intent for row in rows})
    acted = [row for row in rows if not row.held_back]
    offered = [row for row in rows if row.held_back]
    strange = [row for row in rows if row.intent == OUT_OF_SCOPE]
    yield "first_right", share([r.first == r.intent for r in rows]), "%"
    by_intent = [share([r.first == r.intent for r in rows if r.intent == i]) for i in intents]
    yield "first_right_macro", statistics.mean(by_intent), "%"
    yield "acted_upon", share([not r.held_back for r in rows]), "%"
    yield "acted_upon_right", share([r.first == r.intent for r in acted]), "%"
    yield "offered_two", share([r.held_back for r in rows]), "%"
    yield "offered_two_has_right", share([r.intent in r.offered for r in offered]), "%"
    yield "among_first_two", share([r.intent in r.ranking[:2] for r in rows]), "%"
    right = [r.intent in (r.offered if r.held_back else (r.first,)) for r in rows]
    yield "served", share(right), "%"
    yield "out_of_scope_recall", share([r.first == OUT_OF_SCOPE for r in strange]), "%"
    caught = [r.held_back or r.first == OUT_OF_SCOPE for r in strange]
    yield "out_of_scope_not_acted_upon", share(caught), "%"
    yield "message_p50", statistics.median(r.milliseconds for r in rows), "ms"
    if trained_seconds is not None:
        yield "train", trained_seconds, "s"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, in per cent (Wilson, J. Am. Stat. Assoc. 22, 1927, 209-212)."""
    share, z = hits / of, statistics.NormalDist().inv_cdf(0.975)
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return tuple(100 * (middle + side * reach) / (1 + z * z / of) for side in (-1, 1))


def intervals(rows: Sequence[Asked]) -> Iterator[str]:
    """How sure the figures that have an aim are, as lines of a table."""
    strange = [row for row in rows if row.intent == OUT_OF_SCOPE]
    told = {
        "first_right": [r.first == r.intent for r in rows],
        "among_first_two": [r.intent in r.ranking[:2] for r in rows],
        "out_of_scope_not_acted_upon": [r.held_back or r.first == OUT_OF_SCOPE for r in strange],
    }
    for name, hits in told.items():
        if hits:
            low, high = wilson(sum(hits), len(hits))
            yield f"| {name} | {sum(hits)} of {len(hits)} | {low:.1f} to {high:.1f} % |"


def confusions(rows: Sequence[Asked], most: int = 15) -> list[tuple[str, str, int]]:
    """(true intent, taken for, how often), the commonest first."""
    counted = Counter((row.intent, row.first) for row in rows if row.first != row.intent)
    return [(true, taken, count) for (true, taken), count in counted.most_common(most)]


def thresholds(rows: Sequence[Asked], ambiguity: float = 0.1) -> Iterator[str]:
    """What other thresholds would have come to, as a table."""
    yield "| threshold | acted upon | right of these | right among two | out of scope held back |"
    yield "|---|---|---|---|---|"
    for threshold in (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        held = [r.confidence < threshold or r.lead < ambiguity for r in rows]
        again = [replace(row, held_back=h) for row, h in zip(rows, held, strict=True)]
        found = {name: value for name, value, _ in figures(again)}
        names = ("acted_upon", "acted_upon_right", "offered_two_has_right")
        shown = [f"{found[name]:.1f} %" for name in (*names, "out_of_scope_not_acted_upon")]
        yield f"| {threshold} | " + " | ".join(shown) + " |"


def _table(measured: dict[str, list[tuple[str, float, str]]]) -> Iterator[str]:
    yield "| figure | " + " | ".join(measured) + " |"
    yield "|---|" + "---|" * len(measured)
    for lines in zip(*measured.values(), strict=True):
        yield f"| {lines[0][0]} | " + " | ".join(f"{v:.1f} {unit}" for _, v, unit in lines) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.nlu", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="CSV with columns text, intent")
    parser.add_argument("--stock", action="store_true", help="measure Rasa's default as well")
    parser.add_argument("--keep", action="store_true", help="use models trained before, if any")
    parser.add_argument("--thresholds", action="store_true", help="what others come to")
    parser.add_argument("--confusions", action="store_true", help="list what is taken for what")
    options = parser.parse_args(arguments)
    rows = read_rows(options.data)
    out = Path(os.environ.get("QUDAO_VAR") or "var") / "bench" / "nlu"
    configs = {"ours": OURS, **({"stock": STOCK} if options.stock else {})}
    measured = {}
    for name, config in configs.items():
        model, seconds = out / f"{name}.tar.gz", float("nan")
        if not (options.keep and model.exists()):
            # The default pipeline cuts Chinese into words and is trained on Chinese alone.
            texts = Path("data/nlu/zh") if name == "stock" else Path("data/nlu")
            model, seconds = train(config, name, out, texts)
        answers = asyncio.run(ask(model, rows))
        measured[name] = list(figures(answers, seconds))
        print(name, *intervals(answers), sep="\n")
        if options.thresholds:
            print(name, *thresholds(answers), sep="\n")
        if options.confusions:
            for true, taken, count in confusions(answers):
                print(f"{name}: {count} {true} taken for {taken}")
    print(f"{len(rows)} rows, {len({intent for _, intent in rows})} intents")
    print("\n".join(_table(measured)))


if __name__ == "__main__":
    main()
