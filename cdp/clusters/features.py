"""What of a profile goes into clusters: behaviour as numbers, channel and attributes as choices.

Numbers are counted over the 90 days a profile keeps by day, or over all orders; those that are
spread over powers of ten go in as log(1 + x). What is not known is NaN, and later weighs nothing.
Interests by category are left out: tags say these, and there would be more of them than of
everything else together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cdp.profiles.fold import DAYS
from cdp.profiles.view import seen

NAN = math.nan
_VIEWS = ("page", "view", "click")
_CARTS = ("cart", "checkout")
_OFFERS = ("coupon", "promotion")


@dataclass(frozen=True)
class Number:
    """A number: its label, the words for much and for little of it, and how it is read.

    aspect: what it is about; a name has one word about each.
    """

    name: str
    aspect: str
    label: str
    high: str
    low: str
    get: Callable[["Facts"], float]
    log: bool = True


@dataclass(frozen=True)
class Choice:
    """One of several words; `phrase` puts it into a cluster's name."""

    name: str
    label: str
    phrase: str
    get: Callable[["Facts"], str | None]


class Facts:
    """A profile's body as the features read it, on a given day."""

    def __init__(self, body: dict, now: datetime):
        self.body = body
        self.now = now
        start = (now.date() - timedelta(days=DAYS - 1)).isoformat()
        self._days = [kinds for day, kinds in (body.get("days") or {}).items() if day >= start]
        self.orders = body.get("orders") or {}

    @property
    def active_days(self) -> int:
        """On how many days there was an event."""
        return len(self._days)

    def count(self, *kinds: str) -> int:
        """How many events of these kinds there were."""
        return sum(day.get(kind, 0) for day in self._days for kind in kinds)

    @property
    def silent_days(self) -> float:
        """Days since the last event of any kind."""
        _, last = seen(self.body)
        if last is None:
            return NAN
        return max(0.0, (self.now - datetime.fromisoformat(last)).total_seconds() / 86_400)

    @property
    def average_order(self) -> float:
        """Yuan an order; NaN without one."""
        count = self.orders.get("count", 0)
        return max(0, self.orders["value_cents"]) / count / 100 if count else NAN

    @property
    def refunded(self) -> float:
        """The part of the money that was given back; NaN without an order."""
        value = self.orders.get("value_cents", 0)
        return self.orders["refunded_cents"] / value if value > 0 else NAN

    @property
    def breadth(self) -> float:
        """Shannon entropy of the likings by category, 0 (one) …; NaN where none is known."""
        scores = ((self.body.get("affinity") or {}).get("category") or {}).values()
        total = sum(scores)
        if not total:
            return NAN
        shares = [score / total for score in scores if score > 0]
        return -sum(share * math.log(share) for share in shares)

    @property
    def mood(self) -> float:
        """Mean sentiment of talks, −1 … 1; NaN without one."""
        mood = self.body.get("sentiment") or {}
        return mood["sum"] / mood["n"] if mood.get("n") else NAN

    def device(self) -> str | None:
        """The kind of device most events came from: mobile, desktop …"""
        kinds: dict[str, int] = {}
        for name, count in (self.body.get("devices") or {}).items():
            kind = name.partition("/")[0]
            kinds[kind] = kinds.get(kind, 0) + count
        return max(sorted(kinds), key=kinds.get) if kinds else None

    def own(self, name: str) -> str | None:
        """A value of the profile itself, or of its traits."""
        found = self.body.get(name) or (self.body.get("traits") or {}).get(name)
        return str(found) if found else None


def _social(facts: Facts) -> float:
    return sum((facts.body.get("social") or {}).values())


NUMBERS = (
    Number("active_days", "visits", "活跃天数", "常来", "少来", lambda f: f.active_days),
    Number(
        "silent_days", "visits", "距上次来访天数", "久未来访", "近期来访", lambda f: f.silent_days
    ),
    Number("views", "visits", "浏览次数", "多浏览", "少浏览", lambda f: f.count(*_VIEWS)),
    Number("searches", "search", "搜索次数", "爱搜索", "少搜索", lambda f: f.count("search")),
    Number("carts", "cart", "加购次数", "爱加购", "少加购", lambda f: f.count(*_CARTS)),
    Number("orders", "orders", "下单次数", "高频", "低频", lambda f: f.orders.get("count", 0)),
    Number("average_order", "money", "客单价（元）", "高客单", "低客单", lambda f: f.average_order),
    Number("refunded", "refunds", "退款占比", "多退款", "少退款", lambda f: f.refunded, log=False),
    Number("offers", "offers", "用券与活动次数", "爱优惠", "少用券", lambda f: f.count(*_OFFERS)),
    Number("talks", "talks", "咨询次数", "爱咨询", "少咨询", lambda f: f.count("talk")),
    Number("social", "social", "分享收藏评价次数", "爱分享", "少分享", _social),
    Number("breadth", "taste", "兴趣广度", "兴趣广", "兴趣专", lambda f: f.breadth, log=False),
    Number("mood", "mood", "咨询情绪", "情绪好", "情绪差", lambda f: f.mood, log=False),
)


