"""Temporary media (document 96484): three days, shared by the apps of the enterprise.

upload: multipart field `media` with a file name; over 5 bytes; image 10 MB JPG/PNG, voice 2 MB
AMR, video 10 MB MP4, file 20 MB. Errors: 40004, 40005, 40006, 40007, 40009, 40011, 41005, 41006.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from tests.vendors.wecom.records import Binary, Refusal, Request

LIFE = 3 * 86400
_MB = 1024 * 1024
# kind: (most bytes, the code for more of them)
_LIMITS = {
    "image": (10 * _MB, 40009),
    "voice": (2 * _MB, 40006),
    "video": (10 * _MB, 40011),
    "file": (20 * _MB, 40006),
}
# What a shopper may send: over it the enterprise gets a text instead. From memory: the sizes.
RECEIVED = {"image": 2 * _MB, "voice": 2 * _MB, "video": 10 * _MB, "file": 20 * _MB}

JPG = b"\xff\xd8\xff\xe0" + b"a picture of a shoe"
AMR = b"#!AMR\n" + b"a spoken question"
SILK = b"\x02#!SILK_V3" + b"a spoken question"
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"a film"


@dataclass(frozen=True)
class Medium:
    kind: str
    content: bytes
    name: str
    mime: str
    until: float


class Media:
    """Media by id."""

    def __init__(self, vendor):
        self.vendor = vendor
        self.kept: dict[str, Medium] = {}

    def routes(self) -> dict:
        return {
            "media/upload": ("POST", None, self.upload),
            "media/get": ("GET", None, self.get),
        }

    def keep(self, kind: str, content: bytes, name: str, mime: str) -> str:
        media_id = secrets.token_urlsafe(32)
        until = self.vendor.clock() + LIFE
        self.kept[media_id] = Medium(kind, content, name, mime, until)
        return media_id

    def find(self, media_id: str, kind: str | None = None) -> Medium:
        """Known, of that kind and not over; otherwise 40007."""
        one = self.kept.get(media_id)
        if one is None or self.vendor.clock() >= one.until or kind not in (None, one.kind):
            raise Refusal(40007)
        return one

    def upload(self, request: Request) -> dict:
        kind = request.query.get("type", "")
        if kind not in _LIMITS:
            raise Refusal(40005)
        if request.upload is None:
            raise Refusal(41005)
        name, mime, content = request.upload
        most, code = _LIMITS[kind]
        if len(content) <= 5:
            raise Refusal(40006)
        if len(content) > most:
            raise Refusal(code)
        if not _fits(kind, content):
            raise Refusal(40004)
        media_id = self.keep(kind, content, name, mime)
        created = str(int(self.vendor.clock()))
        return {"type": kind, "media_id": media_id, "created_at": created}

    def get(self, request: Request) -> Binary:
        media_id = request.query.get("media_id")
        if not media_id:
            raise Refusal(41006)
        one = self.find(media_id)
        named = f"attachment; filename=\"{quote(one.name)}\"; filename*=UTF-8''{quote(one.name)}"
        return Binary(one.content, {"Content-Type": one.mime, "Content-Disposition": named})


def _fits(kind: str, content: bytes) -> bool:
    if kind == "image":
        return content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
    if kind == "voice":
        return content.startswith(b"#!AMR")
    if kind == "video":
        return content[4:8] == b"ftyp"
    return True
