"""REST for other programs: Rasa's wire form, with a key for each program and senders of its own.

`REST_KEYS` names the programs: `name:key,name:key` (keys of at least 16 characters). A program's
senders live in its own namespace, so that none can speak for another's. Buttons come as tokens in
`payload`; sent back as `message`, a token is the choice. A text that starts with `/` is only text.

`metadata.shopper` is the program's word for who is signed in, and `metadata.address` for where the
shopper is: only programs that have checked it may say it. Nothing is kept for a second try here; a
program that gets no answer asks again.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import re
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError

from cdp import cases
from connectors import manifest, provenance, rooms
from connectors.answers import AnswerCollector
from connectors.fixed_words import CHINESE, language_of, words
from connectors.floods import Floods
from connectors.guard import TextRefused, plain_text
from connectors.worker import TIMEOUT_SECONDS, UNANSWERED
from storage import create_tables

logger = logging.getLogger(__name__)

MAX_SENDER = 128
MAX_METADATA = 255
BY_SENDER = "600/minute"
METADATA = ("shopper", "address", "product")
TOO_FAST = "too many messages of this sender; expected fewer a minute (CHANNELS_LIMIT_SENDER)"
SORRY = "failed"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


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
        # A program answers for its senders.
        self._floods = Floods(self.name(), BY_SENDER)
        if not programs:
            logger.info("rest.off: %s", manifest.of_folder("rest").off("rest"))

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check and the webhook."""
        routes = Blueprint("rest_channel")
        self._floods.watch(routes, manifest.of_folder("rest").limits.body_bytes)

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok" if self._programs else "off"})

        @routes.route("/webhook", methods=["POST"])
        async def webhook(request: Request):
            program = self._program(request.headers.get("authorization", ""))
            if program is None:
                return response.json({"error": "Authorization: expected Bearer <key>"}, 401)
            body = request.json if isinstance(request.json, dict) else {}
            sender, typed = body.get("sender"), body.get("message")
            if not _is_sender(sender):
                wanted = f"sender: expected 1 to {MAX_SENDER} printable characters"
                return response.json({"error": wanted}, 422)
            if not isinstance(typed, str):
                return response.json({"error": "message: expected a text that is not empty"}, 422)
            conversation = f"{program}.{sender.strip()}"
            if not await self._floods.sender(conversation):
                return response.json({"error": TOO_FAST}, 429, {"Retry-After": "60"})
            try:
                context = {
                    "address": request.remote_addr or request.ip,
                    **known_metadata(body.get("metadata")),
                }
            except ValueError as refused:
                return response.json({"error": str(refused)}, 422)
            provenance.note_entry(conversation, self.name(), shopper=context.get("shopper"))
            try:
                text = await _meaning(conversation, typed)
                answers = await _ask(on_new_message, conversation, text, context)
                told = answers
                if rooms.offers(answers):
                    told = await asyncio.to_thread(rooms.offer_all, conversation, answers)
            except TextRefused as refused:
                return response.json({"error": str(refused)}, 422)
            except SQLAlchemyError:
                logger.exception("rest.database.failed")
                told = [_fixed(SORRY, typed)]
            return response.json([_wire(sender, answer) for answer in told], ensure_ascii=False)

        @routes.listener("before_server_start")
        async def prepare(_app, _loop) -> None:
            await asyncio.to_thread(create_tables)

        return routes

    def _program(self, authorization: str) -> str | None:
        given = authorization.removeprefix("Bearer ").strip().encode(errors="surrogateescape")
        found = None
        for program, key in self._programs.items():
            if hmac.compare_digest(key.encode(), given):
                found = program
        return found


def parse_keys(listed: str) -> dict[str, str]:
    """`name:key,name:key` as a mapping.

    Raises:
        ValueError: a name that is missing, twice there or not of letters, digits, `-` and `_` (a
            dot would let one program's senders run into another's), or a key shorter than 16.
    """
    programs = {}
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        name, _, key = entry.partition(":")
        if not _NAME.fullmatch(name) or len(key) < 16:
            raise ValueError(
                f"REST_KEYS, program {name!r}: expected name:key, the name of at most 32 letters, "
                f"digits, - and _, the key of at least 16 characters"
            )
        if name in programs:
            raise ValueError(f"REST_KEYS, program {name!r}: named twice; expected once")
        programs[name] = key
    return programs


def known_metadata(metadata: Any) -> dict[str, str | None]:
    """What a program may say about a message; anything else in `metadata` is passed over.

    Raises:
        ValueError: it is no object, or a part of it no text of at most 255 characters.
    """
    if not isinstance(metadata, (dict, type(None))):
        raise ValueError(f"metadata: expected an object, got {type(metadata).__name__}")
    said = {name: metadata[name] for name in METADATA if name in (metadata or {})}
    for name, value in said.items():
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_METADATA):
            raise ValueError(
                f"metadata.{name}: expected a text of 1 to {MAX_METADATA} characters or null"
            )
    return said


def _is_sender(sender: Any) -> bool:
    return (
        isinstance(sender, str) and sender.isprintable() and 0 < len(sender.strip()) <= MAX_SENDER
    )


async def _ask(on_new_message, conversation: str, text: str, context: dict) -> list[dict]:
    output = AnswerCollector("rest")
    message = UserMessage(text, output, conversation, input_channel="rest", metadata=context)
    try:
        await asyncio.wait_for(on_new_message(message), TIMEOUT_SECONDS)
    except Exception:
        logger.exception("rest.message.failed")
    if output.answers:
        return output.answers
    # The honest sentence promises a person, so there has to be a case.
    transcript = [{"from": "user", "text": text}]
    await asyncio.to_thread(
        cases.request_person, conversation, "unanswered", transcript, context.get("shopper")
    )
    return [_fixed(UNANSWERED, text)]


def _fixed(key: str, typed: str) -> dict:
    """What is said where there is no answer, in the language of what was typed."""
    chosen = typed.strip().startswith("/")
    return {"text": words(key, CHINESE if chosen else language_of(typed) or CHINESE)}


async def _meaning(conversation: str, typed: str) -> str:
    """What a text means to Rasa: the choice whose token it is, or the plain text."""
    if rooms.TOKEN.fullmatch(typed):
        found = await asyncio.to_thread(rooms.choice, conversation, typed)
        if found:
            return found[1]
    return plain_text(typed)


def _wire(recipient: str, answer: dict) -> dict:
    """An answer in Rasa's REST form; a button's token stands in its `payload`."""
    message: dict[str, Any] = {"recipient_id": recipient}
    if answer.get("text"):
        message["text"] = answer["text"]
    if answer.get("buttons"):
        message["buttons"] = _payloads(answer["buttons"])
    custom: dict[str, Any] = {}
    if answer.get("cards"):
        custom["cards"] = [
            {**card, "buttons": _payloads(card.get("buttons") or [])} for card in answer["cards"]
        ]
    if answer.get("links"):
        custom["links"] = answer["links"]
    if custom:
        message["custom"] = custom
    return message


def _payloads(buttons: list[dict]) -> list[dict]:
    return [{"title": button["title"], "payload": button["token"]} for button in buttons]
