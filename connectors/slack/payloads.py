"""Slack's events, interactions and slash commands in the channels' common form.

Speaks the Events API and Block Kit interactions as documented in 2026 (docs.slack.dev). A text in
a channel comes as a message and as a mention: both have its `ts`, by which it is one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from connectors import fields
from connectors.incoming import Incoming

VERSION = "events-api-2026"
REMOVED = ("app_uninstalled", "tokens_revoked")
SAID = ("message", "app_mention")
# What is known, and says nothing to an assistant.
NOT_FOR_US = frozenset(
    {"app_home_opened", "app_rate_limited", "assistant_thread_started", "block_actions"}
    | {"assistant_thread_context_changed", "channel_archive", "channel_left", "channel_rename"}
    | {"member_joined_channel", "member_left_channel", "message_action", "reaction_added"}
    | {"reaction_removed", "shortcut", "team_join", "view_closed", "view_submission"}
)
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
_COMMAND = frozenset(
    {"token", "team_id", "team_domain", "enterprise_id", "enterprise_name", "channel_id", "user_id"}
    | {"channel_name", "user_name", "command", "text", "response_url", "trigger_id", "api_app_id"}
    | {"is_enterprise_install"}
)
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_ID = re.compile(r"[A-Z0-9]{1,32}")
_TS = re.compile(r"\d{1,16}\.\d{1,8}")
_TRIGGER = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True)
class Address:
    """Where a talk is: a channel of a workspace, a thread in it ("" for direct messages), and with
    whom, since several people may write in one thread; org: the organisation, where all of it
    installed the app at once."""

    team: str
    channel: str
    thread: str
    user: str
    org: str = ""

    def __str__(self) -> str:
        parts = (self.team, self.channel, self.thread, self.user, self.org)
        return "/".join(parts if self.org else parts[:-1])

    @classmethod
    def read(cls, text: str) -> Address:
        """From its text."""
        return cls(*text.split("/"))

    @property
    def place(self) -> str:
        """Whose token speaks there."""
        return self.org or self.team

    @property
    def who(self) -> str:
        """The shopper's identifier."""
        return f"{self.team}:{self.user}"


def kind_of(told: Mapping[str, Any]) -> str:
    """What sort of thing was told: an event's type, an interaction's, or "command".

    Raises:
        ValueError: it has no type.
    """
    if told.get("type") == "event_callback":
        told = _part(told, "event")
    kind = "command" if "command" in told else told.get("type")
    if not isinstance(kind, str):
        raise ValueError("type: expected a text")
    return kind


def place_of(told: Mapping[str, Any]) -> tuple[str, str]:
    """The workspace in which something happened, and the organisation where all of it installed
    the app at once, else "".

    Raises:
        ValueError: no workspace is named.
    """
    # In a channel shared with others, `team_id` may be theirs; the app hears it where it is
    # installed, which `authorizations` names (docs.slack.dev/apis/events-api).
    listed = told.get("authorizations")
    first = listed[0] if isinstance(listed, list) and listed else None
    by = first if isinstance(first, Mapping) else told
    whole = by.get("is_enterprise_install") in (True, "true")
    enterprise = by.get("enterprise_id") or _part(told, "enterprise").get("id")
    if _part(told, "team"):
        team = _id(told["team"], "id")
    elif _part(told, "user"):
        # An interaction in an organisation: the workspace is the person's.
        team = _id(told["user"], "team_id")
    else:
        team = _id(by if by.get("team_id") else told, "team_id")
    return team, _id({"enterprise_id": enterprise}, "enterprise_id") if whole else ""


def is_direct(told: Mapping[str, Any]) -> bool:
    """Whether an `event_callback` is of direct messages."""
    return _part(told, "event").get("channel_type") == "im"


