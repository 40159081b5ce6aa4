"""A model of clusters as it is kept: `var/models/clusters/<version>/`.

card.json    what it is: window, features, figures, clusters; no single person's data
model.json   columns and centres: all that is needed to assign somebody
report.html  the card as a page with pictures
*.svg        the pictures

Plain JSON, no pickle: nothing is executed by reading it, and it outlives versions of libraries. The
newest folder is the model in force; a version that found no clusters is kept the same way.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from cdp.clusters.features import Column
from storage import var_dir

KEPT = 5
CLUSTERS = "clusters"
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Cluster:
    """One cluster; `signs` say what sets it apart, the strongest first."""

    number: int
    name: str
    centre: tuple[float, ...]
    signs: tuple[dict, ...]


@dataclass(frozen=True)
class Model:
    """verdict: "clusters", "not enough data" or "no clear groups". `next_number` is that of the
    next cluster that is new: a number never comes to mean another cluster."""

    version: str
    made_at: datetime
    verdict: str
    columns: tuple[Column, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    next_number: int = 1

    @property
    def centres(self) -> np.ndarray:
        """Clusters × columns."""
        return np.array([one.centre for one in self.clusters])


def version_of(now: datetime) -> str:
    """The name of a model made at that time; later ones sort after it."""
    return f"{now:{_STAMP}}"


def folder() -> Path:
    """Where the models lie."""
    made = var_dir() / "models" / "clusters"
    made.mkdir(parents=True, exist_ok=True)
    return made


def newest() -> Model | None:
    """The model in force; None where there is none yet."""
    found = sorted(folder().glob("*/model.json"))
    return _read(found[-1]) if found else None


def card() -> dict | None:
    """The card of the model in force."""
    found = sorted(folder().glob("*/card.json"))
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def save(model: Model, card: dict, others: Mapping[str, str]) -> Path:
    """Keep a model with its card and other files (name → text); it appears whole or not at all."""
    content = asdict(model)
    content["made_at"] = model.made_at.isoformat()
    files = {
        "model.json": json.dumps(content, ensure_ascii=False),
        "card.json": json.dumps(card, ensure_ascii=False, indent=1),
        **others,
    }
    home = folder() / model.version
    fresh = Path(tempfile.mkdtemp(dir=folder().parent, prefix=".clusters-"))
    for name, text in files.items():
        (fresh / name).write_text(text, encoding="utf-8")
    shutil.rmtree(home, ignore_errors=True)
    os.replace(fresh, home)
    for old in sorted(folder().glob("*/model.json"))[:-KEPT]:
        shutil.rmtree(old.parent, ignore_errors=True)
    return home


def distances(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Euclidean distances, people × centres."""
    gaps = rows[:, None, :] - centres[None, :, :]
    return np.sqrt((gaps**2).sum(axis=2))


def _read(path: Path) -> Model:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["made_at"] = datetime.fromisoformat(content["made_at"])
    content["columns"] = tuple(Column(**one) for one in content["columns"])
    content["clusters"] = tuple(
        Cluster(one["number"], one["name"], tuple(one["centre"]), tuple(one["signs"]))
        for one in content["clusters"]
    )
    return Model(**content)
