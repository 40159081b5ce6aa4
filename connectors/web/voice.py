"""Recordings that the chat's page sends: who may send one, what is made of it, and consent.

A page is told with its `ready` frame (`voice`) whether a recording is understood here: "on"; "ask",
if a service abroad writes it down and the shopper has not allowed that; or "off". With `consent`
it says what the shopper decided.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from cdp import privacy
from cdp.session import InvalidSession, Session, read
from connectors import provenance
from connectors.fixed_words import CHINESE, HEARD, LANGUAGES, spoken_in, words
from connectors.guard import TextRefused, plain_text, readable
from connectors.voice.hearing import ASK, OFF, Hearing
from connectors.web.payloads import BadFrame, error, is_id

logger = logging.getLogger(__name__)

# A minute of WAV of 16 bits at 16 kHz, and a little.
MAX_RECORDING = 2_100_000
PURPOSE = "cross_border"


class Sent(NamedTuple):
    """What a page sends, and from where; number: the message's id; language: the page's."""

    token: str
    number: str
    language: str
    content: bytes
    address: str


# Keeps what was heard: the session, what was sent, how it is shown, its text, the voice.
Keep = Callable[[Session, Sent, str, str, dict | None], Awaitable[dict]]


class Voices:
    """Takes recordings for the web channel.

    `allowed`: whether that conversation, at that address, may send another now; `keep`: see `Keep`.
    """

    def __init__(self, hearing: Hearing, allowed: Callable[[str, str], bool], keep: Keep) -> None:
        self._hearing, self._allowed, self._keep = hearing, allowed, keep

    async def take(self, sent: Sent) -> tuple[int, dict]:
        """Take a recording as a message: the status, and a frame as the socket would say it."""
        number = sent.number
        try:
            session = await asyncio.to_thread(read, sent.token)
            if not is_id(number):
                raise BadFrame("id: expected 1 to 64 printable characters")
            spoken = await asyncio.to_thread(self._spoken, session, sent.language)
            if not self._allowed(session.conversation, sent.address):
                return 429, error("rate_limited", words("too_fast", spoken), number)
            if len(sent.content) > MAX_RECORDING:
                return 413, error("too_long", f"expected at most {MAX_RECORDING} bytes", number)
            if await self.readiness(session) == ASK:
                return 403, error("consent", words("voice_consent", spoken), number)
            return await self._heard(session, sent, spoken)
        except InvalidSession as refused:
            return 401, error("expired" if refused.expired else "bad_token", str(refused), number)
        except BadFrame as refused:
            return 422, error("bad_frame", str(refused))
        except TextRefused as refused:
            return 422, error("too_long", str(refused), number)
        except SQLAlchemyError:
            logger.exception("web.voice.not_kept")
            return 503, error("unavailable", words("not_kept", _known(sent.language)), number)

    async def readiness(self, session: Session) -> str:
        """What the page is told: "on", "ask" or "off"."""
        try:
            return await self._hearing.readiness(_ids(session))
        except SQLAlchemyError:
            logger.exception("web.voice.consent.unknown")
            return OFF

    async def decide(self, session: Session, granted: bool, number: str) -> str:
        """Record whether the shopper's voice may go abroad; then as `readiness`.

        Raises:
            SQLAlchemyError: it could not be recorded.
        """
        told = (PURPOSE,), granted, "web", f"voice {number}"
        await asyncio.to_thread(privacy.decide, _ids(session), *told)
        return await self.readiness(session)

    async def _heard(self, session: Session, sent: Sent, spoken: str) -> tuple[int, dict]:
        heard = await self._hearing.hear(sent.content, _ids(session))
        if not heard.text:
            self._hearing.keep_mood(session.conversation, heard)
            return 422, error("not_heard", words("voice", spoken), sent.number)
        shown, text = f"{HEARD}{readable(heard.text)}", plain_text(heard.text)
        message = await self._keep(session, sent, shown, text, heard.voice)
        return 200, {"type": "ack", "id": sent.number, "message": message}

    @staticmethod
    def _spoken(session: Session, language: str) -> str:
        """The language of the talk, or else of the page: nothing may have been written yet."""
        return spoken_in(session.conversation, _known(language))


def _known(language: str) -> str:
    return language if language in LANGUAGES else CHINESE


def _ids(session: Session) -> list[tuple[str, str]]:
    return provenance.ids_of(session.conversation, session.shopper)
