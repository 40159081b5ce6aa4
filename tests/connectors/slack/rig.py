"""The conformance suite's rig of Slack: direct messages in one workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.incoming import Incoming
from connectors.slack import payloads
from connectors.slack.app import App
from connectors.slack.channel import SlackInput
from tests.connectors.conformance.rig import FOREIGN, OLD, UNSIGNED, WRONG, Rig
from tests.vendors.slack import Simulator


class SlackRig(Rig):
    """An app in one workspace; shoppers write to it alone."""

    vendor, channel = "slack", "slack"
    malformed = {
        "empty": b"",
        "broken": b"{",
        "a list": b"[]",
        "no event": b'{"type": "event_callback", "api_app_id": "A0QUDAO0001"}',
        "deep": b"[" * 100_000,
    }

    def __init__(self) -> None:
        self._slack = Simulator()

    def __enter__(self) -> SlackRig:
        self._slack.__enter__()
        self._team = self._slack.team("T1")
        return self

    def __exit__(self, *error: object) -> None:
        self._slack.__exit__(*error)

    def make(self) -> SlackInput:
        app = self._slack.app
        token = self._team.installation.token
        return SlackInput(App(app.signing_secret, token, app.id, self._slack.api_url))

    def unconfigured(self) -> SlackInput:
        return SlackInput.from_credentials(None)

    def point(self, url: str) -> None:
        self._slack.set_events_url(f"{url}/webhook")
        self._slack.app.interactivity_url = f"{url}/webhook"

    def says(self, who: str, text: str) -> None:
        self._actor(who).dm(text)

    def sends(self, who: str, kind: str) -> None:
        actor = self._actor(who)
        if kind == "image":
            file = self._team.file("鞋.jpg", b"\xff\xd8", "image/jpeg", actor.id)
            actor.dm("", files=(file,))
            return
        told = {"type": "message", "channel_type": "im", "user": actor.id, "ts": self._team.ts()}
        blocks = [{"type": "hologram", "depth": 3}]
        self._team.happens({**told, "text": "", "blocks": blocks}, self._team.im(actor.id).id)

    def leaves(self, who: str) -> None:
        # Slack says so when we write.
        self._slack.fails("chat.postMessage", error="channel_not_found")

    def presses(self, who: str, title: str) -> None:
        answer = self._team.im(self._actor(who).id).messages[-1]
        (action,) = [one for one in answer.buttons if one["text"]["text"] == title]
        self._actor(who).presses(answer, action["action_id"])

    def seen(self, who: str) -> list[str]:
        messages = self._team.im(self._actor(who).id).messages
        return [_shown(one) for one in messages if one.bot_id]

    def identifier(self, who: str) -> tuple[str, str]:
        return "slack_id", f"T1:{self._actor(who).id}"

    def repeats(self) -> None:
        self._slack.redeliver(self._slack.deliveries[-1])

    @contextmanager
    def late(self) -> Iterator[None]:
        self._slack.holding = True
        yield
        self._slack.duplicates = len(self._slack.courier.held)
        self._slack.release(reverse=True)

    def newer(self) -> None:
        self._slack.unknown_fields = {"NewField": {"a": [1]}}

    def acknowledged(self) -> list[bool]:
        return [one.ok for one in self._slack.deliveries]

    def forge(self, how: str, text: str) -> int:
        event = {"type": "message", "channel_type": "im", "text": text, "user": "U1"}
        told = {
            "type": "event_callback",
            "team_id": "T1",
            "api_app_id": "A0OTHER" if how == FOREIGN else self._slack.app.id,
            "event": {**event, "channel": self._team.im("U1").id, "ts": self._team.ts()},
        }
        forged = {
            UNSIGNED: {"x-slack-signature": ""},
            WRONG: {"secret": "guessed"},
            OLD: {"at": self._slack.clock() - 400},
            FOREIGN: {},
        }
        return self._slack.forge(json.dumps(told).encode(), **forged[how]).status

    def replay(self) -> int:
        newest = self._slack.deliveries[-1]
        headers = {"x-slack-signature": newest.headers["X-Slack-Signature"]}
        stamp = {"at": float(newest.headers["X-Slack-Request-Timestamp"])}
        return self._slack.forge(newest.body, **stamp, **headers).status

    def post(self, body: bytes, inside: bool = False) -> int:
        return self._slack.forge(body).status

    def read(self, payload: bytes) -> Incoming | None:
        told = json.loads(payload)
        if payloads.kind_of(told) == "command":
            return payloads.of_command(told, "D024BE91L")
        if told["type"] == "event_callback":
            return payloads.of_event(told, lambda _: True)
        return payloads.of_action(told)

    def _actor(self, who: str):
        return self._team.user(f"U{who.upper()}")


def _shown(message) -> str:
    texts = [one["text"]["text"] for one in message.blocks if one["type"] == "section"]
    return "\n".join([*texts, *(one["text"]["text"] for one in message.buttons)])


RIGS = (SlackRig,)
