"""What an app's callback brings, in the channels' common form.

Speaks messages (documents 96466 and "消息格式"), events (96468) and changes of contacts (92130) as
documented in 2026. Fields that are not known are ignored and counted; messages and events that are
not known are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import fields
from connectors.incoming import Incoming

VERSION = "app-callback-2026"
_KNOWN = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID", "Content", "Event"}
    | {"EventKey", "PicUrl", "MediaId", "Format", "ThumbMediaId", "Location_X", "Location_Y"}
    | {"Scale", "Label", "AppType", "Title", "Description", "Url", "ChangeType", "UserID", "State"}
    | {"ExternalUserID", "WelcomeCode", "Source", "FailReason", "Latitude", "Longitude"}
    | {"Precision", "ScanCodeInfo", "SendPicsInfo", "SendLocationInfo", "BatchJob", "JobId"}
)
MOST = 4_000
ADDED = frozenset({"add_external_contact", "add_half_external_contact"})
GONE = frozenset({"del_external_contact", "del_follow_user"})
_CHANGES = "change_external_contact"
# To open the app says nothing; pictures and places chosen from its menu come as messages.
_SILENT = frozenset(
    {"enter_agent", "view", "view_miniprogram", "location", "scancode_push", "batch_job_result"}
    | {"pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"}
    # Of customer service, where nobody here has it.
    | {"kf_msg_or_event", "kf_account_auth_change"}
)
_KNOWN = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID", "Content", "Event"}
    | {"EventKey", "MediaId", "Format", "PicUrl", "ThumbMediaId", "Title", "Description", "Url"}
    | {"Location_X", "Location_Y", "Scale", "Label", "AppType", "Latitude", "Longitude"}
    | {"Precision", "ScanCodeInfo", "SendPicsInfo", "SendLocationInfo", "JobId", "JobType"}
    | {"ErrCode", "ErrMsg", "ChangeType", "UserID", "ExternalUserID", "State", "WelcomeCode"}
    | {"Source", "FailReason"}
)
_KINDS = {one: one for one in ("text", "image", "voice", "video", "location", "link")}
_SAID = {
    "text": ("Content",),
    "image": ("PicUrl",),
    "location": ("Label", "Location_X", "Location_Y"),
    "link": ("Title", "Url"),
}


@dataclass(frozen=True)
class Contact:
    """A shopper became a member's contact, or is one no longer.

    state: of the code (渠道活码) by which they came. code: good for 20 s, for one welcome.
    """

    change: str
    member: str
    user: str
    state: str = ""
    code: str = ""

    @property
    def address(self) -> str:
        """Whose contact, and who."""
        return f"{self.member}/{self.user}"


def parse(told: Mapping[str, Any]) -> Incoming | Contact | None:
    """What came in, or None for what wants nothing.

    Raises:
        ValueError: who sent it, its type, or its number is missing.
    """
    sender, kind = _text(told.get("FromUserName")), _text(told.get("MsgType")).lower()
    if kind == "event" and _text(told.get("Event")).lower() in _SILENT:
        return None
    if not 0 < len(sender) <= 64 or not kind:
        raise ValueError("FromUserName, MsgType: expected both")
    fields.count("wecom", told, _KNOWN)
    if kind == "event":
        return _event(told, sender)
    if not told.get("MsgId"):
        raise ValueError("MsgId: expected a number")
    number, who = f"msg-{told['MsgId']}"[:120], _who(sender)
    if kind not in _KINDS:
        return Incoming(number, sender, "unknown", kind[:64], who=who, raw=told)
    said = " ".join(filter(None, (_text(told.get(name)) for name in _SAID.get(kind, ()))))
    media = _text(told.get("MediaId")) if kind == "voice" else ""
    return Incoming(number, sender, _KINDS[kind], said[:MOST], who=who, media=media)


def _event(told: Mapping[str, Any], sender: str) -> Incoming | Contact | None:
    event, key = _text(told.get("Event")).lower(), _text(told.get("EventKey"))
    if event == _CHANGES and told.get("ChangeType") in ADDED | GONE:
        return _contact(told)
    number, who = f"event-{event[:40]}-{told.get('CreateTime')}", _who(sender)
    if event == "subscribe":
        return Incoming(number, sender, "entry", who=who)
    if event == "unsubscribe":
        return Incoming(number, sender, "left", who=who)
    if event == "click":
        return Incoming(number, sender, "text", key, who=who)
    # What else changes of contacts (a remark, a tag) is theirs.
    if event == _CHANGES:
        return None
    return Incoming(number, sender, "strange", event[:64] or "event", who=who, raw=told)


def _contact(told: Mapping[str, Any]) -> Contact:
    member, user = _text(told.get("UserID")), _text(told.get("ExternalUserID"))
    if not 0 < len(member) <= 64 or not 0 < len(user) <= 64:
        raise ValueError("UserID, ExternalUserID: expected both")
    state, code = _text(told.get("State"))[:64], _text(told.get("WelcomeCode"))
    return Contact(str(told["ChangeType"]), member, user, state, code)


def _who(member: str) -> str:
    # Known by the talk with the app, and by nothing of a shopper's.
    return f"wecom_app-{member}"


def _text(value: Any) -> str:
    return value[:MOST] if isinstance(value, str) else ""
