"""What the simulator writes down, and the vendor's limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Limits:
    """Calls a day (Beijing time) and a minute; sizes in bytes, times in s.

    token_daily, stable_*: the vendor's documentation. custom_*, template_daily, upload_daily: shown
    to each account in its console; 500,000 and 100,000 a day are the usual ones, the minute's from
    memory.
    """

    token_daily: int = 2000
    stable_daily: int = 500_000
    stable_minute: int = 10_000
    forced_daily: int = 20
    custom_daily: int = 500_000
    custom_minute: int = 5_000
    template_daily: int = 100_000
    upload_daily: int = 100_000
    permanent_codes: int = 100_000


@dataclass
class Call:
    """One request to the vendor's API; `body` is its JSON, or None; `answer` the JSON told."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    raw: bytes
    body: Any = None
    status: int = 200
    answer: Any = None

    @property
    def errcode(self) -> int:
        """0 where all went well."""
        return self.answer.get("errcode", 0) if isinstance(self.answer, dict) else 0


@dataclass
class Delivery:
    """One try to push.

    outcome: accepted ("success" or empty), replied, bad (the shopper sees a fault), status (not
    200), timeout, unreachable; the last three are tried again. `why`: what was wrong with it.
    """

    push: "Push"
    attempt: int
    query: dict[str, str]
    body: bytes
    status: int | None = None
    answer: bytes = b""
    outcome: str = ""
    why: str = ""
    seconds: float = 0.0


@dataclass
class Push:
    """A message or event with all its tries; `fields` are those of the plain body."""

    openid: str
    fields: dict[str, Any]
    attempts: list[Delivery] = field(default_factory=list)
    shown: bool = False

    @property
    def outcome(self) -> str:
        """Of the last try; "held" before the first."""
        return self.attempts[-1].outcome if self.attempts else "held"

    @property
    def msgid(self) -> int | None:
        return self.fields.get("MsgId")


@dataclass
class Seen:
    """One thing on the shopper's screen.

    via: passive, custom, template or vendor. kind: text, image, voice, video, music, news, mpnews,
    mpnewsarticle, msgmenu, miniprogrampage, link, wxcard, template or fault. `content` is what the
    kind carries: {"content"} for text and fault, {"media_id"}, {"articles": […]}, …
    """

    at: float
    via: str
    kind: str
    content: dict[str, Any]
    ai: bool = False

    @property
    def text(self) -> str:
        """The words of a text, a fault, a menu, a template, an article or a card; else ""."""
        if self.kind == "msgmenu":
            words = [item["content"] for item in self.content["list"]]
            both = (self.content.get("head_content", ""), self.content.get("tail_content", ""))
            return "\n".join(filter(None, (both[0], *words, both[1])))
        if self.kind in ("news", "link", "miniprogrampage"):
            shown = self.content["articles"][0] if self.kind == "news" else self.content
            return "\n".join(filter(None, (shown["title"], shown.get("description"))))
        return self.content.get("content", "")
