"""Days as Korean shoppers name them, as ISO dates: 내일, 다음 주 금요일, 25일, 3일 전."""

from __future__ import annotations

import re
from datetime import date, timedelta

from nlu import calendar_days

# Small numbers, as they are counted before a counter.
WORDS = {
    "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
    "열": 10,
}  # fmt: skip
COUNT = "|".join(sorted(WORDS, key=len, reverse=True))

_RELATIVE = {
    "그저께": -2, "그제": -2, "엊그제": -2, "어제": -1, "어젯밤": -1, "오늘": 0, "내일": 1,
    "낼": 1, "내일모레": 2, "모레": 2, "글피": 3,
}  # fmt: skip
# Days that have a name of their own, and how many go into a length of time.
_COUNTED_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "열흘": 10, "보름": 15}
_WEEKDAY = {day: place for place, day in enumerate("월화수목금토일")}
_WEEK = {"지지난": -2, "저번": -1, "지난": -1, "이번": 0, "다음": 1, "담": 1, "다다음": 2}


def counted(said: str) -> int:
    """The number that a count in digits or letters stands for."""
    return int(said) if said.isdigit() else WORDS[said]


def _relative(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=_RELATIVE[match["word"]])


def _weekday(match: re.Match[str], today: date) -> date:
    """금요일 by itself is the one to come."""
    day = _WEEKDAY[match["day"]]
    if match["week"] is None:
        return calendar_days.to_come(today, day)
    return calendar_days.of_week(today, _WEEK[match["week"]], day)


def _full(match: re.Match[str], today: date) -> date:
    return date(int(match["y"]), int(match["m"]), int(match["d"]))


def _month_and_day(match: re.Match[str], today: date) -> date:
    return calendar_days.in_month(today, int(match["m"]), int(match["d"]))


def _day_of_month(match: re.Match[str], today: date) -> date:
    """The one nearest to today, unless the month is said."""
    steps = calendar_days.AROUND if match["month"] is None else (_WEEK[match["month"]],)
    return calendar_days.of_month(today, int(match["d"]), steps)


def _days_away(match: re.Match[str], today: date) -> date:
    count = _COUNTED_DAYS[match["named"]] if match["named"] else counted(match["n"])
    days = count * 7 if match["unit"] in ("주", "주일") else count
    return today + timedelta(days=-days if match["side"] == "전" else days)


_WEEKS = "|".join(sorted(_WEEK, key=len, reverse=True))
_DATES: tuple[calendar_days.Rule, ...] = (
    (
        re.compile(
            rf"(?<![가-힣])(?P<word>{'|'.join(sorted(_RELATIVE, key=len, reverse=True))})"
            # 낼 and 그제 also begin other words: 낼게요 (I shall pay), 그제서야 (only then).
            r"(?!서야)(?<!낼(?=[게까래지]))"
        ),
        _relative,
    ),
    (
        re.compile(
            rf"(?<![가-힣])(?:(?P<week>{_WEEKS})\s?주?\s?)?(?P<day>[월화수목금토일])(?:요일|욜)"
        ),
        _weekday,
    ),
    (
        re.compile(r"(?<!\d)(?P<y>20\d\d)\s?년\s?(?P<m>\d{1,2})\s?월\s?(?P<d>\d{1,2})\s?일?(?!\d)"),
        _full,
    ),
    (re.compile(r"(?<!\d)(?P<m>\d{1,2})\s?월\s?(?P<d>\d{1,2})\s?일?(?!\d)"), _month_and_day),
    (
        re.compile(
            rf"(?:(?<![가-힣])(?P<month>{_WEEKS})\s?달\s?)?"
            r"(?<![\d월년제.~-])(?<!월 )(?P<d>\d{1,2})일"
            r"(?=$|[,.?!]|날|에|까지|쯤|경|자|\s(?:오전|오후|저녁|아침|도착|배송|출고|전에|이전))"
        ),
        _day_of_month,
    ),
    (
        re.compile(
            rf"(?<![가-힣\d.])(?:(?P<n>\d{{1,2}}|{COUNT})\s?(?P<unit>일|주일|주)"
            rf"|(?P<named>{'|'.join(_COUNTED_DAYS)}))\s?(?P<side>전|후|뒤)(?!까지|\s?이?내)"
        ),
        _days_away,
    ),
)


def dates(folded: str, today: date) -> list[tuple[int, int, str]]:
    """(start, end, ISO date) of each day named in a folded text; overlaps are not resolved."""
    return calendar_days.named(_DATES, folded, today)
