"""How sure an intent is, from what the classifier makes of the message.

The likeliest intent's confidence is the chance that it is right: a logistic function of its
margin, its lead over the second, and how much of the message was ever seen in training. It is
fitted on margins of examples held out of training, twice over: held out by row, where it should be
high if the row comes out right; and held out by intent, where the true intent is one the
classifier has never heard of, and it should be low. Shoppers ask such things all the time; a model
calibrated on its own intents alone is sure of everything. The other intents follow by the odds
that their margins had on rows held out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The share of messages about things no intent covers that the confidences allow for.
UNKNOWN_SHARE = 0.15
# A margin this low is never the highest: of an intent that was not there.
LOWEST = -3.0
# The evidence of a message of which nothing was ever seen: every margin is a bias.
_NOTHING_KNOWN = np.array([[-1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Calibration:
    """`weights` of (margin, lead, coverage) and `bias` of the logistic function; `slope` of the
    odds between intents."""

    weights: tuple[float, float, float]
    bias: float
    slope: float

    def confidences(self, margins: np.ndarray, coverage: float) -> np.ndarray:
        """Confidences (intents,) of a message's margins (intents,) and its coverage; they sum to 1
        at most."""
        second, first = np.partition(margins, -2)[-2:].tolist()
        lead = max(first, LOWEST) - max(second, LOWEST)
        of_margin, of_lead, of_coverage = self.weights
        sure = of_margin * max(first, LOWEST) + of_lead * lead + of_coverage * coverage + self.bias
        # Both halves of the logistic function, neither of which can overflow.
        chance = 1 / (1 + math.exp(-sure)) if sure > 0 else math.exp(sure) / (1 + math.exp(sure))
        odds = np.exp(self.slope * (margins - first))
        return odds * (chance / max(1.0, chance * float(odds.sum())))


def evidence(margins: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """What confidence is read from, of shape (rows, 3): margin, lead, coverage."""
    ordered = np.sort(np.maximum(margins, LOWEST), axis=1)
    return np.column_stack([ordered[:, -1], ordered[:, -1] - ordered[:, -2], coverage])


def calibrate(
    known: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    strange: tuple[np.ndarray, np.ndarray] | None,
) -> Calibration:
    """Fit on margins and coverage of rows held out.

    `known`: of rows whose true intents are `labels`; `strange`: of messages that no intent covers.
    The latter count UNKNOWN_SHARE of the whole, however many there are.
    """
    # Only training needs it: a server starts sooner, and in 35 MB less.
    from sklearn.linear_model import LogisticRegression

    margins, coverage = known
    right = margins.argmax(axis=1) == labels
    unknown = _NOTHING_KNOWN if strange is None else evidence(*strange)
    seen = np.vstack([evidence(margins, coverage), unknown])
    wanted = np.concatenate([right, np.zeros(len(unknown), dtype=bool)])
    of_known, of_unknown = (1 - UNKNOWN_SHARE) / len(right), UNKNOWN_SHARE / len(unknown)
    weight = np.where(np.arange(len(wanted)) < len(right), of_known, of_unknown)
    slope = _slope(margins, labels)
    if not wanted.any():
        # A handful of examples of which none came out right.
        return Calibration((0.0, 0.0, 0.0), math.log(1 / (len(wanted) + 1)), slope)
    centre, scale = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-6)
    model = LogisticRegression(max_iter=1000)
    model.fit((seen - centre) / scale, wanted, sample_weight=weight * len(weight))
    weights = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weights @ centre)
    return Calibration(_triple(weights), bias, slope)


def _slope(margins: np.ndarray, labels: np.ndarray) -> float:
    """The slope at which a softmax of the margins has the least log loss."""
    from scipy.optimize import minimize_scalar

    kept = np.maximum(margins, LOWEST)
    rows = np.arange(len(labels))

    def loss(log_slope: float) -> float:
        powers = math.exp(log_slope) * (kept - kept.max(axis=1, keepdims=True))
        return float((np.log(np.exp(powers).sum(axis=1)) - powers[rows, labels]).mean())

    return math.exp(minimize_scalar(loss, bounds=(-2.0, 4.0), method="bounded").x)


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
