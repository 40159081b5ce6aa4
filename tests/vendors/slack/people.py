"""A member of a workspace acts: each method brings the app what Slack would, and waits for it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.vendors.slack import chat, payloads
from tests.vendors.slack.delivery import COMMAND, INTERACTIVE, Delivery
from tests.vendors.slack.world import Channel, Message, Person

if TYPE_CHECKING:
    from tests.vendors.slack.team import Team

_RESPONSE_ACTIONS = ("errors", "update", "push", "clear")


class Actor:
    """What a person does. Channels are named by id; `thread_ts` is the parent's ts."""

    def __init__(self, team: Team, person: Person) -> None:
        self.team = team
        self.vendor = team.vendor
        self.person = person
        self.id = person.id

    def says(
        self,
        text: str,
        channel: str = "C1",
        thread_ts: str | None = None,
        broadcast: bool = False,
        files: tuple[dict, ...] = (),
    ) -> Message:
        """Type a text in a channel; `broadcast`: a reply that is also sent to the channel."""
        return self._say(payloads.typed(text), self._there(channel), thread_ts, broadcast, files)

    def mentions(
        self, text: str, channel: str = "C1", thread_ts: str | None = None, times: int = 1
    ) -> Message:
        """Type a text that begins with a mention of the bot: two events for one text."""
        typed = f"<@{self.team.bot_user_id}> " * times + payloads.typed(text)
        return self._say(typed, self._there(channel), thread_ts)

    def dm(self, text: str, thread_ts: str | None = None, files: tuple[dict, ...] = ()) -> Message:
        """Write to the bot alone."""
        return self._say(payloads.typed(text), self.team.im(self.id), thread_ts, False, files)

    def edits(self, message: Message, text: str) -> Message:
        """Change an own message: `message_changed`."""
        channel = self.team.channels[message.channel]
        with self.vendor.lock:
            before = copy.deepcopy(message.payload())
            ts = self.team.ts()
            message.text = payloads.typed(text)
            message.blocks = [payloads.rich_text(message.text, self.vendor.new_id(""))]
            message.edited = {"user": self.id, "ts": ts}
            event = payloads.changed(channel, message.payload(), before, ts)
        self.team.tell((event, channel))
        return message

    def deletes(self, message: Message) -> None:
        """Take an own message back: `message_deleted`, or a tombstone if it has replies."""
        channel = self.team.channels[message.channel]
        with self.vendor.lock:
            event = chat.remove(self.team, channel, message)
        self.team.tell((event, channel))

    def joins(self, channel: str, inviter: str | None = None) -> Channel:
        """Join a channel: `member_joined_channel`, and a message of subtype channel_join."""
        there = self.team.channel(channel)
        with self.vendor.lock:
            there.members.append(self.id)
            joined: dict[str, Any] = {
                "type": "member_joined_channel",
                "user": self.id,
                "channel": there.id,
                "channel_type": "C" if there.kind == "channel" else "G",
                "team": self.team.id,
                "event_ts": self.team.ts(),
                **({"inviter": inviter} if inviter else {}),
            }
            text = f"<@{self.id}> has joined the channel"
            noted = self.team.post(there, text, user=self.id, subtype="channel_join")
        self.team.tell((joined, there), (payloads.said(there, noted), there))
        return there

    def opens_home(self, tab: str = "home") -> None:
        """Look at the app's home or messages tab: `app_home_opened`."""
        with self.vendor.lock:
            view = self.team.homes.get(self.id)
            event = {
                "type": "app_home_opened",
                "user": self.id,
                "channel": self.team.im(self.id).id,
                "tab": tab,
                "event_ts": self.team.ts(),
                **({"view": view} if view and tab == "home" else {}),
            }
        self.team.tell((event, None))

    def reacts(self, message: Message, name: str) -> None:
        """Put an emoji on a message: `reaction_added`."""
        channel = self.team.channels[message.channel]
        with self.vendor.lock:
            message.reactions.setdefault(name, []).append(self.id)
            event = {
                "type": "reaction_added",
                "user": self.id,
                "reaction": name,
                "item": {"type": "message", "channel": channel.id, "ts": message.ts},
                "item_user": message.user,
                "event_ts": self.team.ts(),
            }
        self.team.tell((event, channel))

    def presses(self, message: Message, action_id: str, chosen: Any = None) -> Delivery:
        """Press a button, or choose (an option's value, a date): `block_actions`.

        Raises:
            LookupError: the message is gone, or as it stands has no such element or option.
            PermissionError: the message is ephemeral and another's.
        """
        if message.ephemeral_to not in (None, self.id):
            raise PermissionError(f"only {message.ephemeral_to} sees that message")
        channel = self.team.channels[message.channel]
        if message not in channel.messages + channel.ephemeral:
            raise LookupError(f"message {message.ts} stands no longer in {channel.id}")
        block_id, element = message.element(action_id)
        with self.vendor.lock:
            payload = self._interaction("block_actions")
            payload |= {
                "container": payloads.container(channel, message),
                "channel": payloads.channel_named(channel),
                "state": {"values": {}},
                "response_url": self.vendor.responses.make(self.team, channel, self.id, message),
                "actions": [payloads.action(block_id, element, chosen, self.team.ts())],
            }
            if message.ephemeral_to is None:
                payload["message"] = message.payload()
        return self.vendor.deliver(INTERACTIVE, payload)

    def shortcut(self, callback_id: str) -> Delivery:
        """Use a global shortcut: no channel, no response_url."""
        with self.vendor.lock:
            payload = self._interaction("shortcut")
            payload |= {"callback_id": callback_id, "action_ts": self.team.ts()}
            del payload["api_app_id"]
        return self.vendor.deliver(INTERACTIVE, payload)

    def message_shortcut(self, message: Message, callback_id: str) -> Delivery:
        """Use a shortcut upon a message: `message_action`."""
        channel = self.team.channels[message.channel]
        with self.vendor.lock:
            payload = self._interaction("message_action")
            payload |= {
                "callback_id": callback_id,
                "action_ts": self.team.ts(),
                "message_ts": message.ts,
                "message": message.payload(),
                "channel": payloads.channel_named(channel),
                "response_url": self.vendor.responses.make(self.team, channel, self.id, None),
            }
            del payload["api_app_id"]
        return self.vendor.deliver(INTERACTIVE, payload)

    def commands(self, command: str, text: str = "", channel: str = "C1") -> Delivery:
        """Type a slash command; what the app answers in its body is shown as Slack shows it."""
        there = self._there(channel)
        with self.vendor.lock:
            trigger = self.vendor.trigger(self.team, self.id)
            fields = {
                "token": self.vendor.app.verification_token,
                "team_id": self.team.id,
                "team_domain": self.team.domain,
                "channel_id": there.id,
                "channel_name": payloads.channel_named(there)["name"],
                "user_id": self.id,
                "user_name": self.person.name,
                "command": command,
                "text": text,
                "api_app_id": self.vendor.app.id,
                "is_enterprise_install": str(self.team.is_whole).lower(),
                "response_url": self.vendor.responses.make(
                    self.team, there, self.id, None, "commands"
                ),
                "trigger_id": trigger,
            }
            if self.team.enterprise:
                fields["enterprise_id"] = self.team.enterprise["id"]
                fields["enterprise_name"] = self.team.enterprise["name"]
        made = self.vendor.deliver(COMMAND, fields)
        if made.ok:
            self.vendor.responses.shown(self.team, there, self.id, made)
        return made

    def submits(self, view_id: str, values: dict[str, dict[str, Any]]) -> Delivery:
        """Submit a modal; `values`: block_id to action_id to value, as in Slack's `state`."""
        with self.vendor.lock:
            view = copy.deepcopy(self.team.views[view_id])
            view["state"] = {"values": values}
            payload = self._interaction("view_submission") | {"view": view, "response_urls": []}
        made = self.vendor.deliver(INTERACTIVE, payload)
        told = made.json().get("response_action")
        if made.ok and made.answer.strip() and told not in _RESPONSE_ACTIONS:
            made.failure = "invalid_response_action"
        return made

    def closes(self, view_id: str) -> Delivery | None:
        """Close a modal: `view_closed`, only if it asked for that."""
        with self.vendor.lock:
            view = self.team.views.pop(view_id)
            payload = self._interaction("view_closed") | {"view": view, "is_cleared": False}
            del payload["trigger_id"]
        return self.vendor.deliver(INTERACTIVE, payload) if view["notify_on_close"] else None

    def _interaction(self, kind: str) -> dict[str, Any]:
        trigger = self.vendor.trigger(self.team, self.id)
        return payloads.interaction(self.vendor.app, self.team, self.person, kind, trigger)

    def _there(self, name: str) -> Channel:
        channel = self.team.channel(name)
        if self.id not in channel.members:
            channel.members.append(self.id)
        return channel

    def _say(
        self,
        text: str,
        channel: Channel,
        thread_ts: str | None,
        broadcast: bool = False,
        files: tuple[dict, ...] = (),
    ) -> Message:
        if channel.archived:
            raise PermissionError(f"{channel.id} is archived")
        with self.vendor.lock:
            root = channel.find(thread_ts) if thread_ts else None
            if thread_ts and root is None:
                raise LookupError(f"no message {thread_ts} in {channel.id} to reply to")
            subtype = "thread_broadcast" if broadcast else "file_share" if files else None
            message = self.team.post(
                channel,
                text,
                user=self.id,
                subtype=subtype,
                thread_ts=thread_ts,
                parent_user_id=root.user if root else None,
                root=root.payload() if root and broadcast else None,
                files=list(files),
                client_msg_id=self.vendor.new_uuid(),
            )
            if root is not None:
                root.thread_ts = root.ts
            if text:
                message.blocks = [payloads.rich_text(text, self.vendor.new_id(""))]
            told = [(payloads.said(channel, message), channel)]
            if f"<@{self.team.bot_user_id}>" in text and channel.kind != "im":
                told.append((payloads.mentioned(channel, message), channel))
        self.team.tell(*told)
        return message
