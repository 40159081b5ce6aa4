"""WeChat's official accounts (公众号): the callback, and answers passive or by customer service.

WeChat asks three times, five seconds each, for an answer to a message. What is answered within
`PATIENCE_SECONDS` goes as the passive reply, which counts for no quota; what takes longer goes by
a customer-service message, or, for an account without that right, as the reply to the next try.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError
from wechatpy.replies import TextReply

from cdp.messages import addresses, outbox
from cdp.messages.outbox import Outgoing
from connectors import plain
from connectors.sender import NotSent, Refused
from connectors.tencent import ApiError, Malformed, NotGenuine, NotReached
from connectors.vendor import Incoming, VendorInput
from connectors.wechat import payloads
from connectors.wechat.client import Account, Client
from connectors.wechat.signing import Signed

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 4.0
TRIES, TRIES_SECONDS = 3, 15.0
STILL_AT_IT = "这条我还在查，请稍等几秒再问我一次。"
_MOST_REMEMBERED = 10_000
# Customer-service messages after a shopper's own.
QUOTA, WINDOW = 5, timedelta(hours=48)
PASSIVE = "passive"
MOST_TEXT = 2_000  # bytes: WeChat takes 2,048
# What WeChat answers, and what it means for a message.
_CLOSED = frozenset({43004, 48002, 40003})
_LATER = {45009: timedelta(hours=1), 45011: timedelta(minutes=1), -1: timedelta(seconds=10)}


class WeChatInput(VendorInput):
    """The channel `wechat`; without an account it is off and refuses everything."""

    identifier = "openid"
    prefix = "WECHAT"
    # Whether an answer may be the reply to WeChat's own request.
    replies = True

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/wechat`."""
        return "wechat"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> WeChatInput:
        """Read the account from the environment (`Account.from_environment`)."""
        return cls(Account.from_environment(cls.prefix))

    def __init__(self, account: Account | None) -> None:
        super().__init__()
        self._account = account
        self._client: Client | None = None
        self._signed: Signed | None = None
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._asked: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        if account is None:
            self.off()
            return
        self._signed = Signed(account.app_id, account.token, account.aes_key)
        if not account.customer_api:
            # The only ways are the replies to WeChat's own tries.
            self.good_for = timedelta(seconds=TRIES_SECONDS)

    def blueprint(self, on_new_message) -> Blueprint:
        """The routes: a health check, and WeChat's callback."""
        routes = Blueprint(f"{self.name()}_channel")

        @routes.route("/", methods=["GET"])
        async def health(_: Request):
            return response.json({"status": "ok" if self._account else "off"})

        @routes.route("/webhook", methods=["GET"])
        async def prove(request: Request):
            try:
                self._account_or_refuse().check(_query(request))
            except NotGenuine as refused:
                return _refusal(refused)
            return response.text(request.args.get("echostr", ""))

        @routes.route("/webhook", methods=["POST"])
        async def webhook(request: Request):
            return await self._webhook(request)

        self.listen(routes, on_new_message)

        @routes.listener("before_server_start")
        async def connect(_app, _loop) -> None:
            if self._account:
                self._client = Client(self._account)

        @routes.listener("after_server_stop")
        async def disconnect(_app, _loop) -> None:
            if self._client:
                await self._client.close()

        return routes

    async def _webhook(self, request: Request):
        try:
            told = self._account_or_refuse().open(_query(request), request.body)
            incoming = payloads.parse(told)
        except NotGenuine as refused:
            return _refusal(refused)
        except (Malformed, ValueError) as refused:
            logger.warning("wechat.request.malformed reason=%s", refused)
            return response.text("the message cannot be read", 400)
        if incoming is None:
            return response.text("success")
        try:
            reply = await self._answer(incoming)
        except SQLAlchemyError:
            logger.exception("wechat.message.not_kept")
            # No answer at all: WeChat asks again.
            return response.text("not now", 503)
        if reply is not None:
            sealed = self._signed.seal(_reply_xml(told, reply), request.args.get("nonce", ""))
            return response.text(sealed, content_type="text/xml")
        # An account that may only reply lets WeChat ask again; for others this ends it.
        ended = self._account.customer_api or incoming.kind == "left"
        return response.text("success" if ended else "", 200 if ended else 504)

    def _account_or_refuse(self) -> Signed:
        if self._signed is None:
            raise NotGenuine("the channel is off")
        return self._signed

    async def _answer(self, incoming: Incoming) -> str | None:
        """Keep a message, and wait a while for its answer."""
        if incoming.kind == "left" or not self.replies:
            await self.take(incoming)
            return None
        conversation = self.conversation(incoming.address)
        name = self.answer_name(incoming.address, incoming.id)
        answered = asyncio.Event()
        # Before it is kept: what is waited for is held back for the reply.
        self._waiting[conversation].add(answered)
        self._asked[name] += 1
        try:
            end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            await self.take(incoming)
            while True:
                answered.clear()
                reply = await asyncio.to_thread(self._take_answer, name)
                left = end - asyncio.get_running_loop().time()
                if reply is not None or left <= 0:
                    return reply or self._last_word(name)
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(answered.wait(), left)
        finally:
            self._asked -= Counter([name])
            self._waiting[conversation].discard(answered)
            if not self._waiting[conversation]:
                del self._waiting[conversation]

    def _last_word(self, name: str) -> str | None:
        """What an account that may only reply says to WeChat's last try."""
        if self._account.customer_api:
            return None
        if len(self._tries) >= _MOST_REMEMBERED:
            self._tries.clear()
        self._tries[name] += 1
        return STILL_AT_IT if self._tries[name] >= TRIES else None

    def _take_answer(self, name: str) -> str | None:
        taken = outbox.take(name)
        if taken is None:
            # WeChat asks again because the reply did not reach it: it gets the same.
            return outbox.text_sent_as(name, PASSIVE)
        outbox.sent(taken.id, PASSIVE)
        return plain.as_text(taken.body)

    def parts(self, body: dict) -> list[dict]:
        """As text, in messages of a length that WeChat takes."""
        return [{"text": text} for text in plain.split(plain.as_text(body), MOST_TEXT)]

    def held(self, name: str) -> timedelta:
        """As long as a request waits for the answer, or another may come for it."""
        if self.replies and not self._account.customer_api:
            return timedelta(seconds=TRIES_SECONDS)
        return timedelta(seconds=PATIENCE_SECONDS + 1 if name in self._asked else 0)

    async def answered(self, conversation: str) -> None:
        """Tell the requests that wait for it."""
        for event in list(self._waiting.get(conversation, ())):
            event.set()

    async def deliver(self, message: Outgoing) -> str | None:
        """By customer-service messages; see `VendorInput.deliver`."""
        if self._account is None:
            raise Refused(f"{self.prefix}_APP_ID is not set")
        if not self._account.customer_api:
            raise Refused("the account may only reply")
        used, silent = await asyncio.to_thread(outbox.used, self.name(), message.address, PASSIVE)
        parts = self.parts(message.body)
        if silent > WINDOW or used + len(parts) > QUOTA:
            # Known before WeChat has to say it.
            raise Refused(f"{used} of {QUOTA} used, last heard {silent} ago")
        for place, part in enumerate(parts):
            try:
                await self._send(message.address, part["text"])
            except NotSent as error:
                if place:
                    raise Refused(f"only {place} of {len(parts)} parts: {error}") from error
                raise
        return None

    async def _send(self, address: str, text: str) -> None:
        body = {"touser": address, "msgtype": "text", "text": {"content": text}}
        try:
            await self._client.call("/cgi-bin/message/custom/send", body)
        except NotReached as error:
            raise NotSent(str(error)) from error
        except ApiError as error:
            if error.code in _CLOSED:
                await asyncio.to_thread(addresses.close, self.name(), address)
                raise Refused(str(error)) from error
            if error.code in _LATER:
                raise NotSent(str(error), _LATER[error.code]) from error
            raise Refused(str(error)) from error


class MiniProgramInput(WeChatInput):
    """The channel `miniprogram`: customer service of a mini-program (小程序客服), which takes no
    reply to the request itself; its account is told by `WECHAT_MINI_APP_ID` …"""

    prefix = "WECHAT_MINI"
    replies = False

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/miniprogram`."""
        return "miniprogram"


def _reply_xml(told: dict, text: str) -> str:
    reply = TextReply(content=text)
    reply.source, reply.target = told["ToUserName"], told["FromUserName"]
    return reply.render()


def _query(request: Request) -> dict[str, str]:
    return {name: request.args.get(name, "") for name in request.args}


def _refusal(refused: NotGenuine):
    logger.warning("wechat.request.refused reason=%s", refused)
    return response.text("not from WeChat", 403)
