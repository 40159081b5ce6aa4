"""The card of a model of clusters, and the report: the card as a page with its pictures.

Both hold figures of groups only. The map of the clusters shows each as an ellipse, not the people:
a point far out would be somebody.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from html import escape

import numpy as np

from cdp.clusters import pictures, words
from cdp.clusters.features import CHOICES, DAYS, NUMBERS, Rows, level_word, plain
from cdp.clusters.fit import Fit
from cdp.clusters.limits import (
    DEVIATIONS,
    FEWEST_PEOPLE,
    LEAST_SILHOUETTE,
    LEAST_STABILITY,
    MARGIN,
    RESAMPLES,
)
from cdp.clusters.model import CLUSTERS, Model, distances

_WHO = "允许行为分析、未满14岁除外、未要求退出训练的顾客"
_METHOD = (
    "标准化后用 K 均值；聚类数取轮廓系数最高且同时满足：明显高于两种无群数据（同协方差的正态数据、"
    f"保留各特征分布的高斯连接数据；高出 {DEVIATIONS:g} 倍标准差且至少 {MARGIN}）、"
    f"轮廓系数不低于 {LEAST_SILHOUETTE}、{RESAMPLES} 次自助重抽样的调整兰德指数均值不低于 "
    f"{LEAST_STABILITY}、每群人数足够"
)
_USE = "用于理解顾客与营销分群；不用于提高价格，不用于拒绝服务。个人可撤回行为分析授权，立即退出。"
_VERDICTS = {
    CLUSTERS: "找到了稳定的分群。",
    "not enough data": f"数据不足：至少需要 {FEWEST_PEOPLE} 位允许行为分析的顾客。",
    "no clear groups": "没有明显的分群：没有一种分法既清楚又稳定，因此不作分群。",
}


def card(model: Model, fit: Fit, rows: Rows, standardised: np.ndarray) -> dict:
    """The card of a model, for JSON; rows and standardised: what it was trained on."""
    used = {one.feature for one in model.columns}
    found = {
        "version": model.version,
        "made_at": model.made_at.isoformat(timespec="seconds") + "Z",
        "verdict": model.verdict,
        "meaning": _VERDICTS[model.verdict],
        "data": {
            "people": fit.people,
            "who": _WHO,
            "window": f"至 {model.made_at:%Y-%m-%d} 的近 {DAYS} 天行为，与全部订单合计",
        },
        "features": [one.label for one in (*NUMBERS, *CHOICES) if one.name in used],
        "method": _METHOD,
        "use": _USE,
        "tries": [{**asdict(one), "reasons": list(one.reasons)} for one in fit.tries],
    }
    if model.clusters:
        found["figures"] = {
            "clusters": len(model.clusters),
            "silhouette": fit.silhouette,
            "stability": fit.stability,
        }
        found["clusters"] = _clusters(model, fit, rows, standardised)
    return found


def files(card: dict, model: Model, fit: Fit, standardised: np.ndarray) -> dict[str, str]:
    """The report (in Chinese) and its pictures, in each language: name of a file → text."""
    drawn = _drawn(card, model, fit, standardised, "zh")
    english = _drawn(words.card_in(card, "en"), model, fit, standardised, "en")
    found = {f"{name}.svg": svg for name, svg in drawn.items()}
    found |= {f"{name}.en.svg": svg for name, svg in english.items()}
    return {**found, "report.html": page(card, drawn)}


def _drawn(
    card: dict, model: Model, fit: Fit, standardised: np.ndarray, language: str
) -> dict[str, str]:
    drawn = {"choice": pictures.choice(card, language)} if fit.tries else {}
    if model.clusters:
        drawn["map"] = pictures.plane(card, model, standardised, language)
        drawn["differences"] = pictures.differences(card, language)
    return drawn


def _clusters(model: Model, fit: Fit, rows: Rows, standardised: np.ndarray) -> list[dict]:
    labels = distances(standardised, model.centres).argmin(axis=1)
    numbers = np.array([one[0] for one in rows])
    found = []
    for index, one in enumerate(model.clusters):
        inside = labels == index
        found.append(
            {
                "number": one.number,
                "name": one.name,
                "people": int(inside.sum()),
                "share": round(float(inside.mean()), 4),
                "stability": fit.stabilities[index],
                "signs": [f"{sign['word']}（{sign['difference']:+.1f}σ）" for sign in one.signs],
                "typical": _typical(model, numbers[inside]),
                "differences": _differences(model, standardised[inside]),
            }
        )
    return sorted(found, key=lambda one: -one["people"])


def _typical(model: Model, numbers: np.ndarray) -> dict[str, float]:
    """The median of each number used, as it is counted; without those known of less than half."""
    found, used = {}, {one.feature for one in model.columns}
    for index, number in enumerate(NUMBERS):
        known = numbers[~np.isnan(numbers[:, index]), index]
        if number.name in used and len(known) and len(known) >= len(numbers) / 2:
            found[number.label] = round(plain(index, float(np.median(known))), 2)
    return found


def _differences(model: Model, inside: np.ndarray) -> dict[str, float]:
    """Of each number and level the mean inside, in standard deviations from that of all."""
    labels = {one.name: one.label for one in (*NUMBERS, *CHOICES)}
    found = {}
    for place, column in enumerate(model.columns):
        value = float(inside[:, place].mean())
        name = labels[column.feature]
        if column.level is not None:
            name = f"{name}：{level_word(column.level)}"
            value *= column.scale / math.sqrt(column.mean * (1 - column.mean))
        found[name] = round(value, 2)
    return found


_HEAD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>顾客分群报告</title>
<style>
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid #ddd; padding: .35rem .8rem .35rem 0; text-align: left;
  vertical-align: top; }
</style></head><body>
"""
_CAPTIONS = {
    "choice": "聚类数的选择",
    "map": "各群的位置（主成分平面，椭圆为一倍标准差，面积不代表人数）",
    "differences": "各群与全体的差异（标准差）",
}


