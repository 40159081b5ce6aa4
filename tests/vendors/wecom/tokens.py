"""Access tokens (document 91039): one a secret, 7200 s, the same again while it is valid.

From memory: a repeated gettoken says expires_in 7200 though less is left ("the same result"); the
limit of gettoken is 600 an hour. Either way a client must survive 42001 before its time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.vendors.wecom.records import Refusal, Request

LIFE = 7200
RIGHTS = frozenset({"kf", "contact", "message"})


@dataclass
class App:
    """A secret of the enterprise with its rights, and the app it belongs to."""

    secret: str
    agent_id: int
    rights: frozenset[str] = RIGHTS
    visible: set[str] | None = None


@dataclass
class _Token:
    app: App
    until: float
    revoked: bool = False


@dataclass
class Tokens:
    """Issues and checks them. Errors: 40001, 40013, 40014, 41001, 41002, 41004, 42001, 45009."""

    vendor: object
    apps: dict[str, App] = field(default_factory=dict)
    issued: dict[str, _Token] = field(default_factory=dict)
    per_hour: int = 600
    _asked: list[float] = field(default_factory=list)

    def routes(self) -> dict:
        return {"gettoken": ("GET", None, self.gettoken)}

    def gettoken(self, request: Request) -> dict:
        corp, secret = request.query.get("corpid"), request.query.get("corpsecret")
        if not corp:
            raise Refusal(41002)
        if not secret:
            raise Refusal(41004)
        now = self.vendor.clock()
        self._asked = [at for at in self._asked if at > now - 3600]
        if len(self._asked) >= self.per_hour:
            raise Refusal(45009)
        self._asked.append(now)
        if corp != self.vendor.corp_id:
            raise Refusal(40013)
        if secret not in self.apps:
            raise Refusal(40001)
        return {"access_token": self.token(secret), "expires_in": LIFE}

    def token(self, secret: str) -> str:
        """The valid token of a secret, made anew where there is none."""
        now = self.vendor.clock()
        for text, one in self.issued.items():
            if one.app.secret == secret and not one.revoked and now < one.until:
                return text
        text = secrets.token_urlsafe(120)
        self.issued[text] = _Token(self.apps[secret], now + LIFE)
        return text

    def app_of(self, text: str | None) -> App:
        """The app a token speaks for."""
        if not text:
            raise Refusal(41001)
        one = self.issued.get(text)
        if one is None or one.revoked:
            raise Refusal(40014)
        if self.vendor.clock() >= one.until:
            raise Refusal(42001)
        return one.app

    def expire(self) -> None:
        """All tokens are over before their time, as the vendor reserves to do: 42001."""
        for one in self.issued.values():
            one.until = min(one.until, self.vendor.clock())

    def revoke(self) -> None:
        """All tokens are unknown from now on: 40014."""
        for one in self.issued.values():
            one.revoked = True
