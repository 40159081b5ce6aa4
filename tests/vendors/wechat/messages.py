"""/cgi-bin/message/custom/send and /typing ("发送客服消息", "客服输入状态").

Not found in the documentation, from memory: the code of a mini-program not bound (40013), of a menu
without items (40035), the order in which faults are looked for. A community thread shows 45162 for
a type mini-programs do not have. 43004 for who does not follow is the brief's; 45015's own words
("or subscription is canceled") say the vendor may use that: `vendor.unfollowed_code`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.vendors.wechat.errors import OK, Refused
from tests.vendors.wechat.records import Seen

if TYPE_CHECKING:
    from tests.vendors.wechat.server import Request
    from tests.vendors.wechat.shopper import Shopper
    from tests.vendors.wechat.simulator import Simulator

_BOTH = {"text", "image", "miniprogrampage"}
MINIPROGRAM = _BOTH | {"link"}
OFFICIAL = _BOTH | {
    *("voice", "video", "music", "news", "mpnews", "mpnewsarticle", "msgmenu", "wxcard"),
}
TEXT_BYTES = 2048
TYPING_SECONDS, TALKED_WITHIN = 15, 30


def send(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST {touser, msgtype, <msgtype>: {…}, customservice?, aimsgcontext?}"""
    now = vendor.clock()
    vendor.meter.count("custom", now, vendor.limits.custom_daily, vendor.limits.custom_minute)
    body = request.json(vendor)
    shopper = _receiver(vendor, body)
    kind = _kind(vendor, body.get("msgtype"))
    content = _part(body, kind)
    _check(vendor, kind, content)
    account, ai = _part(body, "customservice"), _part(body, "aimsgcontext")
    if account and account.get("kf_account") not in vendor.kf_accounts:
        raise Refused(65401)
    shopper.allowance.take(now)
    shopper.sees(Seen(now, "custom", kind, content, bool(ai.get("is_ai_msg"))))
    return OK


def typing(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST {touser, command: Typing or CancelTyping}; lasts 15 s or until a message."""
    now = vendor.clock()
    body = request.json(vendor)
    shopper = _receiver(vendor, body)
    if body.get("command") not in ("Typing", "CancelTyping"):
        raise Refused(45072)
    shopper.allowance.check(now)
    if body["command"] == "CancelTyping":
        shopper.typing_until = now
        return OK
    if now - shopper.spoke_at > TALKED_WITHIN:
        raise Refused(45080)
    if shopper.sees_typing:
        raise Refused(45081)
    shopper.typing_until = now + TYPING_SECONDS
    return OK


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    return body[name] if isinstance(body.get(name), dict) else {}


def _receiver(vendor: "Simulator", body: dict[str, Any]) -> "Shopper":
    to = body.get("touser")
    shopper = vendor.shoppers.get(to) if isinstance(to, str) else None
    if shopper is None:
        raise Refused(40003)
    if vendor.kind == "official" and not shopper.following:
        raise Refused(vendor.unfollowed_code)
    if shopper.refuses:
        raise Refused(48002)
    return shopper


def _kind(vendor: "Simulator", kind: Any) -> str:
    kind = kind if isinstance(kind, str) else ""
    if kind in (MINIPROGRAM if vendor.kind == "miniprogram" else OFFICIAL):
        return kind
    raise Refused(45162 if kind in OFFICIAL | MINIPROGRAM else 40008)


def _check(vendor: "Simulator", kind: str, content: dict[str, Any]) -> None:
    if kind == "text":
        text = content.get("content")
        if not isinstance(text, str) or not text:
            raise Refused(44004)
        if len(text.encode()) > TEXT_BYTES:
            raise Refused(45002)
    elif kind in ("image", "voice", "video"):
        _check_media(vendor, content.get("media_id"), kind)
    elif kind == "music":
        _check_media(vendor, content.get("thumb_media_id"), "thumb")
        _check_words(content, "musicurl", "hqmusicurl")
    elif kind == "news":
        _check_news(content.get("articles"))
    elif kind == "mpnews":
        _check_media(vendor, content.get("media_id"), "news")
    elif kind == "mpnewsarticle":
        if content.get("article_id") not in vendor.articles:
            raise Refused(40007)
    elif kind == "msgmenu":
        _check_menu(vendor, content)
    elif kind == "miniprogrampage":
        _check_card(vendor, content)
    elif kind == "link":
        _check_words(content, "title", "description", "url", "thumb_url")
    elif kind == "wxcard":
        _check_words(content, "card_id")


def _check_news(articles: Any) -> None:
    if not isinstance(articles, list):
        # A community thread: an object instead of a list is answered so.
        raise Refused(44003 if articles is None else 45162)
    if not articles:
        raise Refused(44003)
    if len(articles) > 1:
        raise Refused(45008)
    _check_words(articles[0] if isinstance(articles[0], dict) else {}, "title")


def _check_menu(vendor: "Simulator", content: dict[str, Any]) -> None:
    # "菜单消息不支持测试号"; subscription accounts were answered 40200 too.
    if vendor.test_account:
        raise Refused(40200)
    items = content.get("list")
    if not isinstance(items, list) or not items:
        raise Refused(40035)
    for item in items:
        if not isinstance(item, dict) or not item.get("id") or not item.get("content"):
            raise Refused(40035)


def _check_card(vendor: "Simulator", content: dict[str, Any]) -> None:
    _check_words(content, "title", "pagepath")
    _check_media(vendor, content.get("thumb_media_id"), "image")
    if vendor.kind == "official" and content.get("appid") not in vendor.bound_miniprograms:
        raise Refused(40013)


def _check_media(vendor: "Simulator", media_id: Any, kind: str) -> None:
    """40007 unknown or older than 3 days; 40004 there, but of another kind."""
    now = vendor.clock()
    if not vendor.media.is_there(media_id, "", now):
        raise Refused(40007)
    if not vendor.media.is_there(media_id, kind, now):
        raise Refused(40004)


def _check_words(content: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(content.get(name), str) or not content[name]:
            raise Refused(40035)
