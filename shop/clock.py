"""The shop's time: China Standard Time, naive, to the second."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """This moment in the shop's time zone."""
    return datetime.now(_ZONE).replace(tzinfo=None, microsecond=0)


def today() -> date:
    """This day in the shop's time zone."""
    return now().date()
