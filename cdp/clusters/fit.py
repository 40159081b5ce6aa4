"""How many groups there are in a matrix of people, whether they are real, and their centres.

K-means, not a mixture of Gaussians: the columns are standardised and of alike kind, a full
covariance for each group would want far more people than a shop's smaller groups have, and the
distance to a centre gives the rule for who changes cluster a plain meaning.

A number of groups k is accepted if
  - its silhouette (Rousseeuw 1987) is at least 0.1, and above that of data without groups by 3 of
    its deviations and by 0.03. Two kinds of such data are drawn, and the higher counts: normal
    draws of the same covariance, as in SigClust (Liu et al. 2008), and a Gaussian copula of the
    people's own values, in which each feature is spread as it is and numbers have to do with each
    other as they do: a switch that is on or off makes no two kinds of people;
  - the groups come again: the adjusted Rand index (Hubert & Arabie 1985) between the groups and
    those of bootstrap resamples is at least 0.8 on average;
  - each group has at least `SMALLEST` people and 2 % of them.
Of those accepted the one with the highest silhouette is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, rankdata
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from cdp.clusters.limits import (
    DEVIATIONS,
    FEWEST_PEOPLE,
    LEAST_SILHOUETTE,
    LEAST_STABILITY,
    MARGIN,
    MOST_CLUSTERS,
    NULLS,
    RESAMPLES,
    SMALLEST,
    SMALLEST_SHARE,
)

# Silhouettes cost the square of it.
SAMPLE = 2_000
_STARTS = 5


@dataclass(frozen=True)
class Try:
    """One number of clusters: its figures, and why it was refused (empty: it was not).

    null_mean, null_deviation: the silhouette of data without groups, of the kind that has more.
    """

    k: int
    silhouette: float
    null_mean: float
    null_deviation: float
    stability: float
    stability_low: float
    smallest: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """centres: clusters × columns, None where `verdict` is not "clusters".

    verdict: "clusters", "not enough data" or "no clear groups". stabilities: for each cluster the
    mean Jaccard similarity to its like in the resamples (Hennig 2007).
    """

    verdict: str
    people: int
    centres: np.ndarray | None = None
    tries: tuple[Try, ...] = ()
    silhouette: float = 0.0
    stability: float = 0.0
    stabilities: tuple[float, ...] = field(default=())


def fit(matrix: np.ndarray, seed: int = 0, features: Sequence[str] | None = None) -> Fit:
    """Find the clusters of these people (rows).

    features: for each column what it is of; columns of one feature (the levels of a choice) belong
    together. Unless given, each is its own.
    """
    people, width = matrix.shape
    blocks = _blocks(features or [str(place) for place in range(width)])
    if people < FEWEST_PEOPLE or width == 0:
        return Fit("not enough data", people)
    random = np.random.RandomState(seed)
    # Two cores and a shop to serve: one thread is enough for a job of the night.
    with threadpool_limits(1):
        sample = matrix[random.permutation(people)[:SAMPLE]]
        most = min(MOST_CLUSTERS, people // SMALLEST, len(np.unique(sample, axis=0)) - 1)
        tries = tuple(_try(sample, k, people, blocks, random) for k in range(2, most + 1))
        chosen = max((one for one in tries if not one.reasons), key=_rank, default=None)
        if chosen is None:
            return Fit("no clear groups", people, tries=tries)
        final = _kmeans(matrix, chosen.k, random)
        return Fit(
            "clusters",
            people,
            final.cluster_centers_,
            tries,
            chosen.silhouette,
            chosen.stability,
            _stabilities(sample, final, random),
        )


def paired(before: np.ndarray, after: np.ndarray) -> dict[int, int]:
    """Which group of `after` is which of `before` (labels of the same people; −1: in none).

    By the pairing with the greatest sum of Jaccard similarities; pairs of less than 0.5 are none.
    """
    old, new = np.unique(before[before >= 0]), np.unique(after)
    if not len(old):
        return {}
    alike = np.array([[_jaccard(before == one, after == other) for other in new] for one in old])
    return {
        int(new[right]): int(old[left])
        for left, right in zip(*linear_sum_assignment(-alike), strict=True)
        if alike[left, right] >= 0.5
    }


def _blocks(features: Sequence[str]) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for place, feature in enumerate(features):
        found.setdefault(feature, []).append(place)
    return list(found.values())


def _try(
    sample: np.ndarray,
    k: int,
    people: int,
    blocks: list[list[int]],
    random: np.random.RandomState,
) -> Try:
    made = _kmeans(sample, k, random)
    silhouette = _silhouette(sample, made.labels_)
    normal = [_silhouette_of(_normal(sample, random), k, random) for _ in range(NULLS)]
    alike = [_silhouette_of(_alike(sample, blocks, random), k, random) for _ in range(NULLS)]
    nulls = max(normal, alike, key=_limit)
    again = [_again(sample, k, made.labels_, random) for _ in range(RESAMPLES)]
    smallest = int(np.bincount(made.labels_, minlength=k).min() * people / len(sample))
    stability = float(np.mean(again))
    checks = (
        (silhouette >= LEAST_SILHOUETTE, "silhouette"),
        (silhouette > _limit(nulls), "no better than data without groups"),
        (stability >= LEAST_STABILITY, "stability"),
        (smallest >= max(SMALLEST, SMALLEST_SHARE * people), "size"),
    )
    return Try(
        k=k,
        silhouette=round(silhouette, 4),
        null_mean=round(float(np.mean(nulls)), 4),
        null_deviation=round(float(np.std(nulls)), 4),
        stability=round(stability, 4),
        stability_low=round(float(np.min(again)), 4),
        smallest=smallest,
        reasons=tuple(reason for passed, reason in checks if not passed),
    )


def _rank(one: Try) -> tuple[float, float]:
    return one.silhouette, one.stability


def _kmeans(rows: np.ndarray, k: int, random: np.random.RandomState) -> KMeans:
    return KMeans(k, n_init=_STARTS, random_state=random.randint(1 << 31)).fit(rows)


def _silhouette(rows: np.ndarray, labels: np.ndarray) -> float:
    return float(silhouette_score(rows, labels)) if len(set(labels)) > 1 else 0.0


def _silhouette_of(rows: np.ndarray, k: int, random: np.random.RandomState) -> float:
    return _silhouette(rows, _kmeans(rows, k, random).labels_)


def _limit(nulls: Sequence[float]) -> float:
    """What a silhouette has to be above, given those of data without groups."""
    return float(np.mean(nulls) + max(MARGIN, DEVIATIONS * np.std(nulls)))


def _normal(sample: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Normal draws of the same covariance."""
    covariance = np.atleast_2d(np.cov(sample.T))
    return random.multivariate_normal(
        sample.mean(axis=0), covariance, len(sample), check_valid="ignore"
    )