def of_event(told: Mapping[str, Any], known) -> Incoming | None:
    """What an `event_callback` brings; None for what wants no answer.

    known(address): whether that thread is a talk of ours already; not asked of direct messages.

    Raises:
        ValueError: a part that every event has is missing.
    """
    event = told.get("event")
    if not isinstance(event, Mapping):
        raise ValueError("event: expected an object")
    fields.count("slack", told, _ENVELOPE)
    kind = event.get("type")
    if kind not in SAID:
        return None
    if event.get("bot_id") or event.get("subtype") not in _WRITTEN or not event.get("user"):
        return None
    team, org = place_of(told)
    user, channel, ts = _id(event, "user"), _id(event, "channel"), _ts(event.get("ts"))
    direct = event.get("channel_type") == "im"
    thread = _ts(event["thread_ts"]) if event.get("thread_ts") else ("" if direct else ts)
    address = Address(team, channel, thread, user, org)
    if kind == "message" and not direct and not known(str(address)):
        # Said to others, or a mention, which comes as an event of its own.
        return None
    fields.count("slack", event, _WRITTEN_FIELDS)
    text = _plain(str(event.get("text") or ""))
    written = "text" if text else "image" if event.get("files") else "unknown"
    touch = _touch(team, channel)
    raw = event if written == "unknown" else None
    return Incoming(f"{channel}-{ts}", str(address), written, text, touch, address.who, raw)


def of_action(told: Mapping[str, Any]) -> Incoming | None:
    """What a pressed button or a choice from a menu brings; None for other interactions.

    Raises:
        ValueError: a part is missing.
    """
    actions = told.get("actions")
    if told.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return None
    fields.count("slack", told, _INTERACTION)
    action, container = _part(actions, 0), _part(told, "container")
    token = action.get("value") or _part(action, "selected_option").get("value")
    # A link is opened by Slack itself; an app's home or a window is no talk.
    if not isinstance(token, str) or container.get("type") != "message":
        return None
    team, org = place_of(told)
    user, channel = _id(_part(told, "user"), "id"), _id(_part(told, "channel"), "id")
    thread = container.get("thread_ts") or ""
    address = Address(team, channel, _ts(thread) if thread else "", user, org)
    number = f"press-{_ts(action.get('action_ts'))}"
    return Incoming(number, str(address), "choice", token, who=address.who)


def of_command(told: Mapping[str, Any], direct: str) -> Incoming:
    """What a slash command brings: its text, said in the direct messages `direct`; nothing after
    the command is how one comes in.

    Raises:
        ValueError: a part is missing.
    """
    fields.count("slack", told, _COMMAND)
    team, org = place_of(told)
    trigger = told.get("trigger_id")
    if not isinstance(trigger, str) or not _TRIGGER.fullmatch(trigger):
        raise ValueError("trigger_id: expected up to 100 letters, digits and dots")
    address = Address(team, direct, "", _id(told, "user_id"), org)
    text = _plain(str(told.get("text") or ""))
    touch = _touch(team, _id(told, "channel_id"))
    kind = "text" if text else "entry"
    return Incoming(f"command-{trigger}", str(address), kind, text, touch, address.who)


def removal(told: Mapping[str, Any]) -> tuple[str, datetime] | None:
    """Where the app was removed or the bot's token revoked, and when, since what is told late says
    nothing of a newer installation. None where a person's own token was revoked.

    Raises:
        ValueError: a part is missing.
    """
    bots = _part(_part(told, "event"), "tokens").get("bot")
    if kind_of(told) == "tokens_revoked" and not bots:
        return None
    seconds = told.get("event_time")
    if not isinstance(seconds, int):
        raise ValueError("event_time: expected seconds")
    team, org = place_of(told)
    return org or team, datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def strange(told: Mapping[str, Any]) -> Incoming:
    """An event or interaction of a kind that is not known here; nobody waits for an answer."""
    event, kind = _part(told, "event") or told, kind_of(told)
    user = (
        event.get("user") if isinstance(event.get("user"), str) else _part(told, "user").get("id")
    )
    sender = f"{told.get('team_id') or _part(told, 'team').get('id')}:{user}"
    return Incoming("", "", "strange", kind, who=sender, raw=told)


def _touch(team: str, channel: str) -> dict[str, str]:
    return {"utm_source": "slack", "utm_medium": "chat", "utm_campaign": f"{team}/{channel}"}


def _plain(text: str) -> str:
    """A text as it was typed: without the mention, links and signs as they look."""
    told = _LINK.sub(lambda found: found.group(2) or found.group(1), _MENTION.sub("", text))
    return html.unescape(told).strip()


def _part(told: Any, name: Any) -> Mapping[str, Any]:
    """An object within; an empty one if it is something else."""
    part = told[name] if isinstance(told, list) else told.get(name)
    return part if isinstance(part, Mapping) else {}


def _id(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(f"{name}: expected an id of Slack's")
    return value


def _ts(value: Any) -> str:
    if not isinstance(value, str) or not _TS.fullmatch(value):
        raise ValueError("ts: expected seconds with a fraction")
    return value
