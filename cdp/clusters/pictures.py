"""The pictures of a report on clusters, as SVG. Texts stay texts, in the reader's own fonts."""

from __future__ import annotations

import io
import logging

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from cdp.clusters.limits import DEVIATIONS, LEAST_STABILITY, MARGIN
from cdp.clusters.model import Model, distances

# The fonts of this machine say nothing of the reader's, which draw the texts.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "clusters",
    "font.sans-serif": ["Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei",
                        "DejaVu Sans", "sans-serif"],
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}  # fmt: skip
_COLOURS = ("#2a6f97", "#e07a5f", "#3d9970", "#b08900", "#7b5ea7", "#c2477f", "#5c6b73", "#9c6644")


_SAID = {
    "zh": {
        "count": "聚类数",
        "silhouette": "轮廓系数（灰：无群数据）",
        "stability": "稳定性（调整兰德指数）",
        "cluster": "{number} 号群",
        "people": "{number} {name}（{people} 人）",
        "axis": "主成分 {number}（{share:.0%}）",
    },
    "en": {
        "count": "number of clusters",
        "silhouette": "silhouette (grey: data without groups)",
        "stability": "stability (adjusted Rand index)",
        "cluster": "cluster {number}",
        "people": "{number} {name} ({people} people)",
        "axis": "component {number} ({share:.0%})",
    },
}


def choice(card: dict, language: str = "zh") -> str:
    """Silhouette, that of data without groups, and stability, by number of clusters."""
    tries, said = card["tries"], _SAID[language]
    counts = [one["k"] for one in tries]
    with plt.rc_context(_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
        left.plot(counts, [one["silhouette"] for one in tries], "o-", color=_COLOURS[0])
        null = np.array([one["null_mean"] for one in tries])
        spread = DEVIATIONS * np.array([one["null_deviation"] for one in tries])
        needed = null + np.maximum(spread, MARGIN)
        left.fill_between(counts, null - spread, needed, color="#bbb", alpha=0.5)
        left.plot(counts, null, "--", color="#888")
        left.set(xlabel=said["count"], title=said["silhouette"])
        right.plot(counts, [one["stability"] for one in tries], "o-", color=_COLOURS[1])
        right.axhline(LEAST_STABILITY, color="#888", linestyle="--")
        right.set(xlabel=said["count"], title=said["stability"], ylim=(-0.02, 1.05))
        for axes in (left, right):
            axes.set_xticks(counts)
        return _svg(figure)


def differences(card: dict, language: str = "zh") -> str:
    """How each cluster differs from everybody, feature by feature."""
    clusters = card["clusters"]
    names = list(clusters[0]["differences"])
    values = np.array([[one["differences"][name] for one in clusters] for name in names])
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(2.2 + 1.5 * len(clusters), 1.2 + 0.3 * len(names)))
        axes.imshow(values, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
        axes.set_xticks(range(len(clusters)))
        said = _SAID[language]["cluster"]
        axes.set_xticklabels([said.format(number=one["number"]) for one in clusters])
        axes.set_yticks(range(len(names)))
        axes.set_yticklabels(names)
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if abs(value) > 1.4 else "#222"
            axes.text(column, row, f"{value:+.1f}", ha="center", va="center", color=colour, size=8)
        return _svg(figure)


def plane(card: dict, model: Model, standardised: np.ndarray, language: str = "zh") -> str:
    """Where the clusters lie on the first two principal components."""
    labels = distances(standardised, model.centres).argmin(axis=1)
    middle = standardised.mean(axis=0)
    _, strengths, axes_of = np.linalg.svd(standardised - middle, full_matrices=False)
    flat = (standardised - middle) @ axes_of[:2].T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    told = strengths**2 / (strengths**2).sum()
    known, said = {one["number"]: one for one in card["clusters"]}, _SAID[language]
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 4.8))
        for index, one in enumerate(model.clusters):
            inside = flat[labels == index]
            colour = _COLOURS[index % len(_COLOURS)]
            centre, width, height, angle = _ellipse(inside)
            axes.add_patch(Ellipse(centre, width, height, angle=angle, color=colour, alpha=0.25))
            axes.plot(*centre, "o", color=colour)
            label = said["people"].format(**known[one.number])
            axes.annotate(label, centre, (0, 8), textcoords="offset points", ha="center", size=9)
        axes.autoscale_view()
        axes.margins(0.25)
        first, second = told[0], told[1:2].sum()
        axes.set(
            xlabel=said["axis"].format(number=1, share=first),
            ylabel=said["axis"].format(number=2, share=second),
        )
        return _svg(figure)


def _ellipse(points: np.ndarray) -> tuple[np.ndarray, float, float, float]:
    """Centre, width, height and angle of the ellipse of one standard deviation."""
    values, vectors = np.linalg.eigh(np.cov(points.T))
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    minor, major = 2 * np.sqrt(np.maximum(values, 0))
    return points.mean(axis=0), float(major), float(minor), angle


def _svg(figure: Figure) -> str:
    made = io.StringIO()
    figure.tight_layout()
    figure.savefig(made, format="svg", metadata={"Date": None})
    plt.close(figure)
    return made.getvalue()
