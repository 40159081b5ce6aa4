"""auth.test, conversations.*, users.info, files.info, views.*, apps.connections.open.

docs.slack.dev/reference/methods. From memory: reading methods take no JSON; a view's answer keeps
the view as given with an id and a hash; apps.connections.open is of tier 3 (older pages: tier 1).
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from tests.vendors.slack import blocks as block_kit
from tests.vendors.slack import elements
from tests.vendors.slack.calls import Context, SlackError, invalid_arguments, method
from tests.vendors.slack.chat import identified
from tests.vendors.slack.limits import SPECIAL

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
TRIGGER_SECONDS = 3
VIEW_BYTES = 250_000


@method("auth.test", SPECIAL, takes_json=True)
def auth_test(ctx: Context) -> dict[str, Any]:
    """Who the token is."""
    enterprise = {"enterprise_id": ctx.team.enterprise["id"]} if ctx.team.enterprise else {}
    return {
        "url": f"https://{ctx.team.domain}.slack.com/",
        "team": ctx.team.name,
        "user": ctx.team.people[ctx.me].name,
        "team_id": ctx.team.id,
        "user_id": ctx.me,
        "bot_id": ctx.team.bot_id,
        "is_enterprise_install": ctx.team.is_whole,
        **enterprise,
    }


@method("apps.connections.open", 3, takes_json=True, token="app")
def open_connection(ctx: Context) -> dict[str, Any]:
    """An address for one Socket Mode connection."""
    if not ctx.vendor.app.socket_mode:
        raise SlackError("not_allowed")
    return {"url": ctx.vendor.sockets.ticket()}


@method("conversations.open", 3, ("im:write", "mpim:write"), takes_json=True)
def open_conversation(ctx: Context) -> dict[str, Any]:
    """The bot's conversation with one to eight people."""
    if ctx.args.get("channel"):
        channel = ctx.channel()
        if channel.kind not in ("im", "mpim"):
            raise SlackError("method_not_supported_for_channel_type")
    else:
        users = ctx.args.get("users") or ""
        ids = [one.strip() for one in users.split(",") if one.strip()] if users else []
        _check_users(ctx, ids)
        channel = ctx.team.im(ids[0]) if len(ids) == 1 else ctx.team.mpim(*ids)
    short = {"id": channel.id}
    told = channel.payload(ctx.me) if ctx.flag("return_im") else short
    before = {"no_op": True, "already_open": True} if channel.messages else {}
    return {**before, "channel": told}


def _check_users(ctx: Context, ids: list[str]) -> None:
    if not ids:
        raise SlackError("users_list_not_supplied")
    if len(ids) > 8:
        raise SlackError("too_many_users")
    for one in ids:
        person = ctx.team.people.get(one)
        if person is None:
            raise SlackError("user_not_found")
        if person.deleted:
            raise SlackError("user_disabled")
        if person.is_bot:
            raise SlackError("cannot_dm_bot")


@method("conversations.info", 3, READ, required=("channel",))
def conversation(ctx: Context) -> dict[str, Any]:
    """What a conversation is."""
    channel = ctx.channel()
    told = channel.payload(ctx.me)
    if ctx.flag("include_num_members"):
        told["num_members"] = len(channel.members)
    if ctx.flag("include_locale"):
        told["locale"] = "en-US"
    return {"channel": told}


@method("conversations.members", 4, READ, required=("channel",))
def members(ctx: Context) -> dict[str, Any]:
    """Who is in it, in pages."""
    channel = ctx.channel()
    try:
        limit = int(ctx.args.get("limit", 100))
        cursor = ctx.args.get("cursor", "")
        start = int(base64.b64decode(cursor.encode()).decode() or 0)
    except (TypeError, ValueError):
        raise SlackError("invalid_cursor") from None
    if not 1 <= limit <= 1000:
        raise SlackError("invalid_limit")
    page = channel.members[start : start + limit]
    more = start + limit < len(channel.members)
    following = base64.b64encode(str(start + limit).encode()).decode() if more else ""
    return {"members": page, "response_metadata": {"next_cursor": following}}


