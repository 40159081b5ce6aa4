"""Passive replies: what the vendor takes for one ("被动回复用户消息", "转发客服消息").

Official accounts: text, image, voice, video, music, news, transfer_customer_service. Mini-programs:
transfer_customer_service only. Safe mode: encrypted only; compatible: either; plain: plain only.
From memory: a text over 2048 bytes and an ArticleCount that does not fit are faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.vendors.wechat import crypto, payloads
from tests.vendors.wechat.records import Push

if TYPE_CHECKING:
    from tests.vendors.wechat.simulator import Simulator

MESSAGES = {"text", "image", "voice", "video", "shortvideo", "location", "link"}
_MEDIA = {"image": "Image", "voice": "Voice", "video": "Video"}


class BadReply(ValueError):
    """Not what the vendor accepts; the shopper sees the fault. Its words say why."""


def read(vendor: "Simulator", push: Push, body: bytes) -> tuple[str, dict[str, Any]]:
    """Kind and content as a `Seen` has them; raises BadReply."""
    try:
        fields = payloads.read(body.decode(), vendor.data_format)
        if "Encrypt" in fields:
            fields = payloads.read(_opened(vendor, fields), vendor.data_format)
        elif vendor.mode == "safe":
            raise BadReply("plain reply in safe mode")
    except BadReply:
        raise
    except ValueError as fault:
        raise BadReply(str(fault)) from fault
    _check_head(vendor, push, fields)
    kind = fields.get("MsgType")
    if kind == "transfer_customer_service":
        return kind, {"kf_account": (fields.get("TransInfo") or {}).get("KfAccount", "")}
    if vendor.kind == "miniprogram":
        raise BadReply(f"a mini-program may not reply with {kind!r}")
    return kind, _content(vendor, push, kind, fields)


def _opened(vendor: "Simulator", outer: dict[str, Any]) -> str:
    if vendor.mode == "plain":
        raise BadReply("encrypted reply in plain mode")
    for name in ("MsgSignature", "TimeStamp", "Nonce"):
        if not outer.get(name):
            raise BadReply(f"{name} missing beside Encrypt")
    signed = (str(outer["TimeStamp"]), str(outer["Nonce"]), outer["Encrypt"])
    if outer["MsgSignature"] != crypto.signature(vendor.token, *signed):
        raise BadReply("MsgSignature does not match")
    return crypto.unseal(outer["Encrypt"], vendor.aes_key, vendor.appid)


def _check_head(vendor: "Simulator", push: Push, fields: dict[str, Any]) -> None:
    if fields.get("ToUserName") != push.openid:
        raise BadReply("ToUserName is not the shopper")
    if fields.get("FromUserName") != vendor.original_id:
        raise BadReply("FromUserName is not the account's original id")
    if not str(fields.get("CreateTime", "")).isdigit():
        raise BadReply("CreateTime is no whole number")


def _content(vendor: "Simulator", push: Push, kind: Any, fields: dict) -> dict[str, Any]:
    if kind == "text":
        text = fields.get("Content")
        if not isinstance(text, str) or not text:
            raise BadReply("Content is empty")
        if len(text.encode()) > 2048:
            raise BadReply("Content is over 2048 bytes")
        return {"content": text}
    if kind in _MEDIA:
        part = fields.get(_MEDIA[kind])
        part = part if isinstance(part, dict) else {}
        _check_media(vendor, part.get("MediaId"), kind)
        return {"media_id": part["MediaId"], **_lower(part, "Title", "Description")}
    if kind == "music":
        part = fields.get("Music")
        part = part if isinstance(part, dict) else {}
        _check_media(vendor, part.get("ThumbMediaId"), "thumb")
        return _lower(part, "Title", "Description", "MusicUrl", "HQMusicUrl")
    if kind == "news":
        return {"articles": _articles(push, fields)}
    raise BadReply(f"MsgType {kind!r} is not known")


def _articles(push: Push, fields: dict[str, Any]) -> list[dict[str, str]]:
    """One at most to a message, eight to an event; what is over is cut off."""
    items = fields.get("Articles")
    if not isinstance(items, list) or not items:
        raise BadReply("Articles has no item")
    if str(fields.get("ArticleCount", "")) != str(len(items)):
        raise BadReply("ArticleCount is not the number of items")
    for item in items:
        if not item.get("Title"):
            raise BadReply("an article without Title")
    at_most = 1 if push.fields["MsgType"] in MESSAGES else 8
    return [_lower(item, "Title", "Description", "PicUrl", "Url") for item in items[:at_most]]


def _check_media(vendor: "Simulator", media_id: Any, kind: str) -> None:
    if not vendor.media.is_there(media_id, kind, vendor.clock()):
        raise BadReply(f"MediaId is no {kind} of this account")


def _lower(part: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name.lower(): part.get(name, "") for name in names}
