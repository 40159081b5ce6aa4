"""The intent classifier by itself on a labelled set of anybody's, beside Rasa's default pipeline.

    make bench-nlu DATA=folder [OOS=name]
    python -m bench.intents --data folder [--oos oos] [--epochs 100] [--only ours]

The folder has `train.csv` and `test.csv` with the columns `text` and `label`; rows whose label is
that of `--oos` are out of scope. Each pipeline is trained on the training rows alone, loaded as the
Rasa server loads it, and asked every test row.

Figures: in-scope accuracy without a threshold; the mean of in-scope accuracy and out-of-scope
recall at the threshold that suits the pipeline best, and both there; the same at the threshold the
assistant really uses; and the time of a message.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from bench.nlu import OURS, STOCK, Asked, ask, train
from bench.results import Figure, record

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Scored:
    """Test rows by what was made of them: whether first right, how sure, whether out of scope."""

    right: np.ndarray
    confidence: np.ndarray
    outside: np.ndarray
    milliseconds: float

    def at(self, threshold: float) -> tuple[float, float]:
        """(in-scope accuracy, out-of-scope recall), in per cent, when less sure is held back."""
        kept = self.confidence >= threshold
        inside = (self.right & kept)[~self.outside].mean()
        recall = (~kept)[self.outside].mean() if self.outside.any() else float("nan")
        return 100 * float(inside), 100 * float(recall)

    def best(self) -> tuple[float, float, float]:
        """The threshold of the highest mean of both, and both there."""
        tried = np.unique(np.quantile(self.confidence, np.linspace(0, 0.98, 400)))
        threshold = max(tried, key=lambda one: sum(self.at(one)))
        return (float(threshold), *self.at(threshold))


def read(path: Path) -> Pairs:
    """(text, label) of a CSV file.

    Raises:
        SystemExit: a column is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"text", "label"} - set(reader.fieldnames or ())
        if missing:
            found = reader.fieldnames
            raise SystemExit(f"{path}: no column {', '.join(sorted(missing))}; it has {found}")
        return [(row["text"].strip(), row["label"].strip()) for row in reader]


def write_training(rows: Pairs, path: Path) -> None:
    """The rows as Rasa's training data."""
    texts: dict[str, list[str]] = defaultdict(list)
    for text, label in rows:
        # Brackets would be read as an entity's annotation.
        texts[label].append(" ".join(text.replace("[", "(").replace("]", ")").split()))
    intents = [
        {"intent": label, "examples": "".join(f"- {text}\n" for text in found)}
        for label, found in texts.items()
    ]
    told = {"version": "3.1", "nlu": intents}
    path.write_text(yaml.safe_dump(told, allow_unicode=True, width=10_000), encoding="utf-8")


def pipelines(rows: Pairs, epochs: int, out: Path) -> dict[str, Path]:
    """The configurations to compare, with what reads the shop's own names left out."""
    ours, stock = (yaml.safe_load(path.read_text("utf-8")) for path in (OURS, STOCK))
    kept = ("nlu.intent_classifier", "rasa.nlu.classifiers.fallback_classifier")
    ours["pipeline"] = [part for part in ours["pipeline"] if part["name"].startswith(kept)]
    stock["pipeline"] = [
        {**part, "epochs": epochs} if "epochs" in part else part
        for part in stock["pipeline"]
        if not part["name"].startswith("nlu.") and part["name"] != "ResponseSelector"
    ]
    if all(text.isascii() for text, _ in rows[:50]):
        stock["language"] = ours["language"] = "en"
        stock["pipeline"][0] = {"name": "WhitespaceTokenizer"}
    found = {}
    for name, config in (("ours", ours), ("stock", stock)):
        config.pop("importers", None)
        config.pop("policies", None)
        found[name] = out / f"config-{name}.yml"
        found[name].write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return found


def scored(answers: Sequence[Asked], outside: str) -> Scored:
    """What a pipeline's answers come to; one that names an out-of-scope intent held it back."""
    return Scored(
        np.array([one.first == one.intent for one in answers]),
        np.array([0.0 if one.first == outside else one.confidence for one in answers]),
        np.array([one.intent == outside for one in answers]),
        statistics.median(one.milliseconds for one in answers),
    )


def figures(name: str, found: Scored, threshold: float, seconds: float) -> list[Figure]:
    """(name, value, unit) of what was measured."""
    best, inside, recall = found.best()
    used_inside, used_recall = found.at(threshold)
    return [
        (f"{name}.in_scope_accuracy", 100 * float(found.right[~found.outside].mean()), "%"),
        (f"{name}.mean_at_best_threshold", (inside + recall) / 2, "%"),
        (f"{name}.best_threshold", best, ""),
        (f"{name}.in_scope_at_best", inside, "%"),
        (f"{name}.out_of_scope_recall_at_best", recall, "%"),
        (f"{name}.in_scope_at_used_threshold", used_inside, "%"),
        (f"{name}.out_of_scope_recall_at_used_threshold", used_recall, "%"),
        (f"{name}.message_p50", found.milliseconds, "ms"),
        (f"{name}.train", seconds, "s"),
    ]


def measure(data: Path, outside: str, epochs: int, only: str | None) -> list[Figure]:
    """Train and ask each pipeline."""
    rows, tests = read(data / "train.csv"), read(data / "test.csv")
    out = Path(os.environ.get("QUDAO_VAR") or "var") / "bench" / "intents"
    out.mkdir(parents=True, exist_ok=True)
    write_training(rows, out / "nlu.yml")
    found: list[Figure] = []
    for name, config in pipelines(rows, epochs, out).items():
        if only not in (None, name):
            continue
        model, seconds = train(config, name, out, out / "nlu.yml")
        answers = asyncio.run(ask(model, tests))
        pipeline = yaml.safe_load(config.read_text(encoding="utf-8"))["pipeline"]
        prefix = f"intents.{data.resolve().name}.{name}"
        found += figures(prefix, scored(answers, outside), pipeline[-1]["threshold"], seconds)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.intents", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv, test.csv")
    parser.add_argument("--oos", default="oos", help="the label of what is out of scope")
    parser.add_argument("--epochs", type=int, default=100, help="of the default pipeline's DIET")
    parser.add_argument("--only", choices=("ours", "stock"))
    options = parser.parse_args(arguments)
    for line in record(measure(options.data, options.oos, options.epochs, options.only)):
        print(f"{line['name']}: {line['value']:g} {line['unit']}", flush=True)


if __name__ == "__main__":
    main()
