"""When a person should take over: one score of what the talk shows, and what it rests on.

Each signal is a chance by itself that a machine should step back; together they make

    score = 1 − Π (1 − weight)

(a noisy-or: Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, 4.3.2), so that signals
add up and no single faint one ever reaches `THRESHOLD`. The weights were set by hand and judged on
labelled conversations by `python -m bench.handoff`; docs/understanding.md has the curve. From
`CALM` on nothing is recommended and no offer is made.

Anger is in the message that is answered; a plight (`PLIGHT`) is told over several, and politely as
often as not, so that the latest few are read for it. It is not read where the talk has gone on to
something pleasant (`CONTENT`): 求求补货 begs for goods, and not for help.

Reads of the tracker: the latest messages with their intent and `sentiment`, what was answered to
them, slots `complaints`, `misunderstood` and `order_id`, and `voice: {"anger": 0 … 1}` of the
message's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions import cues
from actions.likeness import pieces
from actions.turn import Turn, in_thread
from kg.text import fold
from shop import orders

THRESHOLD = 0.7
CALM = 0.35

COMPLAINT = 0.46
UPSET, STAYS_UPSET = 0.3, 0.25
WORDS = {"legal": 0.6, "insult": 0.4, "frustrated": 0.15}
PLIGHT = {
    "danger": 0.55,
    "waited": 0.4,
    "call": 0.4,
    "told_before": 0.35,
    "distress": 0.35,
    "stake": 0.3,
    "pleading": 0.3,
}
REPEATED, MOST_REPEATED = 0.25, 2
STILL_ASKS, SAME_ANSWER = 0.15, 0.25
MISUNDERSTOOD, MOST_MISUNDERSTOOD = 0.25, 3
SHOUTED = 0.1
DEAR, DEAR_FROM_CENTS = 0.05, 50_000
VOICE = 0.35
# So negative is upset; so alike is the same said again.
_NEGATIVE = -0.5
_ALIKE = 0.7
_LOUD = 3
# How many messages back a plight is read.
_RECENT = 3
# What nobody asks twice who was helped.
TROUBLE = frozenset(
    {"urge_delivery", "report_delivery_problem", "report_defect", "report_wrong_or_missing_item"}
    | {"report_payment_problem", "ask_refund_status", "ask_after_sale_progress"}
)
# Who says this has no plight now: it is shopping or small talk.
CONTENT = frozenset(
    {"greet", "goodbye", "thank", "affirm", "praise", "search_product", "ask_recommendation"}
    | {"ask_product_attribute", "ask_size", "compare_products", "ask_price", "ask_stock"}
    | {"ask_promotion", "ask_coupon", "ask_payment_method", "ask_installment", "ask_membership"}
    | {"place_order_help"}
)


@dataclass(frozen=True)
class Signal:
    """One thing that speaks for a person: its weight, and how it is told at the desk (the key of a
    phrase in group `handoff`, with what fills it)."""

    weight: float
    key: str
    values: tuple[tuple[str, object], ...] = ()

    def told(self, turn: Turn) -> str:
        """The signal in a few words, in Chinese: it is the desk that reads them."""
        return turn.desk_phrase(f"handoff.{self.key}", **dict(self.values))


@dataclass(frozen=True)
class Reading:
    """What was found in the talk, the strongest first."""

    signals: tuple[Signal, ...]

    @property
    def score(self) -> float:
        """From 0 to 1."""
        left = 1.0
        for signal in self.signals:
            left *= 1 - signal.weight
        return 1 - left

    def because(self, turn: Turn) -> str:
        """What it rests on, in one line."""
        ordered = sorted(self.signals, key=lambda signal: -signal.weight)
        return turn.desk_phrase("list.clauses").join(signal.told(turn) for signal in ordered)


async def read(turn: Turn) -> Reading:
    """What speaks for a person now."""
    found = shown(turn)
    number = turn.slot("order_id")
    order = await in_thread(orders.find, number) if found and number else None
    return Reading((*found, *at_stake(order.total_cents if order else 0)))


def upset(turn: Turn) -> bool:
    """Whether it is no time for recommendations and offers."""
    return Reading(tuple(shown(turn))).score >= CALM


def shown(turn: Turn) -> list[Signal]:
    """What the talk itself shows, whatever it is about; read once a turn."""
    return turn.once(
        "signals of a person",
        lambda: [*_said(turn), *_suffered(turn), *_again(turn), *_unanswered(turn), *_heard(turn)],
    )


def at_stake(total_cents: int) -> list[Signal]:
    """What an order of that total adds to what the talk shows."""
    if total_cents < DEAR_FROM_CENTS:
        return []
    return [Signal(DEAR, "dear", (("amount", f"{total_cents / 100:g}"),))]


def _said(turn: Turn) -> list[Signal]:
    found = []
    complaints = int(turn.slot("complaints") or 0) + (turn.intent == "complain")
    for number in range(1, complaints + 1):
        found.append(Signal(COMPLAINT, "complaint", (("number", number),)))
    moods = [message.get("score", 0.0) for message in turn.moods()]
    if moods and moods[-1] <= _NEGATIVE:
        found.append(Signal(UPSET * -moods[-1], "upset", (("score", round(moods[-1], 2)),)))
        if any(mood <= _NEGATIVE for mood in moods[-3:-1]):
            found.append(Signal(STAYS_UPSET, "stays_upset"))
    if turn.chosen:
        return found
    for name, weight in WORDS.items():
        word = cues.found(f"mood.{name}", turn.text)
        if word:
            found.append(Signal(weight, name, (("word", word[0].strip()),)))
    if _shouts(turn.text):
        found.append(Signal(SHOUTED, "shouted"))
    return found


def _suffered(turn: Turn) -> list[Signal]:
    """What makes waiting hard to bear, each thing once however often it is told."""
    if turn.chosen or turn.intent in CONTENT:
        return []
    recent = [text for text in turn.said() if not text.startswith("/")][-_RECENT:]
    found = []
    for name, weight in PLIGHT.items():
        words = (cues.found(f"mood.{name}", text) for text in reversed(recent))
        word = next(filter(None, words), None)
        if word:
            found.append(Signal(weight, name, (("word", word[0].strip()),)))
    return found


def _again(turn: Turn) -> list[Signal]:
    """Asked again, and not understood."""
    found = []
    texts = [text for text in turn.said() if not text.startswith("/")]
    if texts and not turn.chosen:
        same = sum(_alike(texts[-1], text) for text in texts[:-1])
        repeats = min(same, MOST_REPEATED)
        if repeats:
            weight = 1 - (1 - REPEATED) ** repeats
            found.append(Signal(weight, "repeated", (("count", same + 1), ("text", texts[-1]))))
    missed = min(int(turn.slot("misunderstood") or 0), MOST_MISUNDERSTOOD)
    if missed:
        weight = 1 - (1 - MISUNDERSTOOD) ** missed
        found.append(Signal(weight, "misunderstood", (("count", missed),)))
    return found


def _unanswered(turn: Turn) -> list[Signal]:
    """Asked on about the same trouble, and given the same answer."""
    before = turn.exchanges()[-3:-1]
    if turn.chosen or turn.intent in CONTENT or not before:
        return []
    found = []
    if turn.intent in TROUBLE and before[-1].intent == turn.intent:
        found.append(Signal(STILL_ASKS, "still_asks"))
    answers = [exchange.answer for exchange in before]
    # That it was not understood is a signal of its own.
    if len(answers) == 2 and answers[0] == answers[1] != "" and not turn.slot("misunderstood"):
        found.append(Signal(SAME_ANSWER, "same_answer", (("text", answers[0]),)))
    return found


def _heard(turn: Turn) -> list[Signal]:
    anger = (turn.metadata.get("voice") or {}).get("anger")
    if not isinstance(anger, (int, float)) or anger < 0.5:
        return []
    return [Signal(VOICE * min(float(anger), 1.0), "voice", (("anger", round(anger, 2)),))]


def _alike(one: str, other: str) -> bool:
    if one.strip() == other.strip():
        # 好的 is said twice by everybody.
        return len(one.strip()) > 2
    first, second = pieces(one), pieces(other)
    together = first | second
    return len(first) > 2 and len(first & second) >= _ALIKE * len(together)


def _shouts(text: str) -> bool:
    folded = fold(text)
    marks = folded.count("!") + folded.count("?")
    letters = [char for char in text if char.isascii() and char.isalpha()]
    return marks >= _LOUD or (len(letters) > 8 and all(map(str.isupper, letters)))
