"""What can be read off a message by its form: numbers, measures, money, sizes.

Each rule is a function from a folded text (nlu.text.fold) to `(start, end, value)` of what it
found. `find` runs them all and keeps, of those that overlap, the one that matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from kg.text import HANGUL_LETTER
from nlu import measures, pattern_rules_en, pattern_rules_ja, pattern_rules_ko
from nlu.cities import cities
from nlu.dates import dates
from nlu.numerals import CHINESE, NUMBER, number
from nlu.spans import Span, spans

_EDGE = r"(?<![a-z0-9])"
_END = r"(?![a-z0-9])"
_MARK = r"[\s:#号是为,-]*"
_TEN_DIGITS = r"(?P<digits>\d(?:[ -]?\d){9})(?!\d)"


@dataclass(frozen=True)
class Found:
    """An entity at [start, end) of the message, with its value in the unit that its kind has."""

    kind: str
    value: Any
    start: int
    end: int


def _only_digits(text: str) -> str:
    return re.sub(r"\D", "", text)


# Numbers of orders and tickets: QD2026110001, "qd 2026 1100 01", or the ten digits by themselves.
_ORDER = re.compile(rf"{_EDGE}qd{_MARK}{_TEN_DIGITS}|(?<![a-z\d.])(?P<bare>20\d{{8}})(?![\d.])")
_TICKET = re.compile(rf"{_EDGE}(?P<kind>as|sr){_MARK}{_TEN_DIGITS}")
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[ -]?)?(?P<n>1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?!\d)")
_LAST4 = re.compile(
    r"(?:尾号|后四位|后4位|末四位|末4位|最后四位|最后4位)(?:数字?|号码?)?[是为:\s]*(?P<m>\d{4})(?!\d)"
)
_BARE4 = re.compile(r"(?<![\da-z./-])\d{4}(?![\da-z./年块元米-])")


def _order_number(text: str) -> Iterator[Span]:
    yield from spans(_ORDER, lambda m: "QD" + _only_digits(m["digits"] or m["bare"]), text)


def _ticket_number(text: str) -> Iterator[Span]:
    yield from spans(_TICKET, lambda m: m["kind"].upper() + _only_digits(m["digits"]), text)


def _phone(text: str) -> Iterator[Span]:
    yield from spans(_MOBILE, lambda m: _only_digits(m["n"]), text)


def _phone_last4(text: str) -> Iterator[Span]:
    yield from spans(_LAST4, lambda m: m["m"], text)
    order = _ORDER.search(text)
    rest = text[: order.start()] + " " * len(order[0]) + text[order.end() :] if order else text
    bare = _BARE4.findall(rest)
    words = re.sub(r"[\W\d_]|手机|电话|号码?|订单|编?号|尾|是|我的?|下单", "", rest)
    if len(bare) == 1 and not words:  # nothing is said beside the numbers
        match = _BARE4.search(rest)
        yield match.start(), match.end(), match[0]


# How many: 两双, 3件. A single 一个 is mostly not a count, and 第二件 is an offer's condition.
_COUNTERS = "双件个台条盒包袋箱瓶罐只套部支本份顶副把张片桶听串枚组对"
_QUANTITY = re.compile(
    rf"(?<![第折\d.])(?P<n>\d{{1,4}}|{CHINESE})(?P<c>[{_COUNTERS}])(?!月|半?小时|工作日|星期|礼拜|[点岁])"
)
_BUYING = re.compile(r"(?:买|要|退|换|少|拿|来|订|拍|定|下单|发|送|加|收到)了?$")


def _quantity(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> int | None:
        count = number(match["n"])
        if not count or count != int(count):
            return None
        if match["n"] == "一" and match["c"] in "个对把张片份":
            return 1 if _BUYING.search(text[: match.start()]) else None
        return int(count)

    yield from spans(_QUANTITY, value, text)


_MONEY = re.compile(
    rf"[¥￥]\s?(?P<sign>\d+(?:\.\d+)?)"
    rf"|(?P<n>{NUMBER})(?:多|来|几)?(?:元(?:钱|人民币)?|块钱|rmb|圆)"
    rf"|(?P<kuai>{NUMBER})块(?P<mao>\d|[一二三四五六七八九])?"
    rf"(?=$|[^\w]|[的了吧吗呢嘛以左上差优补降便就够能可行多])"
    rf"|(?:预算|满|减|省|差价?|优惠)(?:是|大概|在|了)?(?P<m>\d+(?:\.\d+)?[千万]?)(?![\d岁个件双天年月号码折%.])"
)


def _money(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        amount = number(match["sign"] or match["n"] or match["kuai"] or match["m"])
        if amount is not None and match["mao"]:
            amount += number(match["mao"]) / 10
        return amount

    yield from spans(_MONEY, value, text)


_CM = r"(?:cm|厘米|公分|㎝)"
_METRES = (
    r"(?P<metre>[12]|一|两)\s?米\s?(?P<rest>\d{1,2}|[零一二三四五六七八九][一二三四五六七八九零]?)?"
)
_HEIGHT = re.compile(
    rf"(?:身高|个子|个头|身長|高)(?:大概|大约|是|有|在|差不多|:|\s)*"
    rf"(?:(?P<fraction>[12]\.\d{{1,2}})\s?(?:米|m)?|(?P<said>\d{{2,3}}(?:\.\d)?){_CM}?(?![\d斤k]))"
    rf"|(?<![\d.长宽深]){_METRES}(?![\d长宽])"
    rf"|(?<![\d.])(?P<decimal>[12]\.\d{{1,2}})\s?(?:米|m)(?![a-z长宽])"
    rf"|(?<![长宽厚深径\d.-])(?P<cm>\d{{2,3}}(?:\.\d)?)\s?{_CM}(?![a-z长宽])"
    rf"|(?<![\d.])(?P<child>\d{{2,3}})(?:的|高的?)(?:孩子|宝宝|小孩|娃|男孩|女孩|小朋友|儿子|女儿)"
)


def _height(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["metre"]:
            centimetres = 100 * number(match["metre"]) + _below_metre(match["rest"] or "")
        elif match["fraction"] or match["decimal"]:
            centimetres = 100 * float(match["fraction"] or match["decimal"])
        else:
            centimetres = float(match["said"] or match["cm"] or match["child"])
        return measures.height(centimetres)

    yield from spans(_HEIGHT, value, text)


def _below_metre(rest: str) -> float:
    """Of 1米65 or 一米六五 the 65; of 1米7 or 一米七 the 70."""
    value = number(rest) if rest else 0.0
    return value * 10 if len(rest) == 1 else value


_WEIGHT = re.compile(
    rf"(?<![\d.])(?P<n>{NUMBER})\s?(?:多|来)?(?P<unit>公斤|千克|kg|㎏|斤)(?P<half>半)?(?![a-z装])"
    rf"|(?:体重|重)(?:大概|大约|是|有|在|差不多|:|\s)*(?P<m>\d{{2,3}}(?:\.\d)?)"
    rf"(?![\d.岁cm]|\s?(?:多|来)?(?:公斤|千克|kg|㎏|斤))"
)
# A bare weight from here on is in jin (half a kilogram): nobody says 体重110 and means 110 kg.
_JIN_FROM = 85


def _weight(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["unit"] is None:
            bare = float(match["m"])
            return bare / 2 if bare >= _JIN_FROM else bare
        amount = number(match["n"])
        if amount is None:
            return None
        amount += 0.5 if match["half"] else 0
        kilograms = amount / 2 if match["unit"] == "斤" else amount
        return measures.weight(kilograms)

    yield from spans(_WEIGHT, value, text)


_FOOT = re.compile(
    rf"(?:脚长|脚|足长|内长)(?:长|大概|大约|是|有|在|差不多|量了?|:|\s)*(?P<said>\d{{2,3}}(?:\.\d)?)"
    rf"\s?(?P<unit>{_CM}|mm|毫米)?(?![\d码])|(?<![\d.长宽高厚径])(?P<mm>[12]\d\d)\s?(?:mm|毫米)(?![a-z长宽])"
)
_BARE_CM = re.compile(rf"^\W*(?P<n>\d\d(?:\.\d)?)\s?{_CM}\W*$")


def _foot_length(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        return measures.foot_length(float(match["said"] or match["mm"]))

    yield from spans(_FOOT, value, text)
    bare = _BARE_CM.match(text)
    if bare and (centimetres := measures.foot_length(float(bare["n"]))):
        yield bare.start("n"), len(text.rstrip()), centimetres


_CHILD = "宝宝|孩子|小孩|娃|儿子|女儿|男孩|女孩|小朋友|宝贝|婴儿|孙子|孙女"
_AGE = re.compile(
    rf"(?<![\d.])(?P<years>\d{{1,3}}|{CHINESE}|半)\s?周?岁(?P<half>半)?(?:零?(?P<plus>\d{{1,2}}|{CHINESE})个月)?"
    rf"|(?:{_CHILD}|刚|才|已经|快|[今满])+\s?(?P<m>(?P<after>\d{{1,2}}|{CHINESE})个(?P<and_half>半)?月)"
    rf"|(?<![\d.])(?P<before>\d{{1,2}}|{CHINESE})个月(?:大|的?(?:{_CHILD}))"
)


def _age(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["years"] == "半":
            return 0.5
        if match["years"]:
            years = number(match["years"])
            if years is None:
                return None
            months = number(match["plus"]) or 0 if match["plus"] else 0
            years += (0.5 if match["half"] else 0) + months / 12
        else:
            months = number(match["after"] or match["before"])
            if months is None:
                return None
            years = (months + (0.5 if match["and_half"] else 0)) / 12
        return measures.age(years)

    yield from spans(_AGE, value, text)


_LETTERS = r"(?:[2-6]xl|x{0,4}l|x{0,2}s|m)"
_SIZE = re.compile(
    rf"(?P<number>(?<![\d.])\d{{2,3}}(?:\.5)?)\s?码(?!数)"
    rf"|(?P<spoken>[二三四五]?十[一二三四五六七八九]?(?:点五)?)码"
    rf"|(?P<chart>(?<!\d)1\d\d/\d{{2,3}}[abcy]?)"
    rf"|(?P<hao>(?<![\d.])(?:3[2-9]|4\d)(?:\.5)?)号(?!楼|店|线)"
    rf"|{_EDGE}(?P<letters>[2-6]xl|x{{1,4}}l|x{{1,2}}s){_END}码?"
    rf"|{_EDGE}(?P<letter>[sml]|nb){_END}(?=\s?[码号])[\s码号]*"
    rf"|(?P<even>均码)"
    rf"|(?:尺码|码数|鞋码|码|穿|换成?|选|拍|要|尺寸|size)(?:是|了|的|个|:|\s)*"
    rf"(?P<m>(?:{_LETTERS}|[234]\d(?:\.5)?){_END}(?![%\d.年月日号岁斤天个件双元块公厘米折]))"
    rf"|^\W*(?P<alone>{_LETTERS})\W*$"
)
_SAME_SIZE = {"2XL": "XXL", "3XL": "XXXL"}


def _size(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> str | None:
        if match["spoken"]:
            said = number(match["spoken"])
            return None if said is None else f"{said:g}"
        groups = ("number", "chart", "hao", "letters", "letter", "even", "m", "alone")
        size = next(match[group] for group in groups if match[group]).upper()
        return _SAME_SIZE.get(size, size)

    yield from spans(_SIZE, value, text)


# Of what overlaps the longest is kept; of equals, the earlier kind in this order. What stands under
# FIRST is never given up for anything else.
RULES: dict[str, Callable[[str], Iterator[Span]]] = {
    "order_number": _order_number,
    "ticket_number": _ticket_number,
    "phone": _phone,
    "phone_last4": _phone_last4,
    "foot_length": _foot_length,
    "height": _height,
    "weight": _weight,
    "age": _age,
    "size": _size,
    "money": _money,
    "quantity": _quantity,
    "city": cities,
}
FIRST = ("order_number", "ticket_number", "phone", "phone_last4")
# What other languages than Chinese say besides.
_OTHERS_UNLESS_HANGUL = (pattern_rules_en, pattern_rules_ja)
_OTHERS = (*_OTHERS_UNLESS_HANGUL, pattern_rules_ko)


def find(folded: str, today: date) -> list[Found]:
    """All entities in a folded text, none overlapping, in the order they stand."""
    others = _OTHERS if HANGUL_LETTER.search(folded) else _OTHERS_UNLESS_HANGUL
    found = [
        Found(kind, value, start, end)
        for rules in (RULES, *(one.RULES for one in others))
        for kind, rule in rules.items()
        for start, end, value in rule(folded)
    ]
    for days in (dates, *(one.dates for one in others)):
        found += [Found("date", value, start, end) for start, end, value in days(folded, today)]
    order = (*RULES, "date")
    found.sort(key=lambda f: (f.kind not in FIRST, f.start - f.end, order.index(f.kind)))
    kept: list[Found] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)
