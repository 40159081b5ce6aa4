"""The vendor's codes and its words for them (Global_Return_Code and each interface's own list)."""

from __future__ import annotations

import secrets
from typing import Any

WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by"
    " getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40010: "invalid voice size",
    40011: "invalid video size",
    40012: "invalid thumb size",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40024: "invalid sub button type",
    40025: "invalid sub button name size",
    40026: "invalid sub button key size",
    40027: "invalid sub button url size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40035: "invalid parameter",
    40037: "invalid template_id",
    40052: "invalid action name",
    40053: "invalid action info",
    40054: "invalid sub button url domain",
    40055: "invalid button url domain",
    40066: "invalid url",
    40125: "invalid appsecret, view more at http://t.cn/RAEkdVq",
    40137: "invalid image format",
    40200: "invalid account type",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit must slower retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45029: "qrcode count out of limit",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "need message interaction in the last 30 seconds",
    45081: "already in typing state",
    45162: "invalid type",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    48002: "user refuse to accept the msg",
    65401: "invalid custom service account",
}


class Refused(Exception):
    """The vendor refuses a call with `code`; `more` is appended to its words."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{code} {WORDS.get(code, '')}{more}")
        self.code = code
        self.more = more


def told(code: int, more: str = "") -> dict[str, Any]:
    """The JSON of an error; the vendor answers HTTP 200 with it."""
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return {"errcode": code, "errmsg": f"{WORDS.get(code, 'unknown')}{more} rid: {rid}"}


OK = {"errcode": 0, "errmsg": "ok"}
