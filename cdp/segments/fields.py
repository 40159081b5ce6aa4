"""What an expression can ask of a person: fields and functions, each with its type.

Types: number, money (written in yuan, compared in cents), text, time, yesno, and any (a trait,
which takes the type of what it is compared with). A value that is not known fits no comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cdp.events import KINDS
from cdp.tags.facts import Facts, when

Getter = Callable[["Subject"], Any]
NOWHERE = (None, None)
# What these ask for is not in the profile.
OF_CLUSTERS = frozenset({"cluster.number", "cluster.name"})


class Subject:
    """One person as expressions see them: the facts of the profile's body, the tags, and the
    cluster (number, name)."""

    __slots__ = ("cluster", "facts", "tags")

    def __init__(
        self, facts: Facts, tags: frozenset[str], cluster: tuple[int | None, str | None] = NOWHERE
    ):
        self.facts = facts
        self.tags = tags
        self.cluster = cluster


@dataclass(frozen=True)
class Field:
    """A field: its type, how it is read, and what it is in Chinese and English."""

    type: str
    get: Getter
    zh: str
    en: str


def _body(*path: str) -> Getter:
    def get(subject: Subject) -> Any:
        found: Any = subject.facts.body
        for name in path:
            found = (found or {}).get(name)
        return found

    return get


def _number(*path: str) -> Getter:
    get = _body(*path)
    return lambda subject: get(subject) or 0


def _trait_or(name: str) -> Getter:
    own, trait = _body(name), _body("traits", name)
    return lambda subject: own(subject) if own(subject) is not None else trait(subject)


def _average(subject: Subject) -> int | None:
    count = subject.facts.order_count
    return subject.facts.order_value // count if count else None


def _mood(subject: Subject) -> float | None:
    mood = subject.facts.body.get("sentiment") or {}
    return mood["sum"] / mood["n"] if mood.get("n") else None


def _first_order(subject: Subject) -> datetime | None:
    return when((subject.facts.body.get("orders") or {}).get("first"))


FIELDS: dict[str, Field] = {
    "orders.count": Field("number", lambda s: s.facts.order_count, "下单次数", "number of orders"),
    "orders.value": Field("money", lambda s: s.facts.order_value, "订单总额（元）", "orders, yuan"),
    "orders.average": Field("money", _average, "平均订单额（元）", "average order, yuan"),
    "orders.last": Field("time", lambda s: s.facts.last_order, "最近下单时间", "last order"),
    "orders.first": Field("time", _first_order, "首次下单时间", "first order"),
    "last_seen": Field("time", lambda s: s.facts.last_seen, "最近来访", "last seen"),
    "first_seen": Field("time", lambda s: s.facts.first_seen, "首次来访", "first seen"),
    "city": Field("text", _trait_or("city"), "城市", "city"),
    "city_tier": Field("text", _trait_or("city_tier"), "城市级别", "city tier"),
    "language": Field("text", _trait_or("language"), "语言", "language"),
    "gender": Field("text", _body("traits", "gender"), "性别", "gender"),
    "age_band": Field("text", _body("traits", "age_band"), "年龄段", "age band"),
    "minor": Field("yesno", _body("minor"), "未满14岁", "under 14"),
    "cluster.number": Field("number", lambda s: s.cluster[0], "聚类编号", "cluster's number"),
    "cluster.name": Field("text", lambda s: s.cluster[1], "聚类名称", "cluster's name"),
    "sentiment": Field("number", _mood, "情绪均值", "mean sentiment"),
    **{
        f"touch.{which}.{part}": Field(
            "text", _body(f"{which}_touch", part), f"{zh}触点{part_zh}", f"{which} touch: {part}"
        )
        for which, zh in (("first", "首次"), ("last", "最近"))
        for part, part_zh in (
            ("channel", "渠道"),
            ("source", "来源"),
            ("medium", "媒介"),
            ("campaign", "活动"),
        )
    },
    **{
        f"social.{name}": Field("number", _number("social", name), f"{zh}次数", f"{name}s")
        for name, zh in (
            ("share", "分享"),
            ("favourite", "收藏"),
            ("review", "评价"),
            ("follow", "关注"),
        )
    },
}


def tag(name: str) -> Getter:
    """Whether the person has that tag."""
    return lambda subject: name in subject.tags


def trait(name: str) -> Getter:
    """A trait of any type."""
    return _body("traits", name)


def events(kind: str, within: timedelta | None) -> Getter:
    """How many events of a kind there were within so long (whole days), or ever."""
    kinds = frozenset({kind})
    if within is None:
        return lambda subject: subject.facts.count(kinds)
    days = max(within.days, 1)
    return lambda subject: sum(subject.facts.days(kinds, days).values())


def looked(categories: frozenset[str], within: timedelta | None) -> Getter:
    """How many products of these categories were looked at within so long."""

    def get(subject: Subject) -> int:
        start = subject.facts.since(within)
        return sum(1 for item in subject.facts.items_of(categories) if item.at >= start)

    return get


EVENT_KINDS = frozenset(KINDS)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
