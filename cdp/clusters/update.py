"""The daily job: train a model where it is time, and assign everybody to a cluster."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from cdp import jobs
from cdp.clusters import members, naming, people
from cdp.clusters import model as models
from cdp.clusters.features import CHOICES, Column, Rows, columns, matrix
from cdp.clusters.model import CLUSTERS, Cluster, Model
from storage import utc_now

REFIT = timedelta(days=7)
# More people than this teach a few centres nothing new.
MOST = 20_000
SEED = 20_261_122


@jobs.job("clusters.update", every=timedelta(days=1), lease=timedelta(hours=1), apart=True)
def update(now: datetime | None = None, *, refit: bool = False) -> dict:
    """Bring clusters up to date; the verdict, and how many people were assigned and moved.

    A model serves for a week; where there was none, it is tried again each day.
    """
    now = now or utc_now()
    model = models.newest()
    due = model is None or model.verdict != CLUSTERS or now - model.made_at >= REFIT
    if due or refit:
        model = train(now, model)
    return {"version": model.version, "verdict": model.verdict, **members.assign(model, now)}


def train(now: datetime, before: Model | None = None) -> Model:
    """Make a model of those who take part, keep it with its card, and give it."""
    # Half a second and 100 MB of libraries that only this job of the night needs.
    from cdp.clusters import fit as fitting
    from cdp.clusters import report

    who, rows = people.sample(MOST, now, SEED)
    by = columns(rows) if rows else []
    standardised = matrix(rows, by)
    fit = fitting.fit(standardised, SEED, [one.feature for one in by])
    first = before.next_number if before else 1
    clusters: list[Cluster] = []
    if fit.centres is not None:
        labels = models.distances(standardised, fit.centres).argmin(axis=1)
        known = members.labels_of(who)
        old = np.array([known.get(one, -1) for one in who])
        pairs = fitting.paired(old, labels)
        numbers = []
        for index in range(len(fit.centres)):
            numbers.append(pairs.get(index, first))
            first += index not in pairs
        known_as = {
            one.number: (one.name, *(sign["word"] for sign in one.signs))
            for one in (before.clusters if before else ())
        }
        signs = _signs(labels, len(numbers), rows, standardised, by)
        names = naming.names(signs, [known_as.get(number) for number in numbers])
        clusters = [
            _cluster(*of_one) for of_one in zip(numbers, names, fit.centres, signs, strict=True)
        ]
    model = Model(models.version_of(now), now, fit.verdict, tuple(by), tuple(clusters), first)
    card = report.card(model, fit, rows, standardised)
    models.save(model, card, report.files(card, model, fit, standardised))
    return model


def _signs(
    labels: np.ndarray, count: int, rows: Rows, standardised: np.ndarray, by: list[Column]
) -> list[list[naming.Sign]]:
    """What sets each cluster apart."""
    return [
        naming.signs(
            standardised[labels == index].mean(axis=0),
            [_share(rows, labels == index, column) for column in by],
            by,
        )
        for index in range(count)
    ]


def _cluster(number: int, name: str, centre: np.ndarray, signs: list[naming.Sign]) -> Cluster:
    told = [
        {"label": one.label, "word": one.word, "difference": round(one.difference, 2)}
        for one in signs
    ]
    return Cluster(number, name, tuple(round(float(value), 6) for value in centre), tuple(told))


def _share(rows: Rows, inside: np.ndarray, column: Column) -> float | None:
    """The share of a level among those inside of whom the choice is known."""
    if column.level is None:
        return None
    index = [one.name for one in CHOICES].index(column.feature)
    said = [one[1][index] for one, mine in zip(rows, inside, strict=True) if mine]
    known = [one for one in said if one is not None]
    # Known of a few only, it is no mark of the whole.
    if len(known) < len(said) / 2:
        return 0.0
    return known.count(column.level) / len(known)
