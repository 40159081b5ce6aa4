"""chat.* methods and reactions.add (docs.slack.dev/reference/methods).

From memory: `thread_not_found` for a parent that is not
there, `cannot_reply_to_message` for the ts of a reply; chat.update's text ends at 4,000 characters;
chat.delete leaves a tombstone when there are replies. Where the documentation says that a text over
40,000 characters is truncated, its list of errors says msg_too_long: here it is the error.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from tests.vendors.slack import blocks as block_kit
from tests.vendors.slack import payloads
from tests.vendors.slack.calls import Context, SlackError, method
from tests.vendors.slack.limits import POSTING
from tests.vendors.slack.world import Channel, Message

TEXT = 40_000
UPDATED_TEXT = 4_000
MARKDOWN = 12_000
ATTACHMENTS = 100
_TS = re.compile(r"\d{10}\.\d{6}")
_EMOJI = re.compile(r"[a-z0-9_'+-]+(::skin-tone-[2-6])?")


def content(ctx: Context, most: int = TEXT) -> dict[str, Any]:
    """text, blocks and attachments of a call, checked; absent ones are None.

    Raises:
        SlackError: no_text, msg_too_long, invalid_blocks_format, invalid_blocks,
            msg_blocks_too_long, markdown_text_conflict, invalid_attachments,
            too_many_attachments.
    """
    text = ctx.args.get("text")
    blocks = ctx.structure("blocks", list, "invalid_blocks_format")
    attachments = ctx.structure("attachments", list, "invalid_attachments")
    markdown = ctx.args.get("markdown_text")
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN:
            raise SlackError("msg_too_long")
        text = markdown
    if len(attachments or []) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if not (text and text.strip()) and not blocks and not attachments:
        raise SlackError("no_text")
    if text and len(text) > most:
        raise SlackError("msg_too_long")
    if blocks:
        check_blocks(blocks)
        blocks = [identified(ctx, one) for one in blocks]
    return {"text": text, "blocks": blocks, "attachments": attachments}


def check_blocks(blocks: list[Any]) -> None:
    """Raises:
    SlackError: invalid_blocks, msg_blocks_too_long.
    """
    wrong = block_kit.faults(blocks)
    if wrong:
        told = {"messages": [f"[ERROR] {one}" for one in wrong]}
        raise SlackError("invalid_blocks", errors=wrong, response_metadata=told)
    if block_kit.all_text(blocks) > block_kit.ALL_TEXT:
        raise SlackError("msg_blocks_too_long")


def identified(ctx: Context, block: dict[str, Any]) -> dict[str, Any]:
    """The block as Slack keeps it: ids are made where there were none."""
    made = copy.deepcopy(block)
    made["block_id"] = made.get("block_id") or ctx.vendor.new_id("b")
    for one in [*made.get("elements", []), made.get("accessory"), made.get("element")]:
        if isinstance(one, dict) and one.get("type") not in (None, "image", "plain_text", "mrkdwn"):
            one["action_id"] = one.get("action_id") or ctx.vendor.new_id("a")
    return made


def target(ctx: Context) -> Channel:
    """Where to post: an id, a public channel's name, or a person's id for the app's DM.

    Raises:
        SlackError: channel_not_found, is_archived, not_in_channel.
    """
    name = ctx.args["channel"]
    team = ctx.team
    if name in team.people and name != ctx.me:
        return team.im(name)
    named = [one for one in team.channels.values() if one.name == name.removeprefix("#")]
    if name not in team.channels and named and named[0].kind == "channel":
        ctx.args["channel"] = named[0].id
    channel = ctx.channel()
    if channel.archived:
        raise SlackError("is_archived")
    everywhere = "chat:write.public" in ctx.installation.scopes
    if ctx.me not in channel.members and not everywhere:
        raise SlackError("not_in_channel")
    return channel


def parent(ctx: Context, channel: Channel) -> Message | None:
    """The message to reply to, None for none."""
    ts = ctx.args.get("thread_ts")
    if not ts:
        return None
    if not _TS.fullmatch(ts):
        told = {"messages": [f"[ERROR] {ts} is not a valid thread_ts"]}
        raise SlackError("invalid_thread_ts", response_metadata=told)
    found = channel.find(ts)
    if found is None:
        raise SlackError("thread_not_found")
    if found.thread_ts not in (None, ts):
        raise SlackError("cannot_reply_to_message")
    return found


def own(ctx: Context, error: str, ts: str) -> tuple[Channel, Message]:
    """An own message.

    Raises:
        SlackError: channel_not_found, message_not_found, or `error` for another's.
    """
    channel = ctx.channel()
    message = channel.find(ts)
    if message is None:
        raise SlackError("message_not_found")
    if message.subtype == "tombstone":
        raise SlackError("message_not_found")
    if message.app_id != ctx.vendor.app.id:
        raise SlackError(error)
    return channel, message


def wait(ctx: Context, channel: Channel) -> None:
    """Raises:
    SlackError: ratelimited, over a message a second.
    """
    seconds = ctx.vendor.limits.refuse(POSTING, "chat.postMessage", ctx.team.id, channel.id)
    if seconds:
        raise SlackError("ratelimited", _retry_after=seconds)


def by_bot(ctx: Context, channel: Channel, told: dict[str, Any], **about: Any) -> Message:
    """A message of the app; of a bot user it has no subtype."""
    message = ctx.team.post(
        channel,
        told["text"] or "",
        user=ctx.me,
        bot_id=ctx.team.bot_id,
        app_id=ctx.vendor.app.id,
        **about,
    )
    message.blocks = told["blocks"] or []
    message.attachments = told["attachments"] or []
    if not message.blocks and message.text:
        message.blocks = [payloads.rich_text(message.text, ctx.vendor.new_id("b"))]
    return message


@method("chat.postMessage", POSTING, ("chat:write",), takes_json=True, required=("channel",))
def post_message(ctx: Context) -> dict[str, Any]:
    """Post; the app itself hears of it too, as of any message."""
    channel = target(ctx)
    wait(ctx, channel)
    told = content(ctx)
    root = parent(ctx, channel)
    broadcast = root is not None and ctx.flag("reply_broadcast")
    message = by_bot(
        ctx,
        channel,
        told,
        thread_ts=root.ts if root else None,
        parent_user_id=root.user if root else None,
        subtype="thread_broadcast" if broadcast else None,
        root=root.payload() if broadcast else None,
        metadata=ctx.structure("metadata", dict, "invalid_metadata_format"),
    )
    if root is not None:
        root.thread_ts = root.ts
    ctx.vendor.later(ctx.team.heard((payloads.said(channel, message), channel)))
    return {"channel": channel.id, "ts": message.ts, "message": message.payload()}


@method("chat.postEphemeral", 4, ("chat:write",), takes_json=True, required=("channel", "user"))
def post_ephemeral(ctx: Context) -> dict[str, Any]:
    """Show a message to one member of a channel; it stands in `channel.ephemeral`."""
    channel = target(ctx)
    if ctx.args["user"] not in channel.members:
        raise SlackError("user_not_in_channel")
    told = content(ctx)
    root = parent(ctx, channel)
    message = by_bot(
        ctx, channel, told, thread_ts=root.ts if root else None, ephemeral_to=ctx.args["user"]
    )
    channel.messages.remove(message)
    channel.ephemeral.append(message)
    return {"message_ts": message.ts}


@method("chat.update", 3, ("chat:write",), takes_json=True, required=("channel", "ts"))
def update(ctx: Context) -> dict[str, Any]:
    """Change an own message. A text alone removes the blocks; blocks set no `edited`."""
    channel, message = own(ctx, "cant_update_message", ctx.args["ts"])
    if channel.archived:
        raise SlackError("is_inactive")
    told = content(ctx, UPDATED_TEXT)
    before = copy.deepcopy(message.payload())
    ts = ctx.team.ts()
    if told["blocks"] is None and told["text"]:
        told["blocks"] = [payloads.rich_text(told["text"], ctx.vendor.new_id("b"))]
        message.edited = {"user": ctx.me, "ts": ts}
    rewrite(message, told)
    event = payloads.changed(channel, message.payload(), before, ts)
    ctx.vendor.later(ctx.team.heard((event, channel)))
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message.payload(),
    }


def rewrite(message: Message, told: dict[str, Any]) -> None:
    """Put a call's content into a message."""
    for name in ("text", "blocks", "attachments"):
        if told[name] is not None:
            setattr(message, name, told[name])


