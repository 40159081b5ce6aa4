"""From features to arousal and anger, against how this speaker usually sounds.

Each feature becomes a z-score against what is expected of the speaker: a normal-normal model, in
which the population is the prior and the speaker's own earlier messages move it,

    mean = (m/b² + n·x̄/w²) / (1/b² + n/w²),    sd² = 1/(1/b² + n/w²) + w²

with m the population's mean, b its spread between speakers, w that within one. Weighted sums of the
z-scores give arousal and anger. The directions, and which cues weigh most, are those of Juslin &
Laukka 2003 (table 7: anger has fast rate, high intensity, much high-frequency energy, high F0,
much F0 variability), Scherer 2003 and Bänziger & Scherer 2005 (level and range of F0 follow
arousal; its contour says little); the numbers were set by hand. See docs/voice.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Norm:
    """What is expected of a speaker who was never heard: mean, spread between, spread within."""

    mean: float
    between: float
    within: float


@dataclass(frozen=True)
class Known:
    """What was heard of one speaker of one feature: how often, mean, sum of squared deviations."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_one(self, value: float) -> Known:
        """With one more value (Welford 1962)."""
        # An old voice counts no more than the last so many: people and telephones change.
        count = min(self.count, MOST_COUNTED - 1)
        squares = self.squares * count / self.count if self.count else 0.0
        moved = value - self.mean
        mean = self.mean + moved / (count + 1)
        return Known(count + 1, mean, squares + moved * (value - mean))


MOST_COUNTED = 50
POPULATION = {
    "pitch": Norm(8.0, 5.5, 1.5),
    "range": Norm(6.0, 2.0, 1.5),
    "slope": Norm(-0.5, 0.8, 1.5),
    "level": Norm(-24.0, 6.0, 2.5),
    "brightness": Norm(-13.0, 5.0, 2.0),
    "rate": Norm(4.5, 0.8, 0.7),
    "pauses": Norm(0.15, 0.08, 0.1),
}
AROUSAL = {"level": 0.3, "pitch": 0.25, "rate": 0.2, "brightness": 0.15, "range": 0.1}
ANGER = {
    **{"level": 0.3, "brightness": 0.25, "pitch": 0.15, "rate": 0.15, "range": 0.1},
    **{"pauses": -0.03, "slope": -0.02},
}
# Of the weighted sum, in standard deviations: where the score is a half, and how steep it is.
_AROUSAL_AT, _AROUSAL_STEEP = 0.0, 1.2
_ANGER_AT, _ANGER_STEEP = 1.0, 3.0
# What is said where nothing is known: neither stirred nor calm, and not angry.
AROUSAL_UNKNOWN, ANGER_UNKNOWN = 0.5, 0.1
_FARTHEST = 3.0
_PRIOR_COUNT = 4
_ENOUGH_VOICED = 1.0
_SNR_NOTHING, _SNR_ALL = 3.0, 20.0
_CLIPPED_NOTHING = 0.1
# What is less sure than this teaches nothing about the speaker.
WORTH_KEEPING = 0.4

Baseline = Mapping[str, Known]


@dataclass(frozen=True)
class Mood:
    """arousal, anger, confidence: 0 … 1; the first two already drawn to "unknown" by the third.
    teaches: whether it is calm and clear enough to be part of the speaker's baseline."""

    arousal: float
    anger: float
    confidence: float
    seconds: float
    teaches: bool

    def told(self) -> dict[str, float]:
        """As it stands in a message's metadata under `voice`."""
        return {
            "arousal": round(self.arousal, 3),
            "anger": round(self.anger, 3),
            "confidence": round(self.confidence, 3),
            "seconds": round(self.seconds, 2),
        }


def judge(features: Mapping[str, float | None], baseline: Baseline | None = None) -> Mood | None:
    """Arousal and anger of `prosody.Features.told()`; None where nobody speaks."""
    if not features.get("voiced"):
        return None
    own = baseline or {}
    scores, surety = {}, []
    for name, norm in POPULATION.items():
        value = features.get(name)
        if value is None:
            continue
        mean, spread, within = _expected(norm, own.get(name, Known()))
        scores[name] = max(-_FARTHEST, min(_FARTHEST, (value - mean) / spread))
        surety.append((abs(ANGER.get(name, 0.0)), within / spread))
    clear = _clarity(features)
    familiar = sum(weight * part for weight, part in surety) / sum(map(abs, ANGER.values()))
    # Set by hand: a voice never heard before may count only where it is far out.
    sure = clear * math.sqrt(familiar)
    arousal = _logistic(_AROUSAL_STEEP * (_sum(AROUSAL, scores) - _AROUSAL_AT))
    anger = _logistic(_ANGER_STEEP * (_sum(ANGER, scores) - _ANGER_AT))
    return Mood(
        AROUSAL_UNKNOWN + sure * (arousal - AROUSAL_UNKNOWN),
        ANGER_UNKNOWN + sure * (anger - ANGER_UNKNOWN),
        sure,
        float(features.get("seconds") or 0.0),
        clear >= WORTH_KEEPING and anger < 0.5,
    )


def learnt(features: Mapping[str, float | None], baseline: Baseline | None = None) -> Baseline:
    """The baseline with one more recording in it."""
    own = dict(baseline or {})
    for name in POPULATION:
        value = features.get(name)
        if value is not None and math.isfinite(value):
            own[name] = own.get(name, Known()).with_one(float(value))
    return own


def _expected(norm: Norm, own: Known) -> tuple[float, float, float]:
    """Mean and spread expected of the next value, and the speaker's own spread in it."""
    # Their own spread, from few values, is held near the population's.
    held = _PRIOR_COUNT * norm.within**2 + own.squares
    within = math.sqrt(held / (_PRIOR_COUNT + max(0, own.count - 1)))
    certainty = 1 / norm.between**2 + own.count / within**2
    mean = (norm.mean / norm.between**2 + own.count * own.mean / within**2) / certainty
    return mean, math.sqrt(1 / certainty + within**2), within


def _clarity(features: Mapping[str, float | None]) -> float:
    """How well it can be heard, 0 … 1: enough of it, over the noise, within the limits."""
    voiced = 1 - math.exp(-float(features["voiced"] or 0.0) / _ENOUGH_VOICED)
    snr = (float(features.get("snr") or 0.0) - _SNR_NOTHING) / (_SNR_ALL - _SNR_NOTHING)
    clipped = 1 - float(features.get("clipped") or 0.0) / _CLIPPED_NOTHING
    return voiced * max(0.0, min(1.0, snr)) * max(0.0, min(1.0, clipped))


def _sum(weights: Mapping[str, float], scores: Mapping[str, float]) -> float:
    return sum(weight * scores.get(name, 0.0) for name, weight in weights.items())


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
