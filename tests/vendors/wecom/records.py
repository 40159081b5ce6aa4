"""What the simulator writes down, and the error it answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Worded as in real answers where a copy was found, else from memory: the code counts.
ERRORS = {
    -1: "system error",
    40001: "invalid credential",
    40003: "invalid UserID",
    40004: "invalid media type",
    40005: "invalid type",
    40006: "invalid file size",
    40007: "invalid media_id",
    40008: "invalid msgtype",
    40009: "invalid image size",
    40011: "invalid video size",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40056: "invalid agentid",
    40058: "invalid Request Parameter",
    40096: "invalid external userid",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "corpsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    41037: "missing contact way type",
    41038: "missing contact way scene",
    41050: "invalid or expired code",
    41051: "externaluser has started chatting",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44004: "text content is empty",
    45009: "api freq out of limit",
    48002: "api forbidden",
    81013: "user & party & tag all invalid",
    84061: "not external contact",
    84074: "no follow user permission",
    90207: "invalid miniprogram appid",
    95000: "invalid open_kfid",
    95001: "send msg count limit",
    95002: "send msg time limit",
    95004: "open_kfid not exist",
    95007: "invalid msg token",
    95008: "msgmenu list size is out of limit",
    95009: "invalid msgmenu item type",
    95013: "session already ended",
    95014: "not a servicer",
    95016: "session status transfer not allowed",
    95018: "send msg session status invalid",
    301002: "not allow operate another agent with this accesstoken",
}


class Refusal(Exception):
    """An answer with an errcode; `more` are further keys of the answer."""

    def __init__(self, code: int, detail: str = "", **more: Any):
        super().__init__(code, detail)
        self.code = code
        self.text = " ".join(part for part in (detail, ERRORS.get(code, "")) if part)
        self.more = more


@dataclass(frozen=True)
class Called:
    """One call of the API, answered or not. `errcode` is None where the answer was no JSON."""

    path: str
    query: dict[str, str]
    body: Any
    status: int
    errcode: int | None
    at: float


@dataclass(frozen=True)
class Sent:
    """One message the vendor took from the enterprise.

    via: send_msg, send_msg_on_event, send_welcome_msg, message or reply (a passive one);
    to: external_userid, or userid for message and reply.
    """

    via: str
    to: str
    msgtype: str
    body: dict[str, Any]
    msgid: str
    at: float
    kfid: str = ""


@dataclass(frozen=True)
class Delivery:
    """One try of one callback. `status` is None after a timeout or a broken connection."""

    topic: str
    xml: str
    attempt: int
    status: int | None
    body: str
    at: float
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the vendor is content: exactly 200 within the time."""
        return self.status == 200


@dataclass(frozen=True)
class Seen:
    """What a person saw. by: bot, welcome, notice, a servicer's userid, or app."""

    by: str
    msgtype: str
    text: str
    body: dict[str, Any]
    at: float
    msgid: str = ""


@dataclass
class Request:
    """One call of the API, as a handler gets it. `app` holds the rights of the token."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    upload: tuple[str, str, bytes] | None = None
    app: Any = None


@dataclass(frozen=True)
class Binary:
    """An answer that is no JSON."""

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


def words(msgtype: str, body: dict[str, Any]) -> str:
    """The text of a message as a person reads it, empty where there is none."""
    if msgtype == "msgmenu":
        items = [item[item["type"]]["content"] for item in body.get("list", [])]
        return "\n".join(
            part for part in (body.get("head_content"), *items, body.get("tail_content")) if part
        )
    for key in ("content", "Content", "title", "name"):
        if body.get(key):
            return str(body[key])
    return ""
