"""Messages and events of WeCom's customer service in the channels' common form (document 94670).

Speaks `kf/sync_msg` as documented in 2026. Only what a shopper sent (origin 3) and events (4) are
looked at; what servicers wrote (5) is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import fields
from connectors.incoming import Incoming

VERSION = "kf-sync-msg-2026"
MOST = 4_000
_SHOPPER, _EVENT = 3, 4
_KINDS = {
    **{one: one for one in ("text", "image", "voice", "video", "file", "location", "link")},
    "miniprogram": "link",
}
# What there is to say of a message besides its kind.
_SAID = {
    "text": ("content",),
    "location": ("name", "address"),
    "link": ("title", "url"),
    "miniprogram": ("title", "pagepath"),
}
_KNOWN = frozenset(
    {"msgid", "open_kfid", "external_userid", "send_time", "origin", "servicer_userid", "msgtype"}
    | {"event"}
)
# A servicer took the session (1, 4), or got it from another (2); or ended it (3): the shopper is
# the bot's again.
_TAKEN, _ENDED = frozenset({1, 2, 4}), 3
# Of fail_type: the shopper refuses what the account sends.
REJECTED = 10
# Who of the shop's people is there, and what a shopper takes back: nothing is to be done.
_SILENT = frozenset({"servicer_status_change", "user_recall_msg", "session_status_change"})


@dataclass(frozen=True)
class Entered:
    """A shopper came in: with a code, good for 20 s, by which they may be greeted."""

    incoming: Incoming
    code: str | None


@dataclass(frozen=True)
class Session:
    """A person has the shopper from now on, or no longer."""

    address: str
    with_person: bool


@dataclass(frozen=True)
class Undelivered:
    """A message that was taken did not reach the shopper; `name`: the outbox's."""

    address: str
    name: str
    kind: int


def address_of(open_kfid: str, user: str) -> str:
    """Where a shopper is answered: at which account, and who it is."""
    return f"{open_kfid}/{user}"


def of_message(told: Mapping[str, Any]) -> Incoming | Entered | Session | Undelivered | None:
    """What one entry of `msg_list` brings; None for what wants nothing.

    Raises:
        ValueError: a part that every entry has is missing.
    """
    fields.count("wecom", told, _KNOWN | {str(told.get("msgtype"))})
    if told.get("origin") == _EVENT or told.get("msgtype") == "event":
        return _event(told)
    if told.get("origin") != _SHOPPER:
        return None
    number, kind = told.get("msgid"), told.get("msgtype")
    kfid, user = told.get("open_kfid"), told.get("external_userid")
    if not all(isinstance(one, str) and one for one in (number, kind, kfid, user)):
        raise ValueError("msgid, msgtype, open_kfid, external_userid: expected all")
    address, number = address_of(kfid, user), number[:120]
    content = told.get(kind) if isinstance(told.get(kind), Mapping) else {}
    if kind == "text" and content.get("menu_id"):
        return Incoming(number, address, "choice", str(content["menu_id"]), who=user)
    if kind not in _KINDS:
        return Incoming(number, address, "unknown", kind[:64], who=user, raw=told)
    said = " ".join(str(content[one]) for one in _SAID.get(kind, ()) if content.get(one))
    media = str(content.get("media_id") or "")[:MOST] if kind == "voice" else ""
    return Incoming(number, address, _KINDS[kind], said[:MOST], who=user, media=media)


def _event(told: Mapping[str, Any]) -> Entered | Session | Undelivered | Incoming | None:
    event = told.get("event") if isinstance(told.get("event"), Mapping) else {}
    kfid, user = str(event.get("open_kfid") or ""), str(event.get("external_userid") or "")
    kind = str(event.get("event_type") or "")
    # The shopper, where there is one, or else the account.
    address = address_of(kfid, user)
    if kind == "enter_session" and kfid and user:
        scene, more = str(event.get("scene") or ""), str(event.get("scene_param") or "")
        touch = {"qr_scene": scene[:64], "utm_content": more[:64] or None} if scene else None
        number = str(told.get("msgid") or f"enter-{told.get('send_time')}")
        incoming = Incoming(number[:120], address, "entry", touch=touch, who=user)
        return Entered(incoming, event.get("welcome_code"))
    change = event.get("change_type")
    if kind == "session_status_change" and kfid and user and change in _TAKEN | {_ENDED}:
        return Session(address, change in _TAKEN)
    if kind == "msg_send_fail":
        # Ours end with the part's number; a servicer's have none of ours.
        name, _, _ = str(event.get("fail_msgid") or "").rpartition("-")
        failed = event.get("fail_type")
        return Undelivered(address, name, failed if isinstance(failed, int) else 0)
    if kind in _SILENT:
        return None
    number = str(told.get("msgid") or f"{kind[:40]}-{told.get('send_time')}")[:120]
    return Incoming(number, address, "strange", kind[:64] or "event", who=user or kfid, raw=told)
