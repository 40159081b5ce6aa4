"""The seam to a platform: what each has to say, and how it is asked.

A platform tells three things. Clicks on its ads come as callbacks (`click_of`). Orders and spend
are pulled page by page from a cursor that `sync` keeps (`orders_page`, `spend_page`). Platforms
change their APIs under our hands, so which version a payload speaks is read from the payload;
fields nobody knows are counted, payloads of an unknown type are kept whole for later.

Errors:
    PlatformError
    ├── Unavailable      away, slow, or too many calls: worth trying again later
    └── Rejected         it refuses this call (token, signature, parameter): somebody has to look
        └── Expired      the access token is no longer good: renewed, where there is a way
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cdp.spend import Spend


class PlatformError(Exception):
    """A platform did not answer as it should; messages hold no token and no shopper's data."""


class Unavailable(PlatformError):
    """It is away or busy; `after_s`: when it says to come again."""

    def __init__(self, message: str, after_s: float | None = None):
        super().__init__(message)
        self.after_s = after_s


class Rejected(PlatformError):
    """It refuses the call."""


class Expired(Rejected):
    """The access token is no longer good."""


class InvalidCallback(ValueError):
    """A callback that the platform cannot have sent."""


@dataclass(frozen=True)
class Click:
    """A click on an ad, as the platform reports it: of the ad, and of nobody's device."""

    click_id: str
    campaign_id: str
    campaign: str
    ad_id: str
    creative_id: str
    at: datetime


@dataclass
class Read:
    """What one payload says, and what of it nobody understands.

    events: raw envelopes for the intake. spend: amounts. version: which one it speaks. unknown:
    names of fields that are in none of the versions. kept: (type, id) if it is of no known type.
    """

    version: str
    events: list[dict] = field(default_factory=list)
    spend: list[Spend] = field(default_factory=list)
    unknown: tuple[str, ...] = ()
    kept: tuple[str, str] | None = None


@dataclass
class Page:
    """One page of an answer: its payloads, and the cursor of the next; `more`: is there one now."""

    payloads: list[dict]
    cursor: dict
    more: bool


class PlatformSource(ABC):
    """One platform. Methods named *_page ask it over the network; the others are pure."""

    name: str
    # The versions of its APIs that this code has been written against, by what they are for.
    api_versions: Mapping[str, tuple[str, ...]]
    # How consent stands for what it sends (see cdp.sources).
    assumed: tuple[str, ...] = ("service",)
    evidence: str

    @abstractmethod
    def click_of(self, query: Mapping[str, str], now: datetime) -> Click:
        """The click that a callback reports; times are naive UTC.

        Raises:
            InvalidCallback: it is not signed, or not complete.
        """

    @abstractmethod
    def orders_page(self, cursor: dict | None, now: datetime) -> Page:
        """The next page of orders that changed since the cursor.

        Raises:
            PlatformError: see above.
        """

    @abstractmethod
    def spend_page(self, cursor: dict | None, now: datetime) -> Page:
        """The next page of what advertising cost.

        Raises:
            PlatformError: see above.
        """

    @abstractmethod
    def read_order(self, payload: dict) -> Read:
        """An order, by whichever version its payload speaks."""

    @abstractmethod
    def read_spend(self, payload: dict) -> Read:
        """A row of a report, by whichever version its payload speaks."""