def page(card: dict, drawn: dict[str, str]) -> str:
    """The card as a page: one file, no script, nothing from outside."""
    parts = [_HEAD, "<h1>顾客分群报告</h1>", f"<p>{escape(card['meaning'])}</p>"]
    parts.append(_table([["版本", card["version"]], ["生成时间", card["made_at"]],
                         ["人数", card["data"]["people"]], ["对象", card["data"]["who"]],
                         ["数据", card["data"]["window"]], ["特征", "、".join(card["features"])],
                         ["方法", card["method"]], ["用途", card["use"]]]))  # fmt: skip
    if "clusters" in card:
        parts.append("<h2>各群</h2>")
        head = ["编号", "名称", "人数", "占比", "稳定性", "特点", "典型值（中位数）"]
        body = [
            [one["number"], one["name"], one["people"], f"{one['share']:.1%}", one["stability"],
             "、".join(one["signs"]),
             "；".join(f"{name} {value:g}" for name, value in one["typical"].items())]
            for one in card["clusters"]
        ]  # fmt: skip
        parts.append(_table(body, head))
    for name, svg in drawn.items():
        parts.append(f"<h2>{_CAPTIONS[name]}</h2>")
        parts.append(f'<div class="scroll">{svg[svg.index("<svg") :]}</div>')
    if card["tries"]:
        parts.append("<h2>试过的聚类数</h2>")
        head = ["聚类数", "轮廓系数", "无群数据", "稳定性", "最低", "最小一群", "不取的原因"]
        body = [
            [one["k"], one["silhouette"], f"{one['null_mean']} ± {one['null_deviation']}",
             one["stability"], one["stability_low"], one["smallest"],
             "、".join(_REASONS[reason] for reason in one["reasons"]) or "—"]
            for one in card["tries"]
        ]  # fmt: skip
        parts.append(_table(body, head))
    return "\n".join([*parts, "</body></html>\n"])


_REASONS = {
    "silhouette": "轮廓系数低",
    "no better than data without groups": "不高于无群数据",
    "stability": "不稳定",
    "size": "有一群太小",
}


def _table(rows: list[list], head: list[str] | None = None) -> str:
    top = "".join(f"<th>{escape(one)}</th>" for one in head or ())
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'
