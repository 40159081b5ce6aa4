"""An app of the enterprise's own (自建应用): its members talk with it, and it hears of contacts.

What members write comes by the callback and is answered by `message/send` (document 90236). They
are the shop's own people: each is known by this talk alone, and never becomes a shopper.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

from sanic import Blueprint

from cdp.messages import addresses
from cdp.messages.outbox import Outgoing
from connectors import plain
from connectors.sender import NotSent, Refused, Sender
from connectors.tencent import ApiError, NotReached
from connectors.vendor import VendorInput
from connectors.voice.formats import MAX_BYTES
from connectors.wecom import app_payloads, callback, contacts
from connectors.wecom.app_payloads import Contact
from connectors.wecom.client import APP, Client, Corp
from connectors.wecom.contacts import Contacts

logger = logging.getLogger(__name__)

MOST_TEXT = 2_000  # bytes; WeCom cuts at 2,048
_LATER = {45009: timedelta(minutes=1), -1: timedelta(seconds=10)}
_GONE = frozenset({81013, 60111, 40003})


class WeComAppInput(VendorInput):
    """The channel `wecom_app`; without an app it is off and refuses everything."""

    identifier = "conversation"

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in its path `/webhooks/wecom_app`."""
        return "wecom_app"

    @classmethod
    def from_credentials(cls, _credentials: dict[str, Any] | None) -> WeComAppInput:
        """Read the app from the environment (`Corp.from_environment`), and the welcomes."""
        return cls(Corp.from_environment(APP), contacts.welcomes_of_environment())

    def __init__(self, corp: Corp | None, welcomes: contacts.Welcomes | None = None) -> None:
        super().__init__()
        self._corp = corp
        self._welcomes = welcomes or contacts.Welcomes({})
        self._client: Client | None = None
        self._contacts: Contacts | None = None
        self._contact_sender: Sender | None = None
        if corp is None:
            self.off()

    def add_routes(self, routes: Blueprint) -> None:
        """The app's callback."""
        callback.add_routes(routes, self.name(), self._corp, self._received)

    async def connect(self) -> None:
        """The app's API."""
        self._client = Client(self._corp, shared=True)

    async def listen(self) -> None:
        """Begin with what there is for contacts."""
        self._contacts = Contacts(self._client, self._welcomes)
        self._contact_sender = Sender(contacts.CHANNEL, self._contacts.deliver)
        self._contact_sender.start()

    async def leave(self) -> None:
        """Come to the end of it."""
        if self._contact_sender:
            await self._contact_sender.stop()
            await self._contacts.stop()

    async def disconnect(self) -> None:
        """Let go of its connections."""
        if self._client:
            await self._client.close()

    async def _received(self, told: dict) -> None:
        if await callback.passed_on(told):
            return
        found = app_payloads.parse(told)
        if isinstance(found, Contact):
            await self._contacts.took(found)
        elif found is not None and self._is_the_apps(told):
            await self.take(found)

    def _is_the_apps(self, told: dict) -> bool:
        """Whether it was said to this app; what another one is told is not ours to answer."""
        if str(told.get("AgentID")) == str(self._corp.agent_id):
            return True
        logger.warning("wecom_app.agent.other agent=%.20s", told.get("AgentID"))
        return False

    def parts(self, body: dict) -> list[dict]:
        """As text, in messages that WeCom does not cut."""
        return [{"text": text} for text in plain.split(plain.as_text(body), MOST_TEXT)]

    async def recording(self, media: str) -> bytes:
        """By `media/get`; see `VendorInput.recording`."""
        return await self._client.download(media, MAX_BYTES)

    async def deliver(self, message: Outgoing) -> str | None:
        """By `message/send`; see `VendorInput.deliver`."""
        if self._client is None or self._corp.agent_id is None:
            raise Refused("WECOM_APP_AGENT_ID is not set")
        numbers = []
        for place, part in enumerate(self.parts(message.body)):
            try:
                numbers.append(await self._send(message.address, part["text"]))
            except NotSent as error:
                if place:
                    raise Refused(f"only {place} parts: {error}") from error
                raise
        return numbers[-1] if numbers else None

    async def _send(self, member: str, text: str) -> str:
        to = {"touser": member, "agentid": self._corp.agent_id}
        body = {**to, "msgtype": "text", "text": {"content": text}}
        try:
            told = await self._client.call("/cgi-bin/message/send", body)
        except NotReached as error:
            raise NotSent(str(error)) from error
        except ApiError as error:
            if error.code in _LATER:
                raise NotSent(str(error), _LATER[error.code]) from error
            if error.code in _GONE:
                # Out of the enterprise, or of those who may see the app.
                await asyncio.to_thread(addresses.close, self.name(), member)
            raise Refused(str(error)) from error
        return str(told.get("msgid", ""))
