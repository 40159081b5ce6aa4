"""WeChat's official accounts (公众号): the callback, and answers passive or by customer service.

WeChat asks three times, five seconds each, for an answer to a message. What is answered within
`BRIEFLY_SECONDS` goes as the passive reply, which counts for no quota; what takes longer goes by a
customer-service message. An account without that right has nothing but replies: its requests wait
`PATIENCE_SECONDS`, and a later answer is the reply to the next try.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sanic import Blueprint, Request, response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from wechatpy.replies import ArticlesReply, TextReply

from cdp.messages import answers, outbox
from cdp.messages.outbox import Outgoing
from connectors import cards, plain, provenance
from connectors.cards import Cards
from connectors.fixed_words import spoken_in, words
from connectors.incoming import Incoming
from connectors.pictures import Pictures
from connectors.sender import Refused
from connectors.tencent import Malformed, NotGenuine
from connectors.vendor import Then, VendorInput
from connectors.voice.formats import MAX_BYTES
from connectors.wechat import outgoing, payloads, templates
from connectors.wechat.client import Account, Client
from connectors.wechat.followers import Followers
from connectors.wechat.outgoing import PASSIVE, Outbound
from connectors.wechat.payloads import Finished
from connectors.wechat.signing import Signed
from connectors.wechat.templates import Template
from storage import utc_now
from storage.together import together

logger = logging.getLogger(__name__)

# A shopper gets a customer-service message as soon as a reply, so that under load requests do not
# pile up waiting for one.
BRIEFLY_SECONDS = 0.2
PATIENCE_SECONDS = 4.0
# Conversations with a request that waits.
MOST_WAITING = 30
# For how much longer an answer is kept for its request, which has to come and get it.
MARGIN_SECONDS = 0.3
# For how long a reply waits for its picture.
PICTURE_SECONDS = 0.7
TRIES, TRIES_SECONDS = 3, 15.0
_MOST_REMEMBERED = 10_000
FINISHED_PAUSES = (0.0, 0.3, 0.7)


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
        """Read the account from the environment (`Account.from_environment`), and how it says the
        shop's own messages by templates (`WECHAT_TEMPLATES`)."""
        file = os.environ.get("WECHAT_TEMPLATES") if cls.replies else None
        known = templates.load(Path(file)) if file else {}
        return cls(Account.from_environment(cls.prefix), known)

    def __init__(
        self, account: Account | None, templates: Mapping[str, Template] | None = None
    ) -> None:
        super().__init__()
        self._account = account
        self._templates = templates or {}
        self._client: Client | None = None
        self._pictures: Pictures | None = None
        self._outbound: Outbound | None = None
        self._followers: Followers | None = None
        self._signed: Signed | None = None
        self._waiting: dict[str, set[_Asked]] = defaultdict(set)
        # Requests by the names of their answers: whoever takes one out says what becomes of it.
        self._asked: dict[str, _Asked] = {}
        self._tries: Counter[str] = Counter()
        if account is None:
            self.off()
            return
        self._signed = Signed(account.app_id, account.token, account.aes_key)
        if not account.customer_api:
            # The only ways are the replies to WeChat's own tries.
            self.good_for = timedelta(seconds=TRIES_SECONDS)

    def add_routes(self, routes: Blueprint) -> None:
        """WeChat's callback."""

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

    async def connect(self) -> None:
        """The account's API, and what is said by it."""
        account = self._account
        self._client = Client(account, shared=True)
        self._pictures = Pictures(self._client, f"wechat {account.app_id}")
        shown = Cards(self.name(), self._pictures, outgoing.card_form(self.replies, account.page))
        self._outbound = Outbound(
            self.name(), self._client, self.in_room, self._templates, self.replies, shown
        )
        if self.replies and account.customer_api:
            self._followers = Followers(self._client, self._came_by)

    async def disconnect(self) -> None:
        """Let go of its connections."""
        if self._followers:
            await self._followers.close()
        if self._client:
            await self._pictures.close()
            await self._client.close()

    async def take(self, incoming: Incoming) -> bool:
        """See `VendorInput.take`; of who came by no code WeChat is asked where from."""
        is_new = await super().take(incoming)
        if is_new and incoming.kind == "entry" and not incoming.touch and self._followers:
            self._followers.ask(incoming)
        return is_new

    def _came_by(self, incoming: Incoming, touch: dict) -> None:
        conversation, who = self.conversation(incoming.address), (self.identifier, incoming.sender)
        provenance.note_entry(conversation, self.name(), touch, identifier=who)

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
            if isinstance(incoming, Finished):
                await self._finished(incoming)
                return response.text("success")
            reply = await self._answer(incoming)
        except SQLAlchemyError:
            logger.exception("wechat.message.not_kept")
            # No answer at all: WeChat asks again.
            return response.text("not now", 503)
        if reply is not None:
            article = await self._article(reply)
            written = _reply_xml(told, reply, article)
            sealed = self._signed.seal(written, request.args.get("nonce", ""))
            return response.text(sealed, content_type="text/xml")
        # An account that may only reply lets WeChat ask again; for others this ends it.
        ended = self._account.customer_api or incoming.kind in ("left", "strange")
        return response.text("success" if ended else "", 200 if ended else 504)

    def _account_or_refuse(self) -> Signed:
        if self._signed is None:
            raise NotGenuine("the channel is off")
        return self._signed

    async def _answer(self, incoming: Incoming) -> dict | None:
        """Keep a message, and wait a while for its answer."""
        if incoming.kind in ("left", "strange") or not self.replies:
            await self.take(incoming)
            return None
        conversation = self.conversation(incoming.address)
        name = self.answer_name(incoming.address, incoming.id)
        asked, patience = _Asked(), 0.0 if self._is_hopeless else self._patience
        end = asyncio.get_running_loop().time() + patience
        self._waiting[conversation].add(asked)
        self._asked.setdefault(name, asked)
        try:
            if not await self.take(incoming):
                # Its answer may be there.
                asked.answered.set()
            while True:
                left = end - asyncio.get_running_loop().time()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asked.answered.wait(), left)
                # What is taken out was made the reply to this request, and is being kept.
                is_taken = left <= 0 and not self._taken_back(name, asked)
                told = asked.answered.is_set() or is_taken
                reply = asked.reply or await self._take_answer(name, told)
                if reply is not None or left <= 0:
                    return reply or await self._last_word(name, conversation)
                asked.answered.clear()
        finally:
            self._taken_back(name, asked)
            self._waiting[conversation].discard(asked)
            if not self._waiting[conversation]:
                del self._waiting[conversation]

    def _taken_back(self, name: str, asked: _Asked) -> bool:
        """Whether a request's answer is nobody's to give any more."""
        return self._asked.get(name) is asked and self._asked.pop(name, None) is not None

    @property
    def _patience(self) -> float:
        """Seconds that a request waits for its answer."""
        return BRIEFLY_SECONDS if self._account.customer_api else PATIENCE_SECONDS

    @property
    def _is_hopeless(self) -> bool:
        """Whether no answer will be there in time, or too many wait for theirs."""
        away = self.other is not None and self.other.away
        return self._account.customer_api and (away or len(self._waiting) > MOST_WAITING)

    async def _last_word(self, name: str, conversation: str) -> dict | None:
        """What an account that may only reply says to WeChat's last try."""
        if self._account.customer_api:
            return None
        if len(self._tries) >= _MOST_REMEMBERED:
            self._tries.clear()
        self._tries[name] += 1
        if self._tries[name] < TRIES:
            return None
        return {"text": words("still_at_it", await asyncio.to_thread(spoken_in, conversation))}

    async def _take_answer(self, name: str, told: bool) -> dict | None:
        """The answer of that name, if it is there; told: it should be."""
        if not told:
            # It can be sent in another way, and under load nobody asks the database in vain.
            if self._account.customer_api:
                return None
            if not await asyncio.to_thread(answers.is_reply, name, PASSIVE):
                return None
        # Also where WeChat asks again because the reply did not reach it: it gets the same.
        return await together(partial(answers.replied, name, PASSIVE))

    async def _article(self, body: dict) -> dict | None:
        """The article of a reply that is a card, if its picture is there in time."""
        card = cards.of(body)
        if card is None:
            return None
        form = outgoing.card_form(official=True, page=None)
        making = Cards(self.name(), self._pictures, form).made(card)
        with suppress(asyncio.TimeoutError):
            made = await asyncio.wait_for(making, PICTURE_SECONDS)
            return made and made["news"]["articles"][0]
        return None

    def parts(self, body: dict) -> list[dict]:
        """In messages that WeChat takes; an account that may only reply has but one."""
        made = outgoing.parts(body)
        only_reply = self._account is not None and not self._account.customer_api
        return outgoing.texts(body) if only_reply and len(made) > 1 else made

    def held(self, received: datetime) -> timedelta:
        """As long as the request waits for the answer, or another may come for it."""
        if not self.replies:
            return timedelta(0)
        if not self._account.customer_api:
            return timedelta(seconds=TRIES_SECONDS)
        end = received + timedelta(seconds=self._patience + MARGIN_SECONDS)
        return max(timedelta(0), end - utc_now())

    def into_box(
        self, session: Session, shown: list[dict], address: str, name: str, received: datetime
    ) -> Then:
        """See `VendorInput.into_box`; what a request waits for here is made the reply to it."""
        asked = self._asked.pop(name, None)
        if asked is None:
            return super().into_box(session, shown, address, name, received)
        answer = self.as_answer(shown, address, name, received)
        return partial(asked.tell, answers.put_as_reply(session, answer, PASSIVE))

    async def answered(self, conversation: str) -> None:
        """Tell the requests that wait for it."""
        for asked in list(self._waiting.get(conversation, ())):
            asked.answered.set()

    async def recording(self, media: str) -> bytes:
        """By `media/get`; see `VendorInput.recording`."""
        return await self._client.download(media, MAX_BYTES)

    async def deliver(self, message: Outgoing) -> str | None:
        """By customer-service messages, or templates; see `VendorInput.deliver`."""
        if self._outbound is None:
            raise Refused(f"{self.prefix}_APP_ID is not set")
        if not self._account.customer_api:
            raise Refused("the account may only reply")
        return await self._outbound.send(message)

    async def _finished(self, told: Finished) -> None:
        """Note what became of a template message; it may be told before its number is kept."""
        number = f"{outgoing.TEMPLATE}{told.number}"
        for pause in FINISHED_PAUSES:
            await asyncio.sleep(pause)
            if await asyncio.to_thread(outbox.became, self.name(), number, told.failure):
                return
        # Another program of the account's sent it.
        logger.info("wechat.template.unknown number=%s", told.number)


class _Asked:
    """A request that waits for its answer."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.reply: dict | None = None

    def tell(self, reply: dict) -> None:
        """This is the reply."""
        self.reply = reply
        self.answered.set()


class MiniProgramInput(WeChatInput):
    """The channel `miniprogram`: customer service of a mini-program (小程序客服), which takes no
    reply to the request itself; its account is told by `WECHAT_MINI_APP_ID` …"""

    prefix = "WECHAT_MINI"
    replies = False

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/miniprogram`."""
        return "miniprogram"


def _reply_xml(told: dict, body: dict, article: dict | None) -> str:
    if article is None:
        reply = TextReply(content=plain.as_text(body))
    else:
        reply = ArticlesReply()
        reply.add_article({**article, "image": article["picurl"]})
    reply.source, reply.target = told.get("ToUserName", ""), told["FromUserName"]
    return reply.render()


def _query(request: Request) -> dict[str, str]:
    return {name: request.args.get(name, "") for name in request.args}


def _refusal(refused: NotGenuine):
    logger.warning("wechat.request.refused reason=%s", refused)
    return response.text("not from WeChat", 403)
