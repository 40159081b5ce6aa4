"""access_token: /cgi-bin/token and /cgi-bin/stable_token.

From "getAccessToken" and "getStableAccessToken": 7200 s; a new one leaves the old valid for 5
minutes; the two interfaces give separate tokens; the stable one gives the same again until 5
minutes before its end; `force_refresh` ends the old at once, 20 times a day, not twice within 30 s.
Stored in 512 characters or more: tokens here are 512 long.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.vendors.wechat.errors import Refused

if TYPE_CHECKING:
    from tests.vendors.wechat.server import Request
    from tests.vendors.wechat.simulator import Simulator

LIFE, OVERLAP, FORCE_APART = 7200, 300, 30


@dataclass
class Token:
    value: str
    ends: float
    replaced: bool = False


class Tokens:
    """All tokens ever given; `current` by interface, "plain" and "stable"."""

    def __init__(self) -> None:
        self.given: dict[str, Token] = {}
        self.current: dict[str, Token] = {}
        self.forced_at = float("-inf")

    def new(self, kind: str, now: float, overlap: float = OVERLAP) -> Token:
        """A new one; the last of its kind ends `overlap` s from now at the latest."""
        old = self.current.get(kind)
        if old is not None:
            old.ends, old.replaced = min(old.ends, now + overlap), True
        made = Token(secrets.token_urlsafe(384), now + LIFE)
        self.given[made.value] = self.current[kind] = made
        return made

    def check(self, value: str | None, now: float) -> None:
        """Refused 41001 missing, 40001 unknown or no longer the latest, 42001 expired."""
        if not value:
            raise Refused(41001)
        token = self.given.get(value)
        if token is None:
            raise Refused(40001)
        if now >= token.ends:
            raise Refused(40001 if token.replaced else 42001)

    def revoke(self) -> None:
        """None is valid any more (40001): what a secret's reset, or a second refresher, does."""
        for token in self.given.values():
            token.ends, token.replaced = float("-inf"), True
        self.current.clear()

    def expire(self) -> None:
        """All are past their time (42001)."""
        for token in self.given.values():
            token.ends = float("-inf")
        self.current.clear()


def plain(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """GET /cgi-bin/token?grant_type=client_credential&appid=&secret="""
    _check_account(vendor, request.query)
    now = vendor.clock()
    vendor.meter.count("token", now, vendor.limits.token_daily)
    token = vendor.tokens.new("plain", now)
    return {"access_token": token.value, "expires_in": LIFE}


def stable(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST /cgi-bin/stable_token {grant_type, appid, secret, force_refresh}"""
    body = request.json(vendor)
    _check_account(vendor, body)
    now = vendor.clock()
    vendor.meter.count("stable", now, vendor.limits.stable_daily, vendor.limits.stable_minute)
    tokens, current = vendor.tokens, vendor.tokens.current.get("stable")
    if current is not None and body.get("force_refresh") is True:
        if now - tokens.forced_at >= FORCE_APART:
            vendor.meter.count("forced", now, vendor.limits.forced_daily)
            tokens.forced_at = now
            current = tokens.new("stable", now, overlap=0)
    elif current is None or now >= current.ends - OVERLAP:
        current = tokens.new("stable", now)
    return {"access_token": current.value, "expires_in": int(current.ends - now)}


def _check_account(vendor: "Simulator", told: dict[str, Any]) -> None:
    if told.get("grant_type") != "client_credential":
        raise Refused(40002)
    if not told.get("appid"):
        raise Refused(41002)
    if not told.get("secret"):
        raise Refused(41004)
    if told["appid"] != vendor.appid:
        raise Refused(40013)
    if told["secret"] != vendor.secret:
        raise Refused(40125)
