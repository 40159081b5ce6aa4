"""Products as cards of a vendor's own, where it takes one product a message.

A card is a message, and counts as one, so it is used where it says more than text: an answer with
one product, after the words and choices of that answer. Several products are a list in the text,
which the shopper chooses from by number. What has no picture or no page that can be reached from
outside, what the vendor refuses, and what would leave too little of its quota, is said as text.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from connectors import plain
from connectors.pictures import NoPicture, Pictures
from connectors.tencent import ApiError

logger = logging.getLogger(__name__)

# What WeChat and WeCom say of a picture that they no longer have.
FORGOTTEN = 40007


@dataclass(frozen=True)
class Page:
    """The page of a product in a mini-program: its app id, and the path, with {id} in it."""

    app_id: str
    path: str

    @classmethod
    def from_environment(cls, prefix: str, own: str = "") -> Page | None:
        """From `…_CARD_APP_ID` and `…_CARD_PAGE`; None if the second is not set.

        own: the channel's own app id, where it is a mini-program's.

        Raises:
            ValueError: one is missing, or the path has no {id}.
        """
        app_id = own or os.environ.get(f"{prefix}_CARD_APP_ID", "")
        path = os.environ.get(f"{prefix}_CARD_PAGE", "")
        if not path:
            if app_id and not own:
                raise ValueError(f"{prefix}_CARD_PAGE: expected beside {prefix}_CARD_APP_ID")
            return None
        if not app_id:
            raise ValueError(f"{prefix}_CARD_APP_ID: expected beside {prefix}_CARD_PAGE")
        if "{id}" not in path:
            raise ValueError(f"{prefix}_CARD_PAGE: expected {{id}} in it (pages/product?id={{id}})")
        return cls(app_id, path)

    def of(self, card: dict) -> str:
        """The path of one product's page."""
        return self.path.replace("{id}", quote(str(card.get("id") or ""), safe=""))


@dataclass(frozen=True)
class Form:
    """How an account shows a card.

    make: the message of a card and its picture. shape: the picture's (`web.pictures.SHAPES`).
    uploaded: the picture is a number of the vendor's, else an address. wrong: with which codes the
    vendor refuses the card itself, so that text may do.
    """

    make: Callable[[dict, str], dict]
    shape: str
    uploaded: bool
    wrong: frozenset[int]


def apart(body: dict) -> tuple[dict, dict | None]:
    """An answer without its card, whose choices stay with the words, and the card as an answer of
    its own; None if it has not just one that can be a card."""
    listed = body.get("cards") or []
    if len(listed) != 1 or body.get(plain.AS_TEXT) or not _can_be_one(listed[0]):
        return body, None
    card = {**listed[0], "buttons": []}
    rest = {**body, "buttons": plain.choices_of(body), "cards": []}
    return rest, {"text": "", "buttons": [], "cards": [card], "links": []}


def parts(body: dict, texts: Callable[[dict], list[dict]]) -> list[dict]:
    """An answer in messages of a vendor's: its words, by `texts`, then its card."""
    rest, card = apart(body)
    return [*texts(rest), card] if card else texts(rest)


def of(part: dict) -> dict | None:
    """The card of a part that is nothing but a card."""
    rest, card = apart(part)
    return card["cards"][0] if card and not plain.as_text(rest) else None


def title(card: dict) -> str:
    """What it is, and what it costs."""
    return " ".join(str(card[name]) for name in ("title", "price") if card.get(name))


def description(card: dict) -> str:
    """What else there is to say."""
    told = [str(card[name]) for name in ("subtitle", "text") if card.get(name)]
    return "\n".join(told + [str(line) for line in card.get("lines") or []])


class Cards:
    """Shows cards in the form of one account; `channel` is for the log."""

    def __init__(self, channel: str, pictures: Pictures, form: Form) -> None:
        self._channel = channel
        self._pictures = pictures
        self._form = form

    async def made(self, card: dict) -> dict | None:
        """The message that shows it, or None where it is to be said as text."""
        picture = await self._picture(card)
        return self._form.make(card, picture) if picture else None

    async def send(self, card: dict, call: Callable[[dict], Awaitable[object]]) -> bool:
        """Show it by `call`; False where it is to be said as text. A picture that the vendor has
        forgotten is given to it once more.

        Raises:
            ApiError: the vendor refuses for another reason than the card.
        """
        for _ in range(2):
            picture = await self._picture(card)
            if not picture:
                return False
            try:
                await call(self._form.make(card, picture))
                return True
            except ApiError as error:
                if error.code not in self._form.wrong:
                    raise
                logger.warning("%s.card.refused code=%d", self._channel, error.code)
                if error.code != FORGOTTEN or not self._form.uploaded:
                    return False
                await self._pictures.forget(picture)
        return False

    async def _picture(self, card: dict) -> str:
        find = self._pictures.number if self._form.uploaded else self._pictures.address
        try:
            return await find(card["image"], self._form.shape)
        except NoPicture as why:
            logger.warning("%s.card.as_text reason=%s", self._channel, why)
            return ""


def _can_be_one(card: dict) -> bool:
    return bool(card.get("url") and card.get("image") and os.environ.get("QUDAO_WEB_ORIGIN"))
