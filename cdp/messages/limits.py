"""How often, and at what hours, a shopper may be written to (`limits.yml`), and what vendors take
after a shopper's own message (`windows.yml`)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, Extra, Field, PositiveInt, ValidationError

from cdp.consent import PURPOSES

FILE = Path(__file__).with_name("limits.yml")
WINDOWS = Path(__file__).with_name("windows.yml")
_HERE, _UTC = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")


class BadLimits(ValueError):
    """`limits.yml` is not in order; the message says where and what was expected."""


class _Strict(BaseModel):
    class Config:
        extra = Extra.forbid


class Quiet(_Strict):
    """Hours of the shop's day; they may reach over midnight."""

    begin: time = Field(alias="from")
    end: time = Field(alias="to")

    def after(self, moment: datetime) -> datetime:
        """That moment (naive UTC), or the end of the quiet hours that it falls into."""
        local = moment.replace(tzinfo=_UTC).astimezone(_HERE)
        over_midnight = self.begin > self.end
        late = local.time() >= self.begin
        early = local.time() < self.end
        if not (late or early if over_midnight else late and early):
            return moment
        day = local.date() + timedelta(days=1 if over_midnight and late else 0)
        return datetime.combine(day, self.end, _HERE).astimezone(_UTC).replace(tzinfo=None)


class Cap(_Strict):
    """So many messages within so many days."""

    messages: PositiveInt
    days: PositiveInt


class Window(_Strict):
    """What a vendor takes after a shopper's own message; templates: those it takes at any time."""

    messages: PositiveInt
    hours: PositiveInt
    templates: bool = False

    def is_open(self, heard_at: datetime, due: datetime, used: int) -> bool:
        """Whether it takes one more at that time, `used` having been sent since it was heard."""
        return due <= heard_at + timedelta(hours=self.hours) and used < self.messages


class Limits(_Strict):
    """The limits of one purpose."""

    quiet: Quiet | None = None
    at_most: list[Cap] = []
    good_for_hours: PositiveInt

    @property
    def good_for(self) -> timedelta:
        """How long after it was due a message may still be sent."""
        return timedelta(hours=self.good_for_hours)


def of(purpose: str) -> Limits:
    """The limits of a purpose.

    Raises:
        BadLimits: the file is not in order.
    """
    known = load(FILE)
    return known.get(purpose) or known["service"]


@cache
def load(path: Path) -> dict[str, Limits]:
    """All limits of a file, by purpose.

    Raises:
        BadLimits: it is no YAML, names an unknown purpose, or says something else than expected.
    """
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        found = {purpose: Limits.parse_obj(one) for purpose, one in told.items()}
    except (yaml.YAMLError, AttributeError, ValidationError) as error:
        raise BadLimits(f"{path.name}: {' '.join(str(error).split())}") from None
    unknown = set(found) - set(PURPOSES)
    if unknown or "service" not in found:
        raise BadLimits(f"{path.name}: expected service, and others of {PURPOSES}")
    return found


@cache
def windows(path: Path = WINDOWS) -> dict[str, Window]:
    """What the vendors take, by channel.

    Raises:
        BadLimits: the file is no YAML, or says something else than expected.
    """
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return {channel: Window.parse_obj(one) for channel, one in told.items()}
    except (yaml.YAMLError, AttributeError, ValidationError) as error:
        raise BadLimits(f"{path.name}: {' '.join(str(error).split())}") from None