@method("chat.delete", 3, ("chat:write",), takes_json=True, required=("channel", "ts"))
def delete(ctx: Context) -> dict[str, Any]:
    """Delete an own message."""
    channel, message = own(ctx, "cant_delete_message", ctx.args["ts"])
    event = remove(ctx.team, channel, message)
    ctx.vendor.later(ctx.team.heard((event, channel)))
    return {"channel": channel.id, "ts": message.ts}


def remove(team: Any, channel: Channel, message: Message) -> dict[str, Any]:
    """Take a message away, and give the event that tells of it."""
    before = copy.deepcopy(message.payload())
    if not channel.thread(message.ts):
        channel.messages.remove(message)
        return payloads.deleted(channel, before, team.ts())
    message.text, message.subtype = "This message was deleted.", "tombstone"
    message.blocks, message.attachments, message.files = [], [], []
    return payloads.changed(channel, message.payload(), before, team.ts())


@method("reactions.add", 3, ("reactions:write",), takes_json=True, required=("name",))
def react(ctx: Context) -> dict[str, Any]:
    """Put an emoji on a message. From memory: any well-formed name is an emoji here."""
    if not (ctx.args.get("channel") and ctx.args.get("timestamp")):
        raise SlackError("no_item_specified")
    channel = ctx.channel()
    if not _TS.fullmatch(ctx.args["timestamp"]):
        raise SlackError("bad_timestamp")
    message = channel.find(ctx.args["timestamp"])
    if message is None:
        raise SlackError("message_not_found")
    if channel.archived:
        raise SlackError("is_archived")
    if not _EMOJI.fullmatch(ctx.args["name"]):
        raise SlackError("invalid_name")
    users = message.reactions.setdefault(ctx.args["name"], [])
    if ctx.me in users:
        raise SlackError("already_reacted")
    users.append(ctx.me)
    return {}
