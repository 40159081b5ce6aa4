"""Bodies of customer service messages, checked as document 96427 says.

From memory: 40058 for a text over 2048 bytes, 95008 and 95009 for a menu (a copy of a real answer
about "msgmenu list size is out of limit" shows 45098, of which API is unknown), 256 bytes for a
menu's text item.
"""

from __future__ import annotations

from typing import Any

from tests.vendors.wecom.checks import cut, get, need, within
from tests.vendors.wecom.records import Refusal

TYPES = ("text", "image", "voice", "video", "file", "link", "miniprogram", "msgmenu", "location")
ON_EVENT = ("text", "msgmenu")
_ITEMS = 50
_LIVE_ITEMS = 10


def checked(vendor, request: dict[str, Any], allowed: tuple[str, ...]) -> tuple[str, dict]:
    """(msgtype, body as the shopper gets it): cut where the vendor cuts by itself."""
    msgtype = need(request, "msgtype")
    if msgtype not in allowed:
        raise Refusal(40008)
    body = need(request, msgtype, dict)
    if msgtype in ("image", "voice", "video", "file"):
        vendor.media.find(need(body, "media_id"), msgtype)
        return msgtype, {"media_id": body["media_id"]}
    if msgtype == "msgmenu":
        most = _ITEMS if allowed is TYPES else _LIVE_ITEMS
        return msgtype, _menu(body, most)
    return msgtype, _CHECKS[msgtype](vendor, body)


def _text(_vendor, body: dict) -> dict:
    return {"content": within("text.content", need(body, "content"), 2048)}


def _link(vendor, body: dict) -> dict:
    url = within("link.url", need(body, "url"), 2048)
    if not url.startswith(("http://", "https://")):
        raise Refusal(40058, "field `link.url` lacks http/https.")
    vendor.media.find(need(body, "thumb_media_id"), "image")
    return {
        "title": cut(need(body, "title"), 128),
        "desc": cut(get(body, "desc", str, ""), 512),
        "url": url,
        "thumb_media_id": body["thumb_media_id"],
    }


def _miniprogram(vendor, body: dict) -> dict:
    if need(body, "appid") not in vendor.miniprograms:
        raise Refusal(90207)
    vendor.media.find(need(body, "thumb_media_id"), "image")
    return {
        "appid": body["appid"],
        "title": cut(get(body, "title", str, ""), 64),
        "thumb_media_id": body["thumb_media_id"],
        "pagepath": need(body, "pagepath"),
    }


def _location(_vendor, body: dict) -> dict:
    latitude = get(body, "latitude", float, None)
    longitude = get(body, "longitude", float, None)
    if latitude is None or longitude is None:
        raise Refusal(40058, "field `latitude` and `longitude` are required.")
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise Refusal(40058, "field `latitude` or `longitude` out of range.")
    return {
        "name": get(body, "name", str, ""),
        "address": get(body, "address", str, ""),
        "latitude": latitude,
        "longitude": longitude,
    }


_CHECKS = {"text": _text, "link": _link, "miniprogram": _miniprogram, "location": _location}


def _menu(body: dict, most: int) -> dict:
    items = get(body, "list", list, [])
    head = within("msgmenu.head_content", get(body, "head_content", str, ""), 1024)
    tail = within("msgmenu.tail_content", get(body, "tail_content", str, ""), 1024)
    if not (items or head or tail):
        raise Refusal(40058, "field `msgmenu` is empty.")
    live = [one for one in items if isinstance(one, dict) and one.get("type") != "text"]
    if len(items) > most or len(live) > _LIVE_ITEMS:
        raise Refusal(95008)
    return {"head_content": head, "list": [_item(one) for one in items], "tail_content": tail}


def _item(item: Any) -> dict:
    if not isinstance(item, dict):
        raise Refusal(40058, "Warning: wrong json format.")
    kind = need(item, "type")
    if kind not in ("click", "view", "miniprogram", "text"):
        raise Refusal(95009)
    inner = need(item, kind, dict)
    longest = {"click": 128, "text": 256}.get(kind, 1024)
    kept = {"content": within(f"{kind}.content", need(inner, "content"), longest, 1)}
    if kind == "click":
        kept["id"] = within("click.id", get(inner, "id", str, ""), 64)
    if kind == "view":
        kept["url"] = within("view.url", need(inner, "url"), 2048, 1)
    if kind == "miniprogram":
        kept["appid"] = within("miniprogram.appid", need(inner, "appid"), 32, 1)
        kept["pagepath"] = within("miniprogram.pagepath", need(inner, "pagepath"), 1024, 1)
    return {"type": kind, kind: kept}
