"""Slack's events and interactions in the channels' common form.

Speaks the Events API and Block Kit interactions as documented in 2026 (docs.slack.dev). A text in
a channel comes as a message and as a mention: both have its `ts`, by which it is one.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import fields
from connectors.vendor import Incoming

logger = logging.getLogger(__name__)

VERSION = "events-api-2026"
# What people wrote; of the others (edited, deleted, joined …) nothing is said.
_WRITTEN = frozenset({None, "thread_broadcast", "file_share", "me_message"})
_ENVELOPE = frozenset(
    {"token", "type", "team_id", "context_team_id", "context_enterprise_id", "enterprise_id"}
    | {"api_app_id", "event", "event_id", "event_time", "event_context", "authorizations"}
    | {"authed_users", "authed_teams", "is_ext_shared_channel"}
)
_WRITTEN_FIELDS = frozenset(
    {"type", "subtype", "user", "user_team", "user_profile", "source_team", "team", "text", "ts"}
    | {"event_ts", "channel", "channel_type", "thread_ts", "parent_user_id", "client_msg_id"}
    | {"blocks", "files", "upload", "display_as_bot", "attachments", "edited", "metadata", "root"}
    | {"app_id", "assistant_thread", "reply_count", "reply_users", "latest_reply", "reactions"}
)
_INTERACTION = frozenset(
    {"type", "user", "api_app_id", "token", "container", "trigger_id", "team", "enterprise"}
    | {"is_enterprise_install", "channel", "message", "state", "response_url", "actions", "view"}
    | {"response_urls"}
)
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_ID = re.compile(r"[A-Z0-9]{1,32}")
_TS = re.compile(r"\d{1,16}\.\d{1,8}")


@dataclass(frozen=True)
class Address:
    """Where a talk is: a channel of a workspace, a thread in it ("" for direct messages), and with
    whom, since several people may write in one thread."""

    team: str
    channel: str
    thread: str
    user: str

    def __str__(self) -> str:
        return "/".join((self.team, self.channel, self.thread, self.user))

    @classmethod
    def read(cls, text: str) -> Address:
        """From its text."""
        return cls(*text.split("/"))


def of_event(told: Mapping[str, Any], known) -> Incoming | None:
    """What an `event_callback` brings; None for what wants no answer.

    known(address): whether that thread is a talk of ours already.

    Raises:
        ValueError: a part that every event has is missing.
    """
    event = told.get("event")
    if not isinstance(event, Mapping):
        raise ValueError("event: expected an object")
    fields.count("slack", told, _ENVELOPE)
    kind = event.get("type")
    if kind not in ("message", "app_mention"):
        return None
    if event.get("bot_id") or event.get("subtype") not in _WRITTEN or not event.get("user"):
        return None
    team, user = _id(told, "team_id"), _id(event, "user")
    channel, ts = _id(event, "channel"), _ts(event.get("ts"))
    direct = event.get("channel_type") == "im"
    thread = _ts(event["thread_ts"]) if event.get("thread_ts") else ("" if direct else ts)
    address = str(Address(team, channel, thread, user))
    if kind == "message" and not direct and not known(address):
        # Said to others, or a mention, which comes as an event of its own.
        return None
    fields.count("slack", event, _WRITTEN_FIELDS)
    text = _plain(str(event.get("text") or ""))
    written = "text" if text else "image" if event.get("files") else "unknown"
    touch = {"utm_source": "slack", "utm_medium": "chat", "utm_campaign": f"{team}/{channel}"}
    raw = event if written == "unknown" else None
    return Incoming(f"{channel}-{ts}", address, written, text, touch, f"{team}:{user}", raw)


def of_action(told: Mapping[str, Any]) -> Incoming | None:
    """What a pressed button brings; None for other interactions.

    Raises:
        ValueError: a part is missing.
    """
    actions = told.get("actions")
    if told.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return None
    action, container = actions[0], told.get("container") or {}
    fields.count("slack", told, _INTERACTION)
    team, user = _id(told.get("team") or {}, "id"), _id(told.get("user") or {}, "id")
    channel = _id(told.get("channel") or {}, "id")
    thread = container.get("thread_ts") or ""
    token = action.get("value")
    if not isinstance(token, str):
        return None
    address = str(Address(team, channel, _ts(thread) if thread else "", user))
    number = f"press-{_ts(action.get('action_ts'))}"
    return Incoming(number, address, "choice", token, who=f"{team}:{user}")


def _plain(text: str) -> str:
    """A text as it was typed: without the mention, links and signs as they look."""
    told = _LINK.sub(lambda found: found.group(2) or found.group(1), _MENTION.sub("", text))
    return html.unescape(told).strip()


def _id(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(f"{name}: expected an id of Slack's")
    return value


def _ts(value: Any) -> str:
    if not isinstance(value, str) or not _TS.fullmatch(value):
        raise ValueError("ts: expected seconds with a fraction")
    return value
