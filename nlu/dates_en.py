"""Days as English-speaking shoppers name them, as ISO dates: tomorrow, next Friday, Nov 25."""

from __future__ import annotations

import re
from datetime import date, timedelta

from nlu import calendar_days

# Small numbers, as they are counted.
WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
COUNT = "|".join(sorted(WORDS, key=len, reverse=True))


def counted(said: str) -> int:
    """The number that a count in digits or letters stands for."""
    return int(said) if said.isdigit() else WORDS[said]


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5,
    "sun": 6,
}  # fmt: skip
_WEEKDAY = {**{day: place for place, day in enumerate(_DAYS)}, **_SHORT_DAYS}
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH = {
    **{name: place for place, name in enumerate(_MONTHS, 1)},
    **{name[:3]: place for place, name in enumerate(_MONTHS, 1)},
    "sept": 9,
}
_MONTH_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_RELATIVE = {
    "day before yesterday": -2, "yesterday": -1, "last night": -1, "today": 0, "tonight": 0,
    "tomorrow": 1, "tmrw": 1, "tmr": 1, "day after tomorrow": 2,
}  # fmt: skip


def _relative(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=_RELATIVE[match["word"]])


def _weekday(match: re.Match[str], today: date) -> date:
    """Friday and this Friday are the one to come, next Friday that of next week, last the past."""
    day = _WEEKDAY[match["day"]]
    if match["which"] == "next":
        return calendar_days.of_week(today, 1, day)
    coming = calendar_days.to_come(today, day)
    return coming - timedelta(days=7) if match["which"] == "last" else coming


def _month_and_day(match: re.Match[str], today: date) -> date:
    """The year that brings the day nearest to today, where none is said."""
    month, day = _MONTH[match["month"]], int(match["d"])
    if match["y"]:
        return date(int(match["y"]), month, day)
    return calendar_days.in_month(today, month, day)


def _days_ago(match: re.Match[str], today: date) -> date:
    return today - _time(match)


def _days_ahead(match: re.Match[str], today: date) -> date:
    return today + _time(match)


def _time(match: re.Match[str]) -> timedelta:
    return timedelta(**{f"{match['unit']}s": counted(match["n"])})


_DATES: tuple[calendar_days.Rule, ...] = (
    (
        re.compile(rf"\b(?:the )?(?P<word>{'|'.join(sorted(_RELATIVE, key=len, reverse=True))})\b"),
        _relative,
    ),
    (
        re.compile(
            rf"\b(?:(?P<which>next|last|this|coming|on|by|until|before) )?"
            rf"(?P<day>{'|'.join(_DAYS)}|(?(which)(?:{'|'.join(_SHORT_DAYS)})|(?!)))\b"
        ),
        _weekday,
    ),
    (
        re.compile(
            rf"\b(?P<month>{_MONTH_NAME})\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?"
            rf"(?:,? (?P<y>20\d\d))?(?!\d)"
        ),
        _month_and_day,
    ),
    (
        re.compile(
            rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<month>{_MONTH_NAME})\b"
            rf"(?:,? (?P<y>20\d\d))?(?!\d)"
        ),
        _month_and_day,
    ),
    (re.compile(rf"\b(?P<n>\d{{1,2}}|{COUNT}) (?P<unit>day|week)s? ago\b"), _days_ago),
    (re.compile(rf"\bin (?P<n>\d{{1,2}}|{COUNT}) (?P<unit>day|week)s?\b"), _days_ahead),
)


def dates(folded: str, today: date) -> list[tuple[int, int, str]]:
    """(start, end, ISO date) of each day named in a folded text; overlaps are not resolved."""
    return calendar_days.named(_DATES, folded, today)
