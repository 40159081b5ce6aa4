"""Days as Japanese shoppers name them, as ISO dates: 明日, 来週の金曜日, 25日, 3日前.

The folded text has Simplified characters, and so have the rules here. What Chinese writes the same
way (11月25日, 2026-11-25) dates.py reads.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from kg.text import fold, simplified
from nlu import calendar_days
from nlu.numerals import CHINESE, number

_WORDS = {
    "さきおととい": -3, "一昨日": -2, "おととい": -2, "昨日": -1, "きのう": -1, "昨夜": -1,
    "昨晩": -1, "今日": 0, "きょう": 0, "本日": 0, "今夜": 0, "今晩": 0, "今朝": 0, "明日": 1,
    "あした": 1, "あす": 1, "明朝": 1, "明晩": 1, "明後日": 2, "あさって": 2, "しあさって": 3,
}  # fmt: skip
_RELATIVE = {fold(word): days for word, days in _WORDS.items()}
_WEEKDAY = {day: place for place, day in enumerate("月火水木金土日")}
_WEEK = {"先々週": -2, "先週": -1, "今週": 0, "来週": 1, "再来週": 2}
_WEEK = {fold(word): weeks for word, weeks in _WEEK.items()}
_COUNT = rf"(?:\d{{1,2}}|{CHINESE})"


def _relative(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=_RELATIVE[match["word"]])


def _weekday(match: re.Match[str], today: date) -> date:
    """金曜日 by itself is the one to come."""
    day = _WEEKDAY[match["day"]]
    if match["week"] is None:
        return calendar_days.to_come(today, day)
    return calendar_days.of_week(today, _WEEK[match["week"]], day)


def _day_of_month(match: re.Match[str], today: date) -> date:
    """The one nearest to today, unless the month is said."""
    steps = {"先": (-1,), "今": (0,), "来": (1,)}.get(match["month"], calendar_days.AROUND)
    return calendar_days.of_month(today, int(match["d"]), steps)


def _days_away(match: re.Match[str], today: date) -> date:
    count = int(number(match["n"]))
    days = count * 7 if match["unit"] == fold("週間") else count
    return today + timedelta(days=days if match["side"] == fold("後") else -days)


_NAMES = "|".join(sorted(_RELATIVE, key=len, reverse=True))
_WEEKS = "|".join(sorted(_WEEK, key=len, reverse=True))
_DATES: tuple[calendar_days.Rule, ...] = (
    (re.compile(rf"(?P<word>{_NAMES})"), _relative),
    (
        re.compile(rf"(?:(?P<week>{_WEEKS})の?)?(?P<day>[月火水木金土日])曜日?"),
        _weekday,
    ),
    (
        re.compile(
            r"(?:(?P<month>[先今来])月の?)?(?<![\d月年第.])(?P<d>\d{1,2})日"
            r"(?=$|[\s、。,]|[にのはがか]|まで|ごろ|頃|着|午)"
        ),
        _day_of_month,
    ),
    (
        re.compile(
            simplified(rf"(?<![\d.第])(?P<n>{_COUNT})(?P<unit>日|週間)(?P<side>前|後)(?!払)")
        ),
        _days_away,
    ),
)


def dates(folded: str, today: date) -> list[tuple[int, int, str]]:
    """(start, end, ISO date) of each day named in a folded text; overlaps are not resolved."""
    return calendar_days.named(_DATES, folded, today)
