"""REST for other programs: Rasa's wire form, with a key for each program and senders of its own.

`REST_KEYS` names the programs: `name:key,name:key` (keys of at least 16 characters). A program's
senders live in its own namespace, so that none can speak for another's. Buttons come as tokens in
`payload`; sent back as `message`, a token is the choice. A text that starts with `/` is only text.
"""

from __future__ import annotations

import hmac
import logging
import os
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Request, response

from connectors import rooms
from connectors.answers import AnswerCollector
from connectors.guard import TextRefused, plain_text
from connectors.worker import HONEST
from storage import create_tables

logger = logging.getLogger(__name__)


class RestInput(InputChannel):
    """The channel `rest`; without keys it is off and refuses everything."""

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/rest`."""
        return "rest"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> RestInput:
        """Read the programs from `REST_KEYS`."""
        return cls(parse_keys(os.environ.get("REST_KEYS", "")))

    def __init__(self, programs: dict[str, str]) -> None:
        self._programs = programs
        if not programs:
            logger.info("rest.off: REST_KEYS is not set (name:key,name:key)")

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check and the webhook."""
        routes = Blueprint("rest_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok"})

        @routes.route("/webhook", methods=["POST"])
        async def webhook(request: Request):
            program = self._program(request.headers.get("authorization", ""))
            if program is None:
                return response.json({"error": "Authorization: expected Bearer <key>"}, 401)
            body = request.json if isinstance(request.json, dict) else {}
            sender, typed = body.get("sender"), body.get("message")
            if not isinstance(sender, str) or not sender.strip() or not isinstance(typed, str):
                wanted = "sender and message: expected texts that are not empty"
                return response.json({"error": wanted}, 422)
            conversation = f"{program}.{sender.strip()}"
            found = rooms.choice(conversation, typed)
            try:
                text = found[1] if found else plain_text(typed)
            except TextRefused as refused:
                return response.json({"error": str(refused)}, 422)
            metadata = body.get("metadata")
            context = {"address": request.ip, **(metadata if isinstance(metadata, dict) else {})}
            answers = await _ask(on_new_message, conversation, text, context)
            return response.json(
                [_wire(sender, conversation, answer) for answer in answers], ensure_ascii=False
            )

        @routes.listener("before_server_start")
        async def prepare(_app, _loop) -> None:
            create_tables()

        return routes

    def _program(self, authorization: str) -> str | None:
        given = authorization.removeprefix("Bearer ").strip().encode()
        found = None
        for program, key in self._programs.items():
            if hmac.compare_digest(key.encode(), given):
                found = program
        return found


def parse_keys(listed: str) -> dict[str, str]:
    """`name:key,name:key` as a mapping.

    Raises:
        ValueError: an entry without a name, or with a key shorter than 16 characters.
    """
    programs = {}
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        name, _, key = entry.partition(":")
        if not name or len(key) < 16:
            raise ValueError(
                f"REST_KEYS, program {name!r}: expected name:key, the key of at least 16 characters"
            )
        programs[name] = key
    return programs


async def _ask(on_new_message, conversation: str, text: str, context: dict) -> list[dict]:
    output = AnswerCollector("rest")
    try:
        await on_new_message(
            UserMessage(text, output, conversation, input_channel="rest", metadata=context)
        )
    except Exception:
        logger.exception("rest.message.failed")
    return output.answers or [HONEST]


def _wire(recipient: str, conversation: str, answer: dict) -> dict:
    message: dict[str, Any] = {"recipient_id": recipient}
    if answer.get("text"):
        message["text"] = answer["text"]
    if answer.get("buttons"):
        message["buttons"] = _offered(conversation, answer["buttons"])
    custom: dict[str, Any] = {}
    if answer.get("cards"):
        custom["cards"] = [
            {**card, "buttons": _offered(conversation, card.get("buttons") or [])}
            for card in answer["cards"]
        ]
    if answer.get("links"):
        custom["links"] = answer["links"]
    if custom:
        message["custom"] = custom
    return message


def _offered(conversation: str, buttons: list[dict]) -> list[dict]:
    return [
        {"title": button["title"], "payload": button["token"]}
        for button in rooms.offer(conversation, buttons)
    ]
