"""WeChat's messages and events in the channels' common form.

Version: the XML of official accounts as documented in 2026; fields that are not known are ignored
and counted, message types that are not known get a polite answer and are kept for a look.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors import unknown
from connectors.vendor import Incoming

logger = logging.getLogger(__name__)

VERSION = "official-account-xml-1"
MOST = 4_000
_KNOWN = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgDataId", "Idx", "Content"}
    | {"MediaId", "MediaId16K", "Format", "Recognition", "PicUrl", "ThumbMediaId", "Title"}
    | {"Description", "Url", "Location_X", "Location_Y", "Scale", "Label", "Event", "EventKey"}
    | {"SessionFrom", "AppId", "PagePath", "ThumbUrl", "ThumbMediaId", "Encrypt"}
    | {"Ticket", "Latitude", "Longitude", "Precision", "MenuID", "MsgID", "Status", "bizmsgmenuid"}
)
# Events that say something to us and to which nothing is said.
_SILENT = frozenset({"view", "location", "templatesendjobfinish", "view_miniprogram"})
_KINDS = {"text": "text", "voice": "voice", "image": "image", "location": "location"}


def parse(told: Mapping[str, Any]) -> Incoming | None:
    """What came in, or None for an event that wants nothing.

    Raises:
        ValueError: who sent it, or its type, is missing.
    """
    sender, kind = told.get("FromUserName"), str(told.get("MsgType") or "").lower()
    if not isinstance(sender, str) or not 0 < len(sender) <= 128 or not kind:
        raise ValueError("FromUserName, MsgType: expected both")
    unknown.fields("wechat", told, _KNOWN)
    if kind == "event":
        return _event(told, sender)
    number = told.get("MsgId")
    if not number:
        raise ValueError("MsgId: expected a number")
    text = told.get("Content") if kind == "text" else told.get("Recognition")
    incoming = Incoming(f"msg-{number}"[:120], sender, _KINDS.get(kind, "unknown"), _text(text))
    if kind in _KINDS:
        return incoming
    logger.warning("wechat.message.unknown type=%.40s", kind)
    return replace(incoming, raw=told)


def _event(told: Mapping[str, Any], sender: str) -> Incoming | None:
    event, key = str(told.get("Event") or "").lower(), _text(told.get("EventKey"))
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
    if event not in _SILENT:
        logger.warning("wechat.event.unknown event=%.40s", event)
    return None


def _from_page(entered: str) -> dict | None:
    if not entered:
        return None
    return {"utm_source": "miniprogram", "utm_medium": "mini_program", "utm_content": entered}


def _text(value: Any) -> str:
    return value[:MOST] if isinstance(value, str) else ""
