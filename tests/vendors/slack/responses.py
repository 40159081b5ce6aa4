"""response_url: five messages within 30 minutes (docs.slack.dev/interactivity).

From memory: after that 404 with `expired_url` or `used_url`; a wrong body is 400 with the error; a
good one is {"ok": true} for interactions and the words "ok" for slash commands.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.vendors.slack import chat, payloads
from tests.vendors.slack.calls import Context, SlackError
from tests.vendors.slack.delivery import Delivery
from tests.vendors.slack.world import Channel, Message

if TYPE_CHECKING:
    from tests.vendors.slack.simulator import Simulator
    from tests.vendors.slack.team import Team

USES = 5
SECONDS = 1800


@dataclass
class ResponseUrl:
    """One address; `message`: what the person pressed upon."""

    team: Team
    channel: Channel
    user: str
    message: Message | None
    made_at: float
    kind: str
    uses: int = 0


class Responses:
    """Every response_url there is."""

    def __init__(self, vendor: Simulator) -> None:
        self.vendor = vendor
        self._made: dict[str, ResponseUrl] = {}

    def make(
        self,
        team: Team,
        channel: Channel,
        user: str,
        message: Message | None,
        kind: str = "actions",
    ) -> str:
        """A new address; `kind`: actions or commands."""
        path = f"/{kind}/{team.id}/{len(self._made) + 1}/{self.vendor.new_uuid()}"
        now = self.vendor.clock()
        self._made[path] = ResponseUrl(team, channel, user, message, now, kind)
        return self.vendor.url + path

    def use(self, path: str, body: bytes, content: str) -> tuple[int, Any, str]:
        """(status, answer, team id) of a post to an address."""
        one = self._made.get(path)
        if one is None:
            return 404, {"ok": False, "error": "invalid_url"}, ""
        if self.vendor.clock() - one.made_at > SECONDS:
            return 404, {"ok": False, "error": "expired_url"}, one.team.id
        if one.uses >= USES:
            return 404, {"ok": False, "error": "used_url"}, one.team.id
        try:
            if not content.startswith("application/json"):
                raise SlackError("invalid_payload")
            given = json.loads(body)
            if not isinstance(given, dict):
                raise SlackError("invalid_payload")
            self._do(one, given)
        except ValueError:
            return 400, {"ok": False, "error": "invalid_payload"}, one.team.id
        except SlackError as error:
            return 400, error.answer, one.team.id
        one.uses += 1
        return 200, "ok" if one.kind == "commands" else {"ok": True}, one.team.id

    def shown(self, team: Team, channel: Channel, user: str, made: Delivery) -> None:
        """The body that answered a slash command is shown: JSON, or words for one person."""
        words = made.answer.decode(errors="replace").strip()
        given = made.json() or ({"text": words} if words else {})
        if not given:
            return
        one = ResponseUrl(team, channel, user, None, self.vendor.clock(), "commands")
        try:
            with self.vendor.lock:
                events = self._apply(one, given)
        except SlackError as error:
            made.failure = error.error
            return
        self.vendor.deliver_events(events)

    def _do(self, one: ResponseUrl, given: dict[str, Any]) -> None:
        self.vendor.later(self._apply(one, given))

    def _apply(self, one: ResponseUrl, given: dict[str, Any]) -> list[dict[str, Any]]:
        """What the app asked for is done; gives the events that tell of it."""
        original, channel = one.message, one.channel
        ctx = Context(self.vendor, one.team, one.team.installation, given)
        if given.get("delete_original") and original is not None:
            return self._delete(one, original)
        told = chat.content(ctx)
        if given.get("replace_original") and original is not None:
            return self._replace(one, original, told)
        kind = given.get("response_type", "ephemeral")
        if kind not in ("ephemeral", "in_channel"):
            raise SlackError("invalid_response_type")
        alone = one.user if kind == "ephemeral" else None
        root = chat.parent(ctx, channel)
        message = chat.by_bot(
            ctx, channel, told, ephemeral_to=alone, thread_ts=root.ts if root else None
        )
        if alone:
            channel.messages.remove(message)
            channel.ephemeral.append(message)
            return []
        return one.team.heard((payloads.said(channel, message), channel))

    def _delete(self, one: ResponseUrl, original: Message) -> list[dict[str, Any]]:
        if original in one.channel.ephemeral:
            one.channel.ephemeral.remove(original)
            return []
        if original not in one.channel.messages:
            raise SlackError("message_not_found")
        return one.team.heard((chat.remove(one.team, one.channel, original), one.channel))

    def _replace(self, one: ResponseUrl, original: Message, told: dict) -> list[dict[str, Any]]:
        before = copy.deepcopy(original.payload())
        if original not in one.channel.messages + one.channel.ephemeral:
            raise SlackError("message_not_found")
        # A replacement is whole: blocks that are not given are gone.
        chat.rewrite(original, told | {"blocks": told["blocks"] or []})
        if original.ephemeral_to:
            return []
        ts = one.team.ts()
        original.edited = {"user": one.team.bot_user_id, "ts": ts}
        event = payloads.changed(one.channel, original.payload(), before, ts)
        return one.team.heard((event, one.channel))
