"""WeChat's messages and events in the channels' common form.

Version: the XML of official accounts as documented in 2026; fields that are not known are ignored
and counted, message types that are not known get a polite answer and are kept for a look, and so
are events, without an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import fields
from connectors.incoming import Incoming

VERSION = "official-account-xml-1"
MOST = 4_000
_KNOWN = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgDataId", "Idx", "Content"}
    | {"MediaId", "MediaId16K", "Format", "Recognition", "PicUrl", "ThumbMediaId", "Title"}
    | {"Description", "Url", "Location_X", "Location_Y", "Scale", "Label", "Event", "EventKey"}
    | {"SessionFrom", "AppId", "PagePath", "ThumbUrl", "ThumbMediaId", "Encrypt"}
    | {"Ticket", "Latitude", "Longitude", "Precision", "MenuID", "MenuId", "MsgID", "Status"}
    | {"bizmsgmenuid", "ScanCodeInfo", "SendPicsInfo", "SendLocationInfo"}
)
# Events that say something to us and to which nothing is said.
_SILENT = frozenset(
    {"view", "view_miniprogram", "location", "scancode_push", "masssendjobfinish"}
    # The picture, or the place, comes as a message of its own.
    | {"pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"}
)
_KINDS = {
    **{"text": "text", "voice": "voice", "image": "image", "location": "location"},
    **{"video": "video", "shortvideo": "video", "link": "link", "miniprogrampage": "link"},
}
# What there is to say of a message besides its kind.
_SAID = {
    "text": ("Content",),
    "voice": ("Recognition",),
    "image": ("PicUrl",),
    "location": ("Label", "Location_X", "Location_Y"),
    "link": ("Title", "Url"),
    "miniprogrampage": ("Title", "PagePath"),
}


@dataclass(frozen=True)
class Finished:
    """What became of a template message: its number, and why it did not arrive."""

    number: str
    failure: str | None


def parse(told: Mapping[str, Any]) -> Incoming | Finished | None:
    """What came in, or None for an event that wants nothing.

    Raises:
        ValueError: who sent it, or its type, is missing.
    """
    sender, kind = told.get("FromUserName"), str(told.get("MsgType") or "").lower()
    if not isinstance(sender, str) or not 0 < len(sender) <= 128 or not kind:
        raise ValueError("FromUserName, MsgType: expected both")
    fields.count("wechat", told, _KNOWN)
    if kind == "event":
        return _event(told, sender)
    if not told.get("MsgId"):
        raise ValueError("MsgId: expected a number")
    number = f"msg-{told['MsgId']}"[:120]
    if kind == "text" and told.get("bizmsgmenuid"):
        # An entry of a menu of ours.
        return Incoming(number, sender, "choice", _text(told["bizmsgmenuid"]))
    if kind not in _KINDS:
        return Incoming(number, sender, "unknown", kind[:64], raw=told)
    said = " ".join(filter(None, (_text(told.get(name)) for name in _SAID.get(kind, ()))))
    media = _text(told.get("MediaId")) if kind == "voice" else ""
    return Incoming(number, sender, _KINDS[kind], said[:MOST], media=media)


def _event(told: Mapping[str, Any], sender: str) -> Incoming | Finished | None:
    event, key = str(told.get("Event") or "").lower(), _text(told.get("EventKey"))
    if event == "templatesendjobfinish":
        status = _text(told.get("Status"))
        return Finished(str(told.get("MsgID"))[:40], None if status == "success" else status or "?")
    # Events have no number: WeChat's own advice is sender and time.
    number = f"event-{event[:40]}-{told.get('CreateTime')}"
    if event == "unsubscribe":
        return Incoming(number, sender, "left")
    if event in ("subscribe", "scan"):
        scene = key.removeprefix("qrscene_")
        touch = {"qr_scene": scene[:64]}
        return Incoming(number, sender, "entry", touch=touch if scene else None)
    if event == "user_enter_tempsession":
        # A page of a mini-program says in it where the shopper was.
        entered = _text(told.get("SessionFrom"))[:64]
        return Incoming(number, sender, "entry", touch=_from_page(entered))
    if event == "click":
        return Incoming(number, sender, "text", key)
    if event == "scancode_waitmsg":
        # A code of goods reads "EAN_13,6901234567892"; the shopper waits for what we say to it.
        scanned = told.get("ScanCodeInfo")
        result = _text(scanned.get("ScanResult")) if isinstance(scanned, Mapping) else ""
        return Incoming(number, sender, "text", result.rpartition(",")[2] or result)
    if event in _SILENT:
        return None
    return Incoming(number, sender, "strange", event[:64] or "event", raw=told)


def _from_page(entered: str) -> dict | None:
    if not entered:
        return None
    return {"utm_source": "miniprogram", "utm_medium": "mini_program", "utm_content": entered}


def _text(value: Any) -> str:
    # JSON has numbers where XML has texts.
    told = str(value) if isinstance(value, (int, float)) else value
    return told[:MOST] if isinstance(told, str) else ""
