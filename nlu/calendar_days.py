"""What the rules for days have in common, whatever the language: dates_*.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

# What names a day, and the day that it names; a day that there is not (30 February) is an error.
Rule = tuple[re.Pattern[str], Callable[[re.Match[str], date], date]]
AROUND = (-1, 0, 1)


def named(rules: Sequence[Rule], folded: str, today: date) -> list[tuple[int, int, str]]:
    """(start, end, ISO date) of each day named in a folded text; overlaps are not resolved."""
    found = []
    for pattern, resolve in rules:
        for match in pattern.finditer(folded):
            try:
                day = resolve(match, today)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue  # no such day: 13月40日
            found.append((match.start(), match.end(), day.isoformat()))
    return found


def of_week(today: date, weeks: int, weekday: int) -> date:
    """A day (0 is Monday) of the week so many weeks from this one."""
    return today + timedelta(weeks=weeks, days=weekday - today.weekday())


def to_come(today: date, weekday: int) -> date:
    """The next such day of the week; today, if it is one."""
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def in_month(today: date, month: int, day: int) -> date:
    """That day of the year that brings it nearest to today: in January, 30 December has just been.

    Raises:
        ValueError: there is no such day.
    """
    return _nearest([(today.year + step, month) for step in AROUND], day, today)


def of_month(today: date, day: int, steps: Iterable[int] = AROUND) -> date:
    """That day of the month, of those so many months from this one, that is nearest to today.

    Raises:
        ValueError: none of them has such a day.
    """
    months = [divmod(today.year * 12 + today.month - 1 + step, 12) for step in steps]
    return _nearest([(year, month + 1) for year, month in months], day, today)


def _nearest(months: list[tuple[int, int]], day: int, today: date) -> date:
    days = []
    for year, month in months:
        try:
            days.append(date(year, month, day))
        except ValueError:  # 30 February
            continue
    if not days:
        raise ValueError(f"no such day: {day}")
    return min(days, key=lambda candidate: abs((candidate - today).days))
