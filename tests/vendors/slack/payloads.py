"""Slack's payloads: events in their wrapper, interactions, slash commands. Pure functions.

docs.slack.dev/apis/events-api, /reference/events, /reference/interaction-payloads.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from tests.vendors.slack.world import App, Channel, Message, Person

_MENTION = re.compile(r"(<@[UW][A-Z0-9]+>)")
_LINK = re.compile(r"https?://[^\s<>]+")


def typed(text: str) -> str:
    """What a person typed, as Slack hands it on: `&`, `<`, `>` escaped, links in brackets."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINK.sub(lambda found: f"<{found.group()}>", escaped)


def rich_text(text: str, block_id: str) -> dict[str, Any]:
    """The block the client makes of a person's text."""
    parts = [
        {"type": "user", "user_id": part[2:-1]}
        if _MENTION.fullmatch(part)
        else {"type": "text", "text": part}
        for part in _MENTION.split(text)
        if part
    ]
    section = {"type": "rich_text_section", "elements": parts}
    return {"type": "rich_text", "block_id": block_id, "elements": [section]}


def wrapped(app: App, team: Any, event: dict[str, Any], event_id: str, now: float) -> dict:
    """An event in its `event_callback`."""
    enterprise = team.enterprise["id"] if team.enterprise else None
    authorization = {
        "enterprise_id": enterprise,
        "team_id": team.id,
        "user_id": team.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": team.is_whole,
    }
    return {
        "token": app.verification_token,
        "team_id": team.id,
        **({"enterprise_id": enterprise} if enterprise else {}),
        "context_team_id": team.id,
        "context_enterprise_id": enterprise,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(now),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def said(channel: Channel, message: Message) -> dict[str, Any]:
    """The `message` event of a new message."""
    return message.payload() | {
        "channel": channel.id,
        "event_ts": message.ts,
        "channel_type": channel.kind,
    }


def mentioned(channel: Channel, message: Message) -> dict[str, Any]:
    """The `app_mention` event that comes beside it: the same ts, no channel_type."""
    kept = {name: value for name, value in message.payload().items() if name != "subtype"}
    return kept | {"type": "app_mention", "channel": channel.id, "event_ts": message.ts}


def changed(channel: Channel, message: dict, before: dict, ts: str) -> dict[str, Any]:
    """The `message_changed` event; `ts` is its own, the message's is inside."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message,
        "previous_message": before,
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind,
    }


def deleted(channel: Channel, before: dict, ts: str) -> dict[str, Any]:
    """The `message_deleted` event."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": before,
        "channel": channel.id,
        "hidden": True,
        "deleted_ts": before["ts"],
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.kind,
    }


def interaction(app: App, team: Any, person: Person, kind: str, trigger: str) -> dict[str, Any]:
    """What all interactive payloads have in common."""
    return {
        "type": kind,
        "token": app.verification_token,
        "api_app_id": app.id,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": team.enterprise,
        "is_enterprise_install": team.is_whole,
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": team.id,
        },
        "trigger_id": trigger,
    }


def channel_named(channel: Channel) -> dict[str, str]:
    """`channel` of an interaction: private ones have no name of their own there."""
    names = {"im": "directmessage", "group": "privategroup"}
    return {"id": channel.id, "name": names.get(channel.kind, channel.name)}


def action(block_id: str, element: dict[str, Any], chosen: Any, ts: str) -> dict[str, Any]:
    """One of `actions`; `chosen`: the value of an option, or a picked date or time."""
    kind = element["type"]
    told: dict[str, Any] = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block_id,
        "action_ts": ts,
    }
    if kind == "button":
        kept = ("text", "value", "url", "style")
        return told | {name: element[name] for name in kept if name in element}
    if kind in ("datepicker", "timepicker"):
        return told | {f"selected_{kind[:4]}": chosen}
    options = {one["value"]: one for one in element.get("options", [])}
    if kind in ("checkboxes", "multi_static_select"):
        return told | {"selected_options": [options[one] for one in chosen]}
    if chosen not in options:
        raise LookupError(f"no option {chosen!r} in {kind}; there are {sorted(options)}")
    return told | {"selected_option": options[chosen]}


def container(channel: Channel, message: Message) -> dict[str, Any]:
    """`container` of a message's block_actions."""
    told: dict[str, Any] = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    return told | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def form(kind: str, payload: dict[str, Any], encoded: str) -> bytes:
    """The body of an interaction (`payload=…`) or of a slash command (plain fields)."""
    fields = payload if kind == "slash_commands" else {"payload": encoded}
    return urlencode(fields).encode()