def _alike(
    sample: np.ndarray, blocks: list[list[int]], random: np.random.RandomState
) -> np.ndarray:
    """The same values of each feature, put together anew: numbers by a Gaussian copula with the
    correlation of their ranks, each choice shuffled."""
    drawn = np.empty_like(sample)
    numbers = [block[0] for block in blocks if len(block) == 1]
    for block in blocks:
        drawn[:, block] = sample[random.permutation(len(sample))][:, block]
    if len(numbers) > 1:
        ranks = rankdata(sample[:, numbers], axis=0)
        scores = _normal(norm.ppf((ranks - 0.5) / len(sample)), random)
        order = scores.argsort(axis=0).argsort(axis=0)
        drawn[:, numbers] = np.take_along_axis(np.sort(sample[:, numbers], axis=0), order, axis=0)
    return drawn


def _again(sample: np.ndarray, k: int, labels: np.ndarray, random: np.random.RandomState) -> float:
    """The adjusted Rand index of these labels and those by a model of a bootstrap resample."""
    drawn = sample[random.randint(len(sample), size=len(sample))]
    return float(adjusted_rand_score(labels, _kmeans(drawn, k, random).predict(sample)))


def _stabilities(
    sample: np.ndarray, final: KMeans, random: np.random.RandomState
) -> tuple[float, ...]:
    labels, found = final.predict(sample), []
    for _ in range(RESAMPLES):
        drawn = sample[random.randint(len(sample), size=len(sample))]
        other = _kmeans(drawn, final.n_clusters, random).predict(sample)
        found.append(
            [
                max(_jaccard(labels == one, other == like) for like in range(final.n_clusters))
                for one in range(final.n_clusters)
            ]
        )
    return tuple(round(float(one), 4) for one in np.mean(found, axis=0))


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else 0.0
