"""What exists in a workspace: people, conversations, messages, the app and its installations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
)
SUBSCRIPTIONS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "tokens_revoked",
)
KINDS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass
class App:
    """The app's page at api.slack.com: credentials, addresses, what it asks for and listens to."""

    id: str = "A0QUDAO0001"
    name: str = "Qudao"
    client_id: str = "1111111111.2222222222"
    client_secret: str = "a client secret of the tests"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "verification-token-of-the-tests"
    app_token: str = "xapp-1-A0QUDAO0001-1-of-the-tests"
    scopes: tuple[str, ...] = SCOPES
    subscriptions: tuple[str, ...] = SUBSCRIPTIONS
    redirect_urls: tuple[str, ...] = ()
    events_url: str = ""
    interactivity_url: str = ""
    commands_url: str = ""
    socket_mode: bool = False
    token_rotation: bool = False
    # False: only the workspace `home_team` may install it.
    distributed: bool = True
    home_team: str = ""


@dataclass
class Person:
    """A member of a workspace; `tz_offset` in seconds."""

    id: str
    team_id: str
    name: str
    real_name: str = ""
    email: str = ""
    locale: str = "zh-CN"
    tz: str = "Asia/Shanghai"
    tz_label: str = "China Standard Time"
    tz_offset: int = 28800
    is_bot: bool = False
    deleted: bool = False

    def payload(self, email: bool, locale: bool) -> dict[str, Any]:
        """As users.info says it: no `email` without its scope, no `locale` unless asked for."""
        profile = {
            "real_name": self.real_name or self.name,
            "real_name_normalized": self.real_name or self.name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "team": self.team_id,
            **({"email": self.email} if email and self.email else {}),
        }
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name or self.name,
            "tz": self.tz,
            "tz_label": self.tz_label,
            "tz_offset": self.tz_offset,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
            **({"locale": self.locale} if locale else {}),
        }


@dataclass
class Installation:
    """The app in one workspace or, if `whole`, in all of an organisation at once.

    `state`: active, revoked, uninstalled or expired.
    """

    token: str
    scopes: tuple[str, ...]
    authed_user: str
    state: str = "active"
    expires_at: float | None = None
    refresh_token: str = ""
    whole: bool = False


@dataclass
class Message:
    """A message as it stands. `text` is in Slack's form: `&amp; &lt; &gt;`, `<@U1>`, `<https://…>`.

    `ephemeral_to` names the only person who sees it; such a message is in no history.
    """

    channel: str
    ts: str
    text: str
    team: str
    user: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    thread_ts: str | None = None
    parent_user_id: str | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    edited: dict[str, str] | None = None
    metadata: dict[str, Any] | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    ephemeral_to: str | None = None
    root: dict[str, Any] | None = None

    def payload(self) -> dict[str, Any]:
        """As events and answers carry it, without the channel."""
        named = {
            "subtype": self.subtype,
            "user": self.user,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "username": self.username,
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "parent_user_id": self.parent_user_id,
            "edited": self.edited,
            "metadata": self.metadata,
            "root": self.root,
            "blocks": self.blocks or None,
            "attachments": self.attachments or None,
            "files": self.files or None,
        }
        if self.files:
            named |= {"upload": False, "display_as_bot": False}
        if self.reactions:
            named["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)}
                for name, users in self.reactions.items()
            ]
        told = {name: value for name, value in named.items() if value is not None}
        return {"type": "message", "text": self.text, "ts": self.ts, "team": self.team, **told}

    def element(self, action_id: str) -> tuple[str, dict[str, Any]]:
        """(block_id, element) of what can be pressed.

        Raises:
            LookupError: no element of the message as it now stands has this action_id.
        """
        there = list(self._elements())
        for block_id, element in there:
            if element.get("action_id") == action_id:
                return block_id, element
        known = [element.get("action_id") for _, element in there]
        raise LookupError(f"no element {action_id!r} in message {self.ts}; there are {known}")

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """Every button, in order."""
        return [element for _, element in self._elements() if element["type"] == "button"]

    def _elements(self):
        for block in self.blocks:
            if block["type"] in ("actions", "context_actions"):
                for element in block["elements"]:
                    yield block["block_id"], element
            for name in ("accessory", "element"):
                if block.get(name):
                    yield block["block_id"], block[name]


@dataclass
class Channel:
    """A conversation. `kind`: channel (public), group (private), im or mpim.

    `messages`: all that stands there, replies in threads too, in order of `ts`.
    `ephemeral`: what only one person sees.
    """

    id: str
    team_id: str
    name: str
    kind: str
    members: list[str]
    archived: bool = False
    created: int = 1700000000
    creator: str = ""
    messages: list[Message] = field(default_factory=list)
    ephemeral: list[Message] = field(default_factory=list)

    def find(self, ts: str) -> Message | None:
        """The message of that ts."""
        return next((one for one in self.messages if one.ts == ts), None)

    def thread(self, ts: str) -> list[Message]:
        """The replies to a message, without it."""
        return [one for one in self.messages if one.thread_ts == ts and one.ts != ts]

    def texts(self) -> list[str]:
        """What the messages say."""
        return [one.text for one in self.messages]

    def payload(self, me: str) -> dict[str, Any]:
        """As conversations.info says it; `me` is the bot's user id."""
        told: dict[str, Any] = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_org_shared": False,
            "context_team_id": self.team_id,
        }
        if self.kind == "im":
            return told | {"user": next(one for one in self.members if one != me)}
        shared = {"is_shared": False, "is_ext_shared": False, "is_general": False}
        topic = {"value": "", "creator": "", "last_set": 0}
        return told | {
            "name": self.name,
            "name_normalized": self.name,
            "creator": self.creator,
            "is_member": me in self.members,
            "topic": topic,
            "purpose": dict(topic),
            **shared,
        }
