"""What an account sends of itself: customer-service messages, and templates when those are closed.

After a shopper's own message WeChat takes five within 48 hours; later, or beyond them, only a
template message (`templates`). One product is a card (`connectors.cards`): an article (news, one a
message), in a mini-program a link, or the product's page in a mini-program where there is one.
Sources: WeChat's developer pages "发送客服消息", "发送模板消息", "新增临时素材".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from cdp.messages import addresses
from cdp.messages.outbox import AT_LEAST_ONCE, Outgoing
from connectors import cards, plain
from connectors.cards import Cards, Form, Page
from connectors.fixed_words import CHINESE, language_of, words
from connectors.quota import Quota, Shown, together
from connectors.sender import NotSent, Refused
from connectors.tencent import ApiError, NotReached
from connectors.wechat.client import Client
from connectors.wechat.templates import BadTemplates, Template

logger = logging.getLogger(__name__)

# How the outbox knows what was the reply to WeChat's own request, and what was a template.
PASSIVE, TEMPLATE = "passive", "template "
QUOTA = Quota(5, timedelta(hours=48), (PASSIVE, TEMPLATE))
MOST_TEXT = 2_000  # bytes: WeChat takes 2,048
MOST_CHOICES = 10  # entries of a menu
# What WeChat answers, and what it means for a message.
CLOSED = frozenset({43004, 48002, 40003})
LATER = {45009: timedelta(hours=1), 45011: timedelta(minutes=1), -1: timedelta(seconds=10)}
_OUTSIDE = frozenset({45015, 45047})
_NO_MENUS = frozenset({40200, 40008, 45162})
_WRONG_TEMPLATE = frozenset({40037, 47003, 40013})
# A card that this account may not send, or one that is not in order.
_WRONG_CARD = frozenset(
    {40004, 40007, 40008, 40013, 40035, 40200, 44003, 45008, 45162, 47001, 47003, 48001}
)
_SEND = "/cgi-bin/message/custom/send"


class _Outside(Refused):
    """WeChat takes no customer-service message for this shopper now."""


def parts(body: dict) -> list[dict]:
    """An answer in messages that WeChat takes: its words (`texts`), then its card."""
    return cards.parts(body, texts)


def texts(body: dict) -> list[dict]:
    """An answer in messages of a length that WeChat takes, the choices under the last.

    Each can be said as text, too: nobody knows yet whether it will be the reply to a request.
    """
    choices = plain.choices_of(body)
    listed = [{**card, "buttons": []} for card in body.get("cards") or []]
    told = plain.split(plain.as_text({**body, "cards": listed, "buttons": []}), MOST_TEXT)
    made = [{"text": text} for text in told]
    if not choices:
        return made
    last = {"text": told[-1] if told else "", "buttons": choices}
    if _fits(last):
        return [*made[:-1], last]
    alone = {"text": "", "buttons": choices}
    if _fits(alone):
        return [*made, alone]
    return [{"text": text} for text in plain.split(plain.as_text(body), MOST_TEXT)]


def _fits(part: dict) -> bool:
    return len(plain.as_text(part).encode()) <= MOST_TEXT


def card_form(official: bool, page: Page | None) -> Form:
    """How an official account, or else a mini-program's customer service, shows a card."""
    if page is not None:
        make = partial(_page, page, appid=page.app_id) if official else partial(_page, page)
        return Form(make, "card", uploaded=True, wrong=_WRONG_CARD)
    return Form(_news if official else _link, "wide", uploaded=False, wrong=_WRONG_CARD)


