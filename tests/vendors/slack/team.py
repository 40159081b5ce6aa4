"""A workspace: its people, conversations and files, the app's installation, and what it tells."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.vendors.slack import payloads
from tests.vendors.slack.people import Actor
from tests.vendors.slack.world import KINDS, Channel, Installation, Message, Person

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator

ROTATED_SECONDS = 43_200


class Team:
    """A workspace. `enterprise`: {"id", "name"} or None. `homes`: user id to published view."""

    def __init__(self, vendor: Simulator, id: str, name: str, enterprise: dict | None) -> None:
        self.vendor = vendor
        self.id = id
        self.name = name
        self.domain = name.lower().replace(" ", "-")
        self.enterprise = enterprise
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.homes: dict[str, dict[str, Any]] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.installation: Installation | None = None
        self.bot_user_id = vendor.new_id("U0BOT")
        self.bot_id = vendor.new_id("B")
        bot = Person(self.bot_user_id, id, vendor.app.name.lower(), vendor.app.name, is_bot=True)
        self.people[bot.id] = bot
        self._last_ts = 0

    def user(self, id: str, **about: Any) -> Actor:
        """A member, made when first named; `about`: fields of Person."""
        if id not in self.people:
            name = about.pop("name", id.lower())
            self.people[id] = Person(id, self.id, name, **about)
        for field, value in about.items():
            setattr(self.people[id], field, value)
        return Actor(self, self.people[id])

    def channel(
        self,
        id: str,
        name: str = "",
        private: bool = False,
        members: tuple[str, ...] = (),
        bot: bool = True,
    ) -> Channel:
        """A channel, made when first named; `bot`: whether the bot is in it."""
        if id not in self.channels:
            kind = "group" if private or id.startswith("G") else "channel"
            inside = list(members) + ([self.bot_user_id] if bot else [])
            self.channels[id] = Channel(id, self.id, name or id.lower(), kind, inside)
        return self.channels[id]

    def im(self, user: str) -> Channel:
        """The conversation of the bot and one person."""
        id = f"D0{user}"
        if id not in self.channels:
            inside = [user, self.bot_user_id]
            self.channels[id] = Channel(id, self.id, "directmessage", "im", inside)
        return self.channels[id]

    def mpim(self, *users: str) -> Channel:
        """A conversation of the bot and several persons."""
        id = "G0" + "".join(sorted(users))
        if id not in self.channels:
            name = "mpdm-" + "--".join(user.lower() for user in sorted(users)) + "-1"
            inside = [*users, self.bot_user_id]
            self.channels[id] = Channel(id, self.id, name, "mpim", inside)
        return self.channels[id]

    def file(self, name: str, content: bytes, mimetype: str, user: str) -> dict[str, Any]:
        """An uploaded file, to be given to `says(files=…)`; its `url_private` wants a token."""
        id = self.vendor.new_id("F")
        where = f"{self.vendor.url}/files-pri/{self.id}-{id}"
        told = {
            "id": id,
            "created": int(self.vendor.clock()),
            "timestamp": int(self.vendor.clock()),
            "name": name,
            "title": name,
            "mimetype": mimetype,
            "filetype": name.rsplit(".", 1)[-1],
            "user": user,
            "user_team": self.id,
            "size": len(content),
            "mode": "hosted",
            "is_external": False,
            "is_public": False,
            "url_private": f"{where}/{name}",
            "url_private_download": f"{where}/download/{name}",
            "file_access": "visible",
        }
        self.files[id], self.contents[id] = told, content
        return told

    def install(self, user: str = "U1", scopes: tuple[str, ...] | None = None) -> Installation:
        """The app is installed without OAuth's pages; the token of an active one stays."""
        now = self.vendor.clock()
        granted = self.vendor.app.scopes if scopes is None else scopes
        rotated = self.vendor.app.token_rotation
        if self.installation and self.installation.state == "active" and not rotated:
            # Scopes add up: docs.slack.dev/authentication/installing-with-oauth.
            both = {*self.installation.scopes, *granted}
            self.installation.scopes = tuple(sorted(both))
        else:
            self.installation = Installation(self._new_token(), tuple(granted), user)
            self.vendor.tokens[self.installation.token] = (self, self.installation)
        if rotated:
            self.installation.expires_at = now + ROTATED_SECONDS
            self.installation.refresh_token = f"xoxe-1-{self.vendor.new_uuid()}"
        return self.installation

    @property
    def is_whole(self) -> bool:
        """Whether the app is here since all of the organisation installed it at once."""
        return self.installation is not None and self.installation.whole

    def install_everywhere(self, user: str, scopes: tuple[str, ...]) -> Installation:
        """An administrator of the organisation installs the app in all of its workspaces."""
        self.installation = None
        one = self.install(user, scopes)
        one.whole = True
        for team in self.vendor.teams.values():
            if team.enterprise == self.enterprise:
                team.installation = one
        return one

    def revoke_tokens(self) -> None:
        """The bot's token is revoked: `tokens_revoked`."""
        self._end("revoked")
        tokens = {"oauth": [], "bot": [self.bot_user_id]}
        self.tell(({"type": "tokens_revoked", "tokens": tokens, "event_ts": self.ts()}, None))

    def expire_token(self) -> None:
        """The token's time is over: no event tells."""
        self._end("expired")

    def uninstall(self) -> None:
        """The app is removed: `tokens_revoked` and `app_uninstalled`, in no certain order."""
        self._end("uninstalled")
        tokens = {"oauth": [], "bot": [self.bot_user_id]}
        self.tell(
            ({"type": "app_uninstalled", "event_ts": self.ts()}, None),
            ({"type": "tokens_revoked", "tokens": tokens, "event_ts": self.ts()}, None),
        )

    def bot_says(self, text: str, channel: str = "C1", username: str = "alerts") -> Message:
        """Another integration posts: subtype `bot_message`, no `user`."""
        there = self.channel(channel)
        with self.vendor.lock:
            bot_id = f"BOTHER{self.id}"
            message = self.post(
                there, text, bot_id=bot_id, username=username, subtype="bot_message"
            )
        self.tell((payloads.said(there, message), there))
        return message

    def invite_bot(self, channel: str, by: str) -> Channel:
        """The bot is added to a channel: it hears of its own joining."""
        there = self.channel(channel, bot=False)
        with self.vendor.lock:
            there.members.append(self.bot_user_id)
            event = {
                "type": "member_joined_channel",
                "user": self.bot_user_id,
                "channel": there.id,
                "channel_type": "C" if there.kind == "channel" else "G",
                "team": self.id,
                "inviter": by,
                "event_ts": self.ts(),
            }
        self.tell((event, there))
        return there

    def unfurls(self, message: Message) -> None:
        """Slack shows a link's preview: `message_changed` of a text nobody changed."""
        channel = self.channels[message.channel]
        with self.vendor.lock:
            before = copy.deepcopy(message.payload())
            message.attachments = [{"id": 1, "title": "A page", "fallback": "A page"}]
            event = payloads.changed(channel, message.payload(), before, self.ts())
        self.tell((event, channel))

    def limits_events(self) -> None:
        """Over 30,000 events an hour: `app_rate_limited`, in no envelope."""
        told = {
            "token": self.vendor.app.verification_token,
            "type": "app_rate_limited",
            "team_id": self.id,
            "minute_rate_limited": int(self.vendor.clock()) // 60 * 60,
            "api_app_id": self.vendor.app.id,
        }
        self.vendor.deliver_events([told])

    def happens(self, event: dict[str, Any], channel: str | None = None, **around: Any) -> None:
        """Any event, also of a type nobody knows; it is delivered whatever is subscribed to.

        around: fields of its envelope that are other than usual.
        """
        with self.vendor.lock:
            full = {"event_ts": self.ts(), **event}
            if channel:
                full = {"channel": channel, **full}
            payload = self.vendor.wrap(self, full) | around
        self.vendor.deliver_events([payload])

    def post(self, channel: Channel, text: str, **about: Any) -> Message:
        """Put a message into a conversation; nobody is told."""
        message = Message(channel.id, self.ts(), text, self.id, **about)
        channel.messages.append(message)
        return message

    def ts(self) -> str:
        """A new message id: seconds of the clock with six decimals, never the same one twice."""
        self._last_ts = max(self._last_ts + 1, round(self.vendor.clock() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def tell(self, *events: tuple[dict[str, Any], Channel | None]) -> None:
        """Deliver at the same time those events that the app hears, and wait."""
        self.vendor.deliver_events(self.heard(*events))

    def heard(self, *events: tuple[dict[str, Any], Channel | None]) -> list[dict[str, Any]]:
        """The wrapped events: subscribed to, of an active app, from where its bot is a member."""
        ended = ("app_uninstalled", "tokens_revoked")
        active = self.installation is not None and self.installation.state == "active"
        told = []
        for event, channel in events:
            kind = event["type"]
            name = f"message.{KINDS[channel.kind]}" if kind == "message" and channel else kind
            inside = channel is None or self.bot_user_id in channel.members
            if name in self.vendor.app.subscriptions and inside and (active or kind in ended):
                told.append(self.vendor.wrap(self, event))
        return told

    def _end(self, state: str) -> None:
        if self.installation is None:
            raise LookupError(f"the app is not installed in {self.id}")
        self.installation.state = state

    def _new_token(self) -> str:
        kind = "xoxe.xoxb-1" if self.vendor.app.token_rotation else "xoxb"
        return f"{kind}-{self.id}-{self.vendor.new_uuid()}"
