"""Temporary media ("新增临时素材", "获取临时素材"): 3 days, whoever sent it.

Sizes: image 10 MB (PNG, JPEG, JPG, GIF), voice 2 MB (AMR, MP3), video 10 MB (MP4), thumb 64 KB
(JPG). From memory: a mini-program uploads images only, what a picture is stands in its first bytes
(40137), and uploads are counted by the day; the length of a voice is not looked at here.
"""

from __future__ import annotations

import mimetypes
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.vendors.wechat.errors import Refused
from tests.vendors.wechat.server import File

if TYPE_CHECKING:
    from tests.vendors.wechat.server import Request
    from tests.vendors.wechat.simulator import Simulator

LIFE = 3 * 86400
_KINDS = {
    "image": (10 * 1024**2, {"png", "jpeg", "jpg", "gif"}, 40009),
    "voice": (2 * 1024**2, {"amr", "mp3"}, 40010),
    "video": (10 * 1024**2, {"mp4"}, 40011),
    "thumb": (64 * 1024, {"jpg", "jpeg"}, 40012),
}
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")


def is_picture(content: bytes) -> bool:
    """Whether the vendor, and a telephone, shows it as a picture."""
    return content.startswith(_PICTURES)


@dataclass
class Medium:
    kind: str
    content: bytes
    content_type: str
    ends: float


class Media:
    """All media by media_id; permanent ones have no end."""

    def __init__(self) -> None:
        self.kept: dict[str, Medium] = {}

    def keep(self, kind: str, content: bytes, content_type: str, now: float) -> str:
        """Its new media_id; `now` is infinite for what is permanent."""
        media_id = secrets.token_urlsafe(48)
        self.kept[media_id] = Medium(kind, content, content_type, now + LIFE)
        return media_id

    def is_there(self, media_id: Any, kind: str, now: float) -> bool:
        """Whether it is there still, and of that kind ("": any)."""
        one = self.kept.get(media_id) if isinstance(media_id, str) else None
        return one is not None and now < one.ends and kind in ("", one.kind)


def upload(vendor: "Simulator", request: "Request") -> dict[str, Any]:
    """POST multipart, field `media`; ?type= image, voice, video or thumb"""
    vendor.meter.count("upload", vendor.clock(), vendor.limits.upload_daily)
    kind = request.query.get("type", "")
    if kind not in (_KINDS if vendor.kind == "official" else ("image",)):
        raise Refused(40004)
    found = next((one for one in request.uploads if one.field == "media"), None)
    if found is None or not found.content:
        raise Refused(41005)
    most, endings, code = _KINDS[kind]
    if found.name.rpartition(".")[2].lower() not in endings:
        raise Refused(40005)
    if len(found.content) > most:
        raise Refused(code)
    if kind in ("image", "thumb") and not is_picture(found.content):
        raise Refused(40137)
    now = vendor.clock()
    guessed = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    media_id = vendor.media.keep(kind, found.content, guessed, now)
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: media_id, "created_at": int(now)}


def get(vendor: "Simulator", request: "Request") -> dict[str, Any] | File:
    """GET ?media_id=: the file, for a video {video_url}"""
    media_id = request.query.get("media_id", "")
    if not vendor.media.is_there(media_id, "", vendor.clock()):
        raise Refused(40007)
    one = vendor.media.kept[media_id]
    if one.kind == "video":
        return {"video_url": f"{vendor.url}/mmbiz_jpg/{media_id}/0"}
    ending = (mimetypes.guess_extension(one.content_type) or ".amr").lstrip(".")
    return File(one.content, one.content_type, f"{media_id}.{ending}")


def picture(vendor: "Simulator", path: str) -> File:
    """What PicUrl, ThumbUrl and video_url lead to, without a token."""
    one = vendor.media.kept.get(path.split("/")[2]) if path.count("/") > 2 else None
    if one is None:
        return File(b"", "text/plain", status=404)
    return File(one.content, one.content_type)
