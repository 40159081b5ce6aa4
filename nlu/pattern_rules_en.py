"""What can be read off an English message by its form, beside what pattern_rules.py finds.

Feet and inches, pounds, "size 42", "last four digits 1234", "under 300 yuan", and cities by their
names in Latin letters. Rules are as in pattern_rules.py; days are in dates_en.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from nlu import measures
from nlu.dates_en import COUNT, WORDS, counted, dates
from nlu.spans import Span, spans
from nlu.syllables import syllable

_FILE = Path(__file__).with_name("cities.txt")
_CM_OF_INCH, _KG_OF_POUND = 2.54, 0.45359237
_ABOUT = r"(?:\s|:|=|is|are|was|about|around|roughly|approximately|of)*"
_LAST4 = re.compile(
    r"\b(?:last (?:4|four)(?: (?:digits?|numbers?))?"
    r"|(?:phone|number|mobile)?\s?(?:ending|ends)(?: (?:in|with))?"
    r"|end(?:s|ing)? digits?)(?: (?:of|on) (?:my|the) (?:phone|mobile)(?: number)?)?"
    r"(?:\s|:|,|is|are|in|with)*(?P<m>\d{4})(?!\d)"
)
_ONLY4 = re.compile(
    r"^(?:\s|[,.:;#]|it'?s|is|my|the|phone|number|order|last|four|digits?|are|and|here|you|go|sure|ok|okay|"
    r"yes|they'?re|that'?s|qd\s?\d{10})*?(?<![\d-])(?P<m>\d{4})[\s.!]*$"
)


def _phone_last4(text: str) -> Iterator[Span]:
    yield from spans(_LAST4, lambda m: m["m"], text)
    yield from spans(_ONLY4, lambda m: m["m"], text)


_GOODS = (
    r"pairs?|pieces?|pcs|items?|boxes|packs?|packets?|bags|bottles|cans|sets?|units?|copies|"
    r"phones|cases|cables|chargers|socks|mugs|cups|shirts|t-?shirts"
)
_QUANTITY = re.compile(
    rf"(?<![\d.¥/-])\b(?P<m>(?P<n>\d{{1,4}}|{COUNT})\s(?:more\s)?(?:{_GOODS}))\b"
    rf"|\b(?:quantity|qty)\s?(?:is|of|:|to|=)?\s?(?P<q>\d{{1,4}})\b"
)


def _quantity(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> int | None:
        said = match["n"] or match["q"]
        # "a pair of shoes" is a kind of goods and no count.
        return None if said in ("a", "an") else counted(said)

    yield from spans(_QUANTITY, value, text)


_THOUSANDS = r"\d{1,3}(?:,\d{3})+|\d+"
_MONEY = re.compile(
    rf"(?<![\d.])(?P<n>(?:{_THOUSANDS})(?:\.\d+)?)(?P<k>k)?\s?(?:yuan|cny|kuai|bucks|renminbi)\b"
    rf"|\b(?:rmb|cny)\s?(?P<after>(?:{_THOUSANDS})(?:\.\d+)?)"
    rf"|\b(?:under|below|over|above|less than|more than|up to|at most|max(?:imum)?|"
    rf"budget(?: of| is)?|around|about|within|cheaper than|spend)"
    rf"(?:\s|is|about|around|:)*[¥]?(?P<m>\d{{2,5}})(?P<mk>k)?"
    rf"(?!\d|[.:/-]\d|,\d|\s?(?:cm|mm|kg|g\b|lb|pounds|years?|yrs?|months?|days?|hours?|minutes?|"
    rf"inch|w\b|%|st\b|nd\b|rd\b|th\b|mah|gb|pairs?|pieces?|pcs|people|degrees|am\b|pm\b|ml\b|°))"
)


def _money(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float:
        said = match["n"] or match["after"] or match["m"]
        return float(said.replace(",", "")) * (1000 if match["k"] or match["mk"] else 1)

    yield from spans(_MONEY, value, text)


_HEIGHT = re.compile(
    r"(?<![\d.])(?P<feet>[3-7])\s?(?:'|’|′|ft\.?|foot|feet)\s?(?P<inches>1[01]|\d)?(?![\d.])"
    r"\s?(?:\"|”|″|''|in\b|inch(?:es)?\b)?"
    rf"|\b(?:height|tall|stands)\b{_ABOUT}(?P<said>\d{{2,3}}(?:\.\d)?)"
    rf"(?!\s?(?:kg|lb|years?|months?)|\d)"
    rf"|(?<![\d.])(?P<tall>\d{{2,3}}(?:\.\d)?)\s?(?:cm\s)?(?:tall|in height)\b"
    rf"|\b(?:i'?m|he'?s|she'?s|i am|he is|she is)\s(?P<i>1[4-9]\d)(?![\d.])(?:\s?cm)?"
    rf"(?!\s?(?:kg|lb|pounds))"
)


def _height(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["feet"]:
            inches = 12 * int(match["feet"]) + int(match["inches"] or 0)
            centimetres = inches * _CM_OF_INCH
        else:
            centimetres = float(match["said"] or match["tall"] or match["i"])
        return measures.height(centimetres)

    yield from spans(_HEIGHT, value, text)


_WEIGHT = re.compile(
    r"(?<![\d.])(?P<n>\d{1,3}(?:\.\d+)?)\s?(?P<unit>lbs?|pounds?|kilos?|kilograms?|kgs)\b"
    rf"|\b(?:weigh(?:s|ing)?|weight){_ABOUT}(?P<bare>\d{{2,3}}(?:\.\d)?)(?!\d|\s?(?:g\b|grams?|cm|lb|pound|kg|kilo))"
)


def _weight(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        # A bare weight is taken for kilograms, as the shop asks for them.
        kilograms = float(match["n"] or match["bare"])
        if (match["unit"] or "").startswith(("lb", "pound")):
            kilograms *= _KG_OF_POUND
        return measures.weight(kilograms)

    yield from spans(_WEIGHT, value, text)


_FOOT = re.compile(
    rf"\b(?:foot|feet|heel to toe)(?:\s(?:length|long|measures?)|'s)*{_ABOUT}"
    r"(?P<said>\d{2,3}(?:\.\d+)?)\s?(?:cm|mm|centimet(?:er|re)s?|millimet(?:er|re)s?)?(?!\d)"
    r"|(?<![\d.])(?P<before>\d{2}(?:\.\d+)?)\s?(?:cm|centimet(?:er|re)s?)"
    r"\s(?:feet|foot|long feet)\b"
    r"|^\W*(?P<alone>\d{2}(?:\.\d+)?)\s?centimet(?:er|re)s?\W*$"
)


def _foot_length(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        return measures.foot_length(float(match["said"] or match["before"] or match["alone"]))

    yield from spans(_FOOT, value, text)


_AGE = re.compile(
    rf"(?<![\d.])\b(?P<years>\d{{1,3}}(?:\.5)?|{COUNT})(?P<half> and a half)?"
    r"[\s-]?(?:years?|yrs?|y)[\s/-]?(?:olds?|o)\b"
    rf"|(?<![\d.])\b(?P<months>\d{{1,2}}|{COUNT})[\s-]?(?:months?|mos?)[\s-]?olds?\b"
    rf"|\b(?:aged?|turn(?:s|ed|ing)|just turned)\s(?P<aged>\d{{1,2}})\b(?!\s?(?:months?|days?))"
    rf"|\b(?:son|daughter|kid|child|boy|girl|toddler|he|she)(?:'s|\sis)\s(?P<is>\d{{1,2}}|{COUNT})\b"
    r"(?!\s?(?:cm|kg|lb|months?|size|\d|in\b|of\b|and a half|years|yrs|y/o|who|that|with|very|bit|"
    r"little|between|pair))"
)


def _age(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        said = match["years"] or match["months"] or match["aged"] or match["is"]
        if said in ("a", "an") and match["is"]:
            return None
        years = float(said) if said[0].isdigit() else float(WORDS[said])
        years += 0.5 if match["half"] else 0
        years /= 12 if match["months"] else 1
        return measures.age(years)

    yield from spans(_AGE, value, text)


_LETTERS = r"(?:[2-6]xl|x{0,4}l|x{0,2}s|m)"
_SPOKEN = {
    "extra small": "XS", "x-small": "XS", "small": "S", "medium": "M", "large": "L",
    "extra large": "XL", "extra-large": "XL", "x-large": "XL",
}  # fmt: skip
_SAID = "|".join(sorted(_SPOKEN, key=len, reverse=True))
_NOT_SIZE = (
    r"(?![\d,]|[.:/-]\d|\s?(?:cm|mm|kg|g\b|lb|pounds|years?|months?|days?|hours?|minutes?|weeks?|working|business|yuan|rmb|bucks|%|pairs?|"
    r"pieces?|pcs|items|am\b|pm\b|inch|mah|gb|km|nov|dec|jan|feb|mar|apr|may|jun|jul|aug|sep|oct))"
)
_SIZE = re.compile(
    rf"\bsizes?(?:\s|:|is|was|eu|an?|the|in|to|of|number)*(?P<m>(?:{_LETTERS}|1\d\d|[1-9]\d(?:\.5)?)\b{_NOT_SIZE})"
    rf"|\beu(?:r)?\s?(?P<eu>[1-4]\d(?:\.5)?)\b"
    rf"|\b(?:in|an?|the|to|for|about|wear|take)\s(?:an?\s|the\s)?(?P<word>[34]\d(?:\.5)?)\b(?!\.){_NOT_SIZE}"
    rf"|\b(?:in|an?|wear|take|size|to)\s(?:an?\s|size\s)?(?P<letter>{_LETTERS})\b(?!['’])"
    rf"|\bsize\s(?P<spoken>{_SAID})\b|\b(?:in|wear|take)\s(?:an?\s)?(?P<spoken2>{_SAID})\b(?!\s[a-z])"
    rf"|\b(?P<one>one[- ]size)\b"
)
_SAME_SIZE = {"2XL": "XXL", "3XL": "XXXL"}


def _size(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> str:
        if match["one"]:
            return "均码"
        spoken = match["spoken"] or match["spoken2"]
        if spoken:
            return _SPOKEN[spoken]
        size = (match["m"] or match["eu"] or match["word"] or match["letter"]).upper()
        return _SAME_SIZE.get(size, size)

    for match in _SIZE.finditer(text):
        group = next(
            g for g in ("m", "eu", "word", "letter", "spoken", "spoken2", "one") if match[g]
        )
        yield match.start(group), match.end(group), value(match)


# English names that are not the pinyin of each character, short ones, and the one meant where two
# have the same.
_NAMES = {
    "hong kong": "香港", "hongkong": "香港", "macau": "澳门", "macao": "澳门", "taipei": "台北",
    "kaohsiung": "高雄", "taichung": "台中", "tainan": "台南", "hohhot": "呼和浩特",
    "urumqi": "乌鲁木齐", "lhasa": "拉萨", "kashgar": "喀什", "xi'an": "西安", "xian": "西安",
    "harbin": "哈尔滨",
    "canton": "广州", "peking": "北京", "suzhou": "苏州", "fuzhou": "福州",
    "wuxi": "无锡", "yiwu": "义乌",
    "chongqing": "重庆", "chengdu": "成都", "changchun": "长春", "changsha": "长沙",
    "xiamen": "厦门", "foshan": "佛山", "bengbu": "蚌埠", "yueqing": "乐清", "kashi": "喀什",
}  # fmt: skip
# The same for two cities of a size. What is shorter than this may be an English word.
_NOT_CITIES = {"yichun", "taizhou"}
_SHORTEST_CITY = 5


@lru_cache(maxsize=1)
def _cities() -> tuple[dict[str, str], re.Pattern[str]]:
    """Names in Latin letters → the Chinese name; the first city of a pinyin is the one meant."""
    known = dict(_NAMES)
    for line in _FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            for name in line.split()[1:]:
                chinese = name.removesuffix("*")
                pinyin = "".join(map(syllable, chinese))
                if len(pinyin) >= _SHORTEST_CITY and pinyin not in _NOT_CITIES:
                    known.setdefault(pinyin, chinese)
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    return known, re.compile(rf"(?<![a-z])(?:{names})(?![a-z])")


def _city(text: str) -> Iterator[Span]:
    known, pattern = _cities()
    yield from spans(pattern, lambda m: known[m[0]], text)


RULES: dict[str, Callable[[str], Iterator[Span]]] = {
    "phone_last4": _phone_last4,
    "foot_length": _foot_length,
    "height": _height,
    "weight": _weight,
    "age": _age,
    "size": _size,
    "money": _money,
    "quantity": _quantity,
    "city": _city,
}

__all__ = ["RULES", "dates"]
