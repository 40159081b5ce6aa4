"""When a person takes over, judged on labelled conversations: `python -m bench.handoff`.

    python -m bench.handoff [--held-out] [--curve FILE.png] [--wrong]

Reads bench/handoff/<language>.yml, on which the signals were chosen, or with `--held-out`
bench/handoff/held_out/<language>.yml, on which nothing was, and runs `actions.handoff` over each
conversation as the assistant would: every message with the mood that a model trained on the same
files gives it, and the counts of complaints and of what was not understood as the actions keep
them. A conversation is handed over when any of its turns reaches the threshold. Prints precision
and recall by threshold, the same by language at `THRESHOLD`; `--wrong` tells which are judged
wrongly and why.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rasa.shared.nlu.training_data.loading import load_data
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import handoff
from actions.turn import Turn
from nlu.sentiment_analyser import fitted, mood
from nlu.sentiment_model import SentimentModel

FOLDER = Path(__file__).parent / "handoff"
HELD_OUT = FOLDER / "held_out"
DATA = Path(__file__).parents[1] / "data" / "nlu"
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FALLBACK = "nlu_fallback"


@dataclass(frozen=True)
class Judged:
    """A conversation's label, the highest score of its turns, and what that rests on."""

    language: str
    hand_over: bool
    score: float
    because: str
    last: str


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.handoff", description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="those that nothing is chosen on")
    parser.add_argument("--curve", type=Path, help="where to draw precision over recall")
    parser.add_argument("--wrong", action="store_true", help="tell which are judged wrongly")
    options = parser.parse_args()
    folder = HELD_OUT if options.held_out else FOLDER
    judged = list(judge(fitted(load_data(str(DATA))), folder))
    print(f"{'':12} precision  recall      F1   ({len(judged)} conversations)")
    for threshold in THRESHOLDS:
        _print(
            f"{threshold}{'  in use' if threshold == handoff.THRESHOLD else ''}", judged, threshold
        )
    for language in sorted({one.language for one in judged}):
        _print(language, [one for one in judged if one.language == language], handoff.THRESHOLD)
    if options.wrong:
        for one in judged:
            if (one.score >= handoff.THRESHOLD) != one.hand_over:
                wanted = "person" if one.hand_over else "machine"
                print(f"wanted {wanted}, {one.score:.2f}: {one.last} ({one.because})")
    if options.curve:
        draw(judged, options.curve)


def judge(models: dict[str, SentimentModel], folder: Path = FOLDER) -> Iterator[Judged]:
    """Every conversation of the folder's files, judged."""
    for path in sorted(folder.glob("*.yml")):
        for told in yaml.safe_load(path.read_text(encoding="utf-8"))["conversations"]:
            readings = list(_readings(told["turns"], models))
            turn, highest = max(readings, key=lambda pair: pair[1].score)
            yield Judged(
                path.stem, told["hand_over"], highest.score, highest.because(turn), turn.text
            )


def precision_recall(judged: list[Judged], threshold: float) -> tuple[float, float]:
    """How many of those handed over should be, and how many of those that should be are.

    Precision is 1 where none is handed over.
    """
    handed = [one for one in judged if one.score >= threshold]
    right = sum(one.hand_over for one in handed)
    wanted = sum(one.hand_over for one in judged)
    return right / len(handed) if handed else 1.0, right / wanted if wanted else 1.0


def draw(judged: list[Judged], path: Path) -> None:
    """Precision over recall, the threshold in use marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = sorted({one.score for one in judged if one.score > 0})
    precision, recall = zip(*(precision_recall(judged, step) for step in steps), strict=True)
    used = precision_recall(judged, handoff.THRESHOLD)
    figure, axes = pyplot.subplots(figsize=(5, 4))
    axes.step(recall, precision, where="post")
    axes.plot(used[1], used[0], "o", label=f"threshold {handoff.THRESHOLD}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _readings(
    turns: list[dict[str, Any]], models: dict[str, SentimentModel]
) -> Iterator[tuple[Turn, handoff.Reading]]:
    events: list[dict] = []
    complaints = misunderstood = 0
    for told in turns:
        parsed = {"intent": {"name": told["intent"]}, "sentiment": mood(models, told["user"])}
        events.append({"event": "user", "text": told["user"], "parse_data": parsed})
        heard = {"voice": {"anger": told["voice_anger"]}} if "voice_anger" in told else {}
        slots = {"complaints": complaints, "misunderstood": misunderstood}
        message = {"text": told["user"], "metadata": heard, **parsed}
        tracker = Tracker("bench", slots, message, list(events), False, None, {}, "action_listen")
        turn = Turn(CollectingDispatcher(), tracker)
        found = handoff.shown(turn)
        stake = handoff.at_stake(told.get("order_total_cents", 0)) if found else []
        yield turn, handoff.Reading((*found, *stake))
        # Actions count a message only once they have asked whether a person is wanted.
        complaints += told["intent"] == "complain"
        misunderstood = misunderstood + 1 if told["intent"] == FALLBACK else 0
        if told.get("bot"):
            events.append({"event": "bot", "text": told["bot"]})


def _print(name: str, judged: list[Judged], threshold: float) -> None:
    precision, recall = precision_recall(judged, threshold)
    both = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    print(f"{name:12} {precision:9.3f} {recall:7.3f} {both:7.3f}")


if __name__ == "__main__":
    main()