class Outbound:
    """Sends on behalf of one account's channel; `shown`: see `quota.together`."""

    def __init__(
        self,
        channel: str,
        client: Client,
        shown: Shown,
        templates: Mapping[str, Template],
        menus: bool,
        cards: Cards,
    ) -> None:
        self._channel = channel
        self._client = client
        self._shown = shown
        self._templates = templates
        # Test accounts and mini-programs have no menus.
        self._menus = menus
        self._cards = cards

    async def send(self, message: Outgoing) -> str | None:
        """By customer-service messages, or by a template; see `VendorInput.deliver`."""
        fitting = together(self._channel, message, QUOTA, parts, texts, self._shown)
        try:
            async with fitting as (made, left):
                if len(made) > left:
                    # Known before WeChat has to say it.
                    raise _Outside(f"{left} of {QUOTA.most} left within {QUOTA.window}")
                for place, part in enumerate(made):
                    await self._one_of_several(message.address, part, place, len(made))
        except _Outside as error:
            return await self._by_template(message, error)
        return None

    async def _one_of_several(self, address: str, part: dict, place: int, most: int) -> None:
        try:
            await self._custom(address, part)
        except (NotSent, _Outside) as error:
            if place:
                raise Refused(f"only {place} of {most} parts: {error}") from error
            raise

    async def _custom(self, address: str, part: dict) -> None:
        card = cards.of(part)
        if card and await self._shown_as_card(address, card):
            return
        while True:
            as_menu = self._menus and len(part.get("buttons") or ()) in range(1, MOST_CHOICES + 1)
            content = _menu(part) if as_menu else _text(part)
            try:
                await self._call(_SEND, {"touser": address, **content})
                return
            except ApiError as error:
                if as_menu and error.code in _NO_MENUS:
                    self._menus = False
                    logger.warning("%s.menus.off code=%d", self._channel, error.code)
                    continue
                raise await self._meaning(error, address) from error

    async def _shown_as_card(self, address: str, card: dict) -> bool:
        try:
            return await self._cards.send(
                card, lambda content: self._call(_SEND, {"touser": address, **content})
            )
        except ApiError as error:
            raise await self._meaning(error, address) from error

    async def _by_template(self, message: Outgoing, why: Refused) -> str:
        told = message.body.get("template") or {}
        template = self._templates.get(told.get("name", ""))
        if template is None or message.purpose not in AT_LEAST_ONCE:
            raise why
        try:
            data = template.data(told.get("fields") or {})
        except BadTemplates as error:
            raise Refused(f"template {told['name']}, {error}") from error
        body = {"touser": message.address, "template_id": template.template_id, "data": data}
        if template.opens:
            body["url"] = plain.absolute(template.opens)
        # Tried again within ten minutes under its own number, it is shown once.
        body["client_msg_id"] = message.name
        try:
            done = await self._call("/cgi-bin/message/template/send", body)
        except ApiError as error:
            if error.code in _WRONG_TEMPLATE:
                logger.error("%s.template.wrong name=%s %s", self._channel, told["name"], error)
            raise await self._meaning(error, message.address) from error
        return f"{TEMPLATE}{done['msgid']}"

    async def _call(self, path: str, body: dict) -> dict:
        try:
            return await self._client.call(path, body)
        except NotReached as error:
            raise NotSent(str(error)) from error

    async def _meaning(self, error: ApiError, address: str) -> Exception:
        if error.code in _OUTSIDE:
            return _Outside(str(error))
        if error.code in LATER:
            return NotSent(str(error), LATER[error.code])
        if error.code in CLOSED:
            await asyncio.to_thread(addresses.close, self._channel, address)
        # Among others 43101: the shopper refuses this one template.
        return Refused(str(error))


def _text(part: dict) -> dict:
    return {"msgtype": "text", "text": {"content": plain.as_text(part)}}


def _news(card: dict, picture: str) -> dict:
    """One article, which an official account shows; a message takes no more."""
    told = {"title": cards.title(card), "description": cards.description(card)}
    article = {**told, "url": plain.absolute(card["url"]), "picurl": picture}
    return {"msgtype": "news", "news": {"articles": [article]}}


def _link(card: dict, picture: str) -> dict:
    """A link with a picture, which only a mini-program's customer service has."""
    told = {"title": cards.title(card), "description": cards.description(card)}
    link = {**told, "url": plain.absolute(card["url"]), "thumb_url": picture}
    # An empty one is refused.
    link["description"] = link["description"] or link["title"]
    return {"msgtype": "link", "link": link}


def _page(page: Page, card: dict, picture: str, **more: str) -> dict:
    """The product's page in a mini-program, which an official account has to name."""
    told = {"title": cards.title(card), "pagepath": page.of(card), "thumb_media_id": picture}
    return {"msgtype": "miniprogrampage", "miniprogrampage": {**told, **more}}


def _menu(part: dict) -> dict:
    """A part as a menu, whose entries come back as `bizmsgmenuid`."""
    entries = [{"id": one["token"], "content": one["title"]} for one in part["buttons"]]
    menu = {"head_content": part["text"] or _choose(part), "list": entries, "tail_content": ""}
    return {"msgtype": "msgmenu", "msgmenu": menu}


def _choose(part: dict) -> str:
    titles = " ".join(one["title"] for one in part["buttons"])
    return words("pick", language_of(titles) or CHINESE)