@method("users.info", 4, ("users:read",), required=("user",))
def user(ctx: Context) -> dict[str, Any]:
    """A person; the address only with users:read.email, the locale only with include_locale."""
    person = ctx.team.people.get(ctx.args["user"])
    if person is None:
        raise SlackError("user_not_found")
    email = "users:read.email" in ctx.installation.scopes
    return {"user": person.payload(email, ctx.flag("include_locale"))}


@method("files.info", 4, ("files:read",), required=("file",))
def file(ctx: Context) -> dict[str, Any]:
    """What a file is."""
    found = ctx.team.files.get(ctx.args["file"])
    if found is None:
        raise SlackError("file_not_found")
    if found["mode"] == "tombstone":
        raise SlackError("file_deleted")
    paging = {"count": 100, "total": 0, "page": 1, "pages": 0}
    return {"file": dict(found), "comments": [], "paging": paging}


@method("views.publish", 4, takes_json=True, required=("user_id", "view"))
def publish(ctx: Context) -> dict[str, Any]:
    """Set a person's home tab."""
    if ctx.args["user_id"] not in ctx.team.people:
        raise SlackError("user_not_found")
    view = _checked(ctx, "home")
    before = ctx.team.homes.get(ctx.args["user_id"])
    if ctx.args.get("hash") and before and before["hash"] != ctx.args["hash"]:
        raise SlackError("hash_conflict")
    kept = _kept(ctx, view)
    if before:
        kept["id"] = before["id"]
    ctx.team.homes[ctx.args["user_id"]] = kept
    return {"view": kept}


@method("views.open", 4, takes_json=True, required=("trigger_id", "view"))
def open_view(ctx: Context) -> dict[str, Any]:
    """Open a modal with a trigger that is three seconds old at most, and unused."""
    trigger = ctx.vendor.triggers.get(ctx.args["trigger_id"])
    if trigger is None or trigger.team != ctx.team.id:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if ctx.vendor.clock() - trigger.at > TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    kept = _kept(ctx, _checked(ctx, "modal"))
    trigger.used = True
    ctx.team.views[kept["id"]] = kept
    return {"view": kept}


def _checked(ctx: Context, surface: str) -> dict[str, Any]:
    view = ctx.structure("view", dict, "invalid_arguments")
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    wrong = []
    if view.get("type") != surface:
        wrong.append(("/view/type", f"unsupported type: {view.get('type')}"))
    if surface == "modal":
        wrong += elements.text(view.get("title"), "/view/title", 24, plain=True)
        for name in ("submit", "close"):
            if name in view:
                wrong += elements.text(view[name], f"/view/{name}", 24, plain=True)
    wrong += elements.length(view.get("private_metadata", ""), "/view/private_metadata", 3000, 0)
    wrong += elements.length(view.get("callback_id", ""), "/view/callback_id", 255, 0)
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        raise invalid_arguments("missing required field: blocks [json-pointer:/view]")
    told = [f"{words} [json-pointer:{where}]" for where, words in wrong]
    told += block_kit.faults(blocks, surface)
    inputs = any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
    if surface == "modal" and inputs and "submit" not in view:
        told.append("submit required when there is an input block [json-pointer:/view]")
    if told:
        raise invalid_arguments(*told)
    return view


def _kept(ctx: Context, view: dict[str, Any]) -> dict[str, Any]:
    made = ctx.vendor.new_id("V")
    defaults = {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "submit": None,
        "close": None,
    }
    return {
        **defaults,
        **copy.deepcopy(view),
        "id": made,
        "root_view_id": made,
        "previous_view_id": None,
        "team_id": ctx.team.id,
        "app_id": ctx.vendor.app.id,
        "bot_id": ctx.team.bot_id,
        "blocks": [identified(ctx, one) for one in view["blocks"]],
        "state": {"values": {}},
        "hash": f"{int(ctx.vendor.clock())}.{ctx.vendor.new_id('')}",
    }