def _channel(facts: Facts) -> str | None:
    return (facts.body.get("first_touch") or {}).get("channel")


CHOICES = (
    Choice("channel", "首次来源", "{}来客", _channel),
    Choice("device", "主要设备", "{}用户", Facts.device),
    Choice("city_tier", "城市级别", "{}城市", lambda f: f.own("city_tier")),
    Choice("gender", "性别", "{}", lambda f: f.own("gender")),
    Choice("age_band", "年龄段", "{}岁", lambda f: f.own("age_band")),
)
_WORDS = {
    "female": "女性",
    "male": "男性",
    "mobile": "手机",
    "desktop": "电脑",
    "tablet": "平板",
}


def row(body: dict, now: datetime) -> tuple[list[float], list[str | None]]:
    """The numbers (NaN: not known) and the choices (None: not known) of one profile's body."""
    facts = Facts(body, now)
    numbers = [float(one.get(facts)) for one in NUMBERS]
    scaled = [
        math.log1p(value) if one.log else value for one, value in zip(NUMBERS, numbers, strict=True)
    ]
    return scaled, [one.get(facts) for one in CHOICES]


def plain(index: int, scaled: float) -> float:
    """A number as it was before it was written for the model."""
    return math.expm1(scaled) if NUMBERS[index].log else scaled


def level_word(level: str) -> str:
    """A level of a choice in Chinese."""
    return _WORDS.get(level, level)


def word(choice: Choice, level: str) -> str:
    """A level in Chinese, as part of a name."""
    said = level_word(level)
    return choice.phrase.format(said.removesuffix("渠道") if choice.name == "channel" else said)


@dataclass(frozen=True)
class Column:
    """One column of the matrix: a number (`level` None), or one level of a choice."""

    feature: str
    level: str | None
    mean: float
    scale: float


Rows = list[tuple[list[float], list[str | None]]]
CLIP = 3.0
_LEAST_KNOWN = 0.05
_LEAST_LEVEL = 0.02
_MOST_LEVELS = 8


def columns(rows: Rows) -> list[Column]:
    """How these people's rows are standardised.

    A number has mean 0 and variance 1. The levels of a choice together have variance 1, so that a
    choice weighs as much as a number however many levels it has. What is the same for nearly all,
    or known of few, is no column.
    """
    found = []
    numbers = np.array([one[0] for one in rows], dtype=float).reshape(len(rows), len(NUMBERS))
    for index, number in enumerate(NUMBERS):
        known = numbers[~np.isnan(numbers[:, index]), index]
        if len(known) >= _LEAST_KNOWN * len(rows) and len(known) > 1 and known.std() > 1e-6:
            found.append(Column(number.name, None, float(known.mean()), float(known.std())))
    for index, choice in enumerate(CHOICES):
        known = [one[1][index] for one in rows if one[1][index] is not None]
        if len(known) < max(2, _LEAST_KNOWN * len(rows)):
            continue
        counts = {level: known.count(level) for level in set(known)}
        often = [one for one in counts if counts[one] >= _LEAST_LEVEL * len(known)]
        often = sorted(often, key=lambda one: (-counts[one], one))[:_MOST_LEVELS]
        shares = {level: counts[level] / len(known) for level in often}
        total = sum(share * (1 - share) for share in shares.values())
        if total > 1e-3:
            scale = math.sqrt(total)
            found += [Column(choice.name, level, shares[level], scale) for level in often]
    return found


def matrix(rows: Rows, by: list[Column]) -> np.ndarray:
    """People × columns, standardised and cut off at ±3; what is not known is 0, the mean."""
    numbers = {one.name: index for index, one in enumerate(NUMBERS)}
    choices = {one.name: index for index, one in enumerate(CHOICES)}
    made = np.zeros((len(rows), len(by)))
    for place, column in enumerate(by):
        if column.level is None:
            index = numbers[column.feature]
            raw = np.array([one[0][index] for one in rows], dtype=float)
        else:
            index = choices[column.feature]
            said = [one[1][index] for one in rows]
            raw = np.array([NAN if one is None else float(one == column.level) for one in said])
        made[:, place] = np.nan_to_num((raw - column.mean) / column.scale)
    return made.clip(-CLIP, CLIP)
