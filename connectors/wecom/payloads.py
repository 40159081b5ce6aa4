"""Messages and events of WeCom's customer service in the channels' common form (document 94670).

Speaks `kf/sync_msg` as documented in 2026. Only what a shopper sent (origin 3) and events (4) are
looked at; what servicers wrote (5) is theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors import fields
from connectors.vendor import Incoming

logger = logging.getLogger(__name__)

VERSION = "kf-sync-msg-2026"
MOST = 4_000
_SHOPPER, _EVENT = 3, 4
_KNOWN = frozenset(
    {"msgid", "open_kfid", "external_userid", "send_time", "origin", "servicer_userid", "msgtype"}
)
_KINDS = {"text": "text", "image": "image", "voice": "voice", "location": "location"}
# A servicer ended the session (3); the shopper is the bot's again.
_ENDED = 3


@dataclass(frozen=True)
class Entered:
    """A shopper came in: with a code, good for 20 s, by which they may be greeted."""

    incoming: Incoming
    code: str | None


@dataclass(frozen=True)
class Ended:
    """A session with a person ended."""

    address: str


def address_of(open_kfid: str, user: str) -> str:
    """Where a shopper is answered: at which account, and who it is."""
    return f"{open_kfid}/{user}"


def of_message(told: Mapping[str, Any]) -> Incoming | Entered | Ended | None:
    """What one entry of `msg_list` brings; None for what wants nothing.

    Raises:
        ValueError: a part that every entry has is missing.
    """
    if told.get("origin") == _EVENT or told.get("msgtype") == "event":
        return _event(told)
    if told.get("origin") != _SHOPPER:
        return None
    number, kind = told.get("msgid"), told.get("msgtype")
    kfid, user = told.get("open_kfid"), told.get("external_userid")
    if not all(isinstance(one, str) and one for one in (number, kind, kfid, user)):
        raise ValueError("msgid, msgtype, open_kfid, external_userid: expected all")
    address, text = address_of(kfid, user), told.get("text") or {}
    if kind == "text" and text.get("menu_id"):
        return Incoming(number[:120], address, "choice", str(text["menu_id"]), who=user)
    fields.count("wecom", told, _KNOWN | {kind})
    written = str(text.get("content") or "")[:MOST]
    incoming = Incoming(number[:120], address, _KINDS.get(kind, "unknown"), written, who=user)
    if kind in _KINDS:
        return incoming
    return replace(incoming, text=kind[:64], raw=told)


def _event(told: Mapping[str, Any]) -> Entered | Ended | None:
    event = told.get("event") or {}
    kfid, user = event.get("open_kfid"), event.get("external_userid")
    kind = event.get("event_type")
    if kind == "enter_session" and kfid and user:
        scene, more = str(event.get("scene") or ""), str(event.get("scene_param") or "")
        touch = {"qr_scene": scene[:64], "utm_content": more[:64] or None} if scene else None
        number = str(told.get("msgid") or f"enter-{told.get('send_time')}")
        incoming = Incoming(number[:120], address_of(kfid, user), "entry", touch=touch, who=user)
        return Entered(incoming, event.get("welcome_code"))
    if kind == "session_status_change" and event.get("change_type") == _ENDED and kfid and user:
        return Ended(address_of(kfid, user))
    if kind == "msg_send_fail":
        logger.warning("wecom.message.undelivered type=%s", event.get("fail_type"))
    return None
