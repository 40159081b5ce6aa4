"""Days as shoppers name them, as ISO dates: 明天, 下周三, 11月25日, 25号, 3天前, 2026-11-25."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from nlu import calendar_days
from nlu.numerals import NUMBER, number

# Shoppers and parcels are in China, wherever the server is; it keeps one time zone, without
# daylight saving.
CHINA = timezone(timedelta(hours=8))

_WORDS = {
    "大前天": -3,
    "前天": -2,
    "昨天": -1,
    "昨晚": -1,
    "今天": 0,
    "今晚": 0,
    "今日": 0,
    "明天": 1,
    "明早": 1,
    "明晚": 1,
    "明日": 1,
    "大后天": 3,
    "后天": 2,
}
_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}
_WEEKDAYS.update({str(day): day - 1 for day in range(1, 8)})
_WEEKS = {"": 0, "这": 0, "本": 0, "这个": 0, "上": -1, "上个": -1, "下": 1, "下个": 1}
_WEEKS.update({"上上": -2, "上上个": -2, "下下": 2, "下下个": 2})

_NUMERAL = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"


def today_in_china() -> date:
    """The date it is now in China."""
    return datetime.now(CHINA).date()


def _word(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=_WORDS[match[0]])


def _weekday(match: re.Match[str], today: date) -> date:
    return calendar_days.of_week(today, _WEEKS[match["week"] or ""], _WEEKDAYS[match["day"]])


def _full(match: re.Match[str], today: date) -> date:
    return date(int(match["y"]), int(match["m"]), int(match["d"]))


def _month_and_day(match: re.Match[str], today: date) -> date:
    return calendar_days.in_month(today, int(number(match["m"])), int(number(match["d"])))


def _day_of_month(match: re.Match[str], today: date) -> date:
    return calendar_days.of_month(today, int(number(match["d"])))


def _days_away(match: re.Match[str], today: date) -> date:
    sign = -1 if match["side"] in ("前", "以前", "之前") else 1
    unit = 7 if match["unit"].endswith(("周", "星期", "礼拜")) else 1
    return today + timedelta(days=sign * unit * int(number(match["n"])))


_RULES: tuple[calendar_days.Rule, ...] = (
    (re.compile("|".join(sorted(_WORDS, key=len, reverse=True))), _word),
    (
        re.compile(
            r"(?P<week>(?:上上|下下|这|本|上|下)?个?)(?:周|星期|礼拜)(?P<day>[一二三四五六日天1-7])"
            r"(?![年个期\d])"
        ),
        _weekday,
    ),
    (
        re.compile(
            r"(?<!\d)(?P<y>20\d\d)\s?[-/.年]\s?(?P<m>\d{1,2})\s?[-/.月]\s?(?P<d>\d{1,2})[日号]?(?!\d)"
        ),
        _full,
    ),
    (re.compile(rf"(?P<m>{_NUMERAL})月份?(?P<d>{_NUMERAL})[日号]?(?![\d天个])"), _month_and_day),
    (re.compile(rf"(?<![\d.月第尺鞋])(?P<d>{_NUMERAL})号(?![码店楼线令仓])"), _day_of_month),
    (
        re.compile(
            rf"(?P<n>{NUMBER})(?P<unit>天|个?(?:星期|礼拜)|周)(?P<side>以前|之前|以后|之后|前|后)"
        ),
        _days_away,
    ),
)


def dates(folded: str, today: date) -> list[tuple[int, int, str]]:
    """(start, end, ISO date) of each day named in a folded text; overlaps are not resolved."""
    return calendar_days.named(_RULES, folded, today)
