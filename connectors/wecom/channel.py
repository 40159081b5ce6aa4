"""WeCom's customer service (微信客服): a callback that only calls, and messages that are fetched.

The callback says that there is something; `kf/sync_msg` brings it, page by page from where we were.
The cursor moves when a page is kept, so a crash in between brings it once more, and twice is once.
Who asks for a person is moved into the pool of servicers, and is the bot's again when that ends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from datetime import timedelta
from typing import Any

import httpx
from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError

from cdp import cases
from cdp.messages.outbox import Outgoing
from connectors import plain
from connectors.sender import NotSent, Refused
from connectors.tencent import ApiError, Malformed, NotGenuine, NotReached, Sealed, parsed
from connectors.vendor import Incoming, VendorInput
from connectors.wecom import cursors, payloads
from connectors.wecom.client import Client, Corp
from connectors.wecom.payloads import Ended, Entered

logger = logging.getLogger(__name__)

MOST_TEXT, MOST_HEAD = 2_000, 1_000  # bytes, of a text and of what stands over a menu
MOST_CHOICES, MOST_CHOICE = 10, 120  # entries of a menu, bytes of one
PAGE = 1_000
CODE_SECONDS = 18.0  # WeCom's 20, less the way there
PAUSES = (1.0, 5.0, 30.0)
POOL, PERSON = 2, 3
_LATER = {45009: timedelta(minutes=1), -1: timedelta(seconds=10)}


class WeComInput(VendorInput):
    """The channel `wecom`; without an enterprise it is off and refuses everything."""

    identifier = "external_userid"

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/wecom`."""
        return "wecom"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> WeComInput:
        """Read the enterprise from the environment (`Corp.from_environment`)."""
        return cls(Corp.from_environment())

    def __init__(self, corp: Corp | None) -> None:
        super().__init__()
        self._corp = corp
        self._client: Client | None = None
        self._sealed = Sealed(corp.corp_id, corp.token, corp.aes_key) if corp else None
        self._codes: dict[str, tuple[str, float]] = {}
        self._syncing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task] = set()
        if corp is None:
            self.off()

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check, and WeCom's callback."""
        routes = Blueprint("wecom_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok" if self._corp else "off"})

        @routes.route("/webhook", methods=["GET", "POST"])
        async def webhook(request: Request):
            try:
                return self._callback(request)
            except NotGenuine as refused:
                logger.warning("wecom.request.refused reason=%s", refused)
                return response.text("not from WeCom", 403)
            except Malformed as refused:
                logger.warning("wecom.request.malformed reason=%s", refused)
                return response.text("the request cannot be read", 400)

        self.listen(routes, on_new_message)

        @routes.listener("before_server_start")
        async def connect(_app, _loop) -> None:
            if self._corp:
                self._client = Client(self._corp, shared=True)

        @routes.listener("after_server_start")
        async def catch_up(_app, _loop) -> None:
            if self._corp:
                for open_kfid in await asyncio.to_thread(cursors.accounts):
                    self._sync_soon(open_kfid, None)

        @routes.listener("after_server_stop")
        async def disconnect(_app, _loop) -> None:
            for task in self._tasks:
                task.cancel()
            if self._client:
                await self._client.close()

        return routes

    def _callback(self, request: Request):
        if self._sealed is None:
            raise NotGenuine("the channel is off")
        query = {name: request.args.get(name, "") for name in request.args}
        if request.method == "GET":
            return response.text(self._sealed.opened(query, query.get("echostr", "")))
        encrypted = str(parsed(request.body).get("Encrypt") or "")
        told = parsed(self._sealed.opened(query, encrypted).encode())
        if told.get("Event") == "kf_msg_or_event" and isinstance(told.get("OpenKfId"), str):
            self._sync_soon(told["OpenKfId"], told.get("Token"))
        # WeCom keeps the messages for three days: nothing is lost if we end here.
        return response.text("success")

    def _sync_soon(self, open_kfid: str, token: str | None) -> None:
        task = asyncio.create_task(self._sync(open_kfid, token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sync(self, open_kfid: str, token: str | None) -> None:
        """Take all there is of an account; after a failure again, and at the next callback."""
        async with self._syncing[open_kfid]:
            for pause in (*PAUSES, None):
                try:
                    await self._take_pages(open_kfid, token)
                    return
                except (ApiError, NotReached, httpx.HTTPError, SQLAlchemyError):
                    logger.exception("wecom.sync.failed")
                    if pause is None:
                        return
                await asyncio.sleep(pause)

    async def _take_pages(self, open_kfid: str, token: str | None) -> None:
        more = True
        while more:
            cursor = await asyncio.to_thread(cursors.of, open_kfid)
            asked = {"cursor": cursor, "limit": PAGE, "open_kfid": open_kfid}
            told = await self._client.call(
                "/cgi-bin/kf/sync_msg", {**asked, "token": token} if token else asked
            )
            for entry in told.get("msg_list") or ():
                await self._take_entry(entry)
            if told.get("next_cursor"):
                await asyncio.to_thread(cursors.move, open_kfid, told["next_cursor"])
            # A page may be empty though more follow.
            more = bool(told.get("has_more"))

    async def _take_entry(self, entry: dict) -> None:
        try:
            found = payloads.of_message(entry)
        except ValueError as refused:
            logger.warning("wecom.message.malformed reason=%s", refused)
            return
        if isinstance(found, Ended):
            await asyncio.to_thread(cases.end, self.conversation(found.address))
        elif isinstance(found, Entered):
            if found.code:
                end = time.monotonic() + CODE_SECONDS
                self._codes[found.incoming.address] = (found.code, end)
            await self.take(found.incoming)
        elif found is not None:
            await self.take(found)

    async def with_person(self, incoming: Incoming) -> bool:
        """Whether a servicer has, or is about to have, the shopper."""
        if not await asyncio.to_thread(cases.waits, self.conversation(incoming.address)):
            return False
        try:
            whose = _whose(incoming.address)
            told = await self._client.call("/cgi-bin/kf/service_state/get", whose)
        except (ApiError, NotReached, httpx.HTTPError):
            logger.exception("wecom.state.unknown")
            return False
        return told.get("service_state") in (POOL, PERSON)

    def parts(self, body: dict) -> list[dict]:
        """A text, or several, and the first choices as a menu under the last."""
        choices = plain.choices_of(body)
        cards = [{**card, "buttons": []} for card in body.get("cards") or []]
        text = plain.as_text({**body, "cards": cards, "buttons": []})
        told = [{"text": part} for part in plain.split(text, MOST_TEXT)]
        if not choices:
            return told
        head = told.pop() if told and len(told[-1]["text"].encode()) <= MOST_HEAD else {"text": ""}
        return [*told, {**head, "buttons": choices[:MOST_CHOICES]}]

    async def deliver(self, message: Outgoing) -> str | None:
        """By `kf/send_msg`, or in the first seconds of a session by its welcome code."""
        if self._client is None:
            raise Refused("WECOM_CORP_ID is not set")
        place = _whose(message.address)
        for number, part in enumerate(self.parts(message.body), 1):
            told = {**_content(part), "msgid": f"{message.name}-{number}"}
            code, end = self._codes.pop(message.address, (None, 0.0))
            if code and time.monotonic() < end:
                await self._send("/cgi-bin/kf/send_msg_on_event", {"code": code, **told}, message)
                continue
            to = {"touser": place["external_userid"], "open_kfid": place["open_kfid"]}
            await self._send("/cgi-bin/kf/send_msg", {**to, **told}, message)
        await self._hand_over(message.address)
        return message.name

    async def _send(self, path: str, body: dict, message: Outgoing) -> None:
        try:
            await self._client.call(path, body)
        except NotReached as error:
            raise NotSent(str(error)) from error
        except ApiError as error:
            if error.code in _LATER:
                raise NotSent(str(error), _LATER[error.code]) from error
            if message.tries > 1 and "msgid" in str(error):
                # It has this number already: an earlier try came through.
                return
            raise Refused(str(error)) from error

    async def _hand_over(self, address: str) -> None:
        """Into the pool, if the shopper has asked for a person; it is tried with every answer."""
        if not await asyncio.to_thread(cases.waits, self.conversation(address)):
            return
        try:
            moved = {**_whose(address), "service_state": POOL}
            await self._client.call("/cgi-bin/kf/service_state/trans", moved)
        except (ApiError, NotReached, httpx.HTTPError):
            logger.exception("wecom.handover.failed")


def _whose(address: str) -> dict[str, str]:
    open_kfid, _, user = address.partition("/")
    return {"open_kfid": open_kfid, "external_userid": user}


def _content(part: dict) -> dict:
    """A part as WeCom takes it: a text, or a menu whose entries come back as choices."""
    if not part.get("buttons"):
        return {"msgtype": "text", "text": {"content": part["text"]}}
    entries = [
        {"type": "click", "click": {"id": one["token"], "content": _short(one["title"])}}
        for one in part["buttons"]
    ]
    menu = {"head_content": part["text"], "list": entries}
    return {"msgtype": "msgmenu", "msgmenu": menu if part["text"] else {"list": entries}}


def _short(title: str) -> str:
    told = title.encode()
    if len(told) <= MOST_CHOICE:
        return title
    return told[: MOST_CHOICE - 3].decode(errors="ignore") + "…"
