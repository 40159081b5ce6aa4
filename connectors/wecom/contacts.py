"""Contacts (客户联系): shoppers whom a member has added, by which code, and how they are welcomed.

The code's `state` is where a shopper came from; a welcome goes by a code that WeCom takes once and
for 20 s (document 92137). Later, what the shop says of itself becomes a task (企业群发, 92135) that
the member sends on with one tap: it is the last choice where a shopper can be reached otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from cdp.messages import addresses
from cdp.messages.outbox import Outgoing
from connectors import plain, provenance
from connectors.sender import NotSent, Refused
from connectors.tencent import ApiError, NotReached
from connectors.wecom.app_payloads import GONE, Contact
from connectors.wecom.client import Client

logger = logging.getLogger(__name__)

CHANNEL = "wecom_contact"
WELCOMES = Path(__file__).with_name("welcomes.yml")
MOST_WELCOME, MOST_TASK, MOST_TITLE, MOST_LINKS = 4_000, 4_000, 128, 9  # bytes; links
PAUSES = (0.0, 1.0, 4.0)  # of the tries to welcome somebody, within 20 s
# Whoever can be reached on another channel is written to there.
_LONG_AGO = datetime(2000, 1, 1)
_LATER = {45009: timedelta(minutes=1), -1: timedelta(seconds=10)}


class BadWelcomes(ValueError):
    """The file of welcomes is not in order; it says where and what was expected."""


@dataclass(frozen=True)
class Welcome:
    """What is said to a new contact; `links`: {"title", "url"}."""

    text: str
    links: tuple[dict[str, str], ...] = ()

    def body(self, code: str) -> dict:
        """As `send_welcome_msg` takes it."""
        links = [
            {"msgtype": "link", "link": {"title": one["title"], "url": plain.absolute(one["url"])}}
            for one in self.links
        ]
        made = {"welcome_code": code, "text": {"content": self.text}}
        return {**made, "attachments": links} if links else made


class Welcomes:
    """By what a state begins with; "default": for all others."""

    def __init__(self, told: Mapping[str, Welcome]) -> None:
        self._told = told

    def of(self, state: str) -> Welcome | None:
        """The welcome for a state; None: nothing is said."""
        fitting = [one for one in self._told if one != "default" and state.startswith(one)]
        return self._told.get(max(fitting, key=len) if fitting else "default")


def welcomes_of_environment() -> Welcomes:
    """Those of the file `WECOM_WELCOMES`, or the shop's own (`welcomes.yml`)."""
    return load(Path(os.environ.get("WECOM_WELCOMES") or WELCOMES))


def load(path: Path) -> Welcomes:
    """All welcomes of a file.

    Raises:
        BadWelcomes: it cannot be read, or says something else than expected.
    """
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadWelcomes(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(told, Mapping):
        raise BadWelcomes(f"{path}: expected beginnings of states, and a welcome for each")
    return Welcomes({str(one): _welcome(what, f"{path.name}: {one}") for one, what in told.items()})


def _welcome(told: object, where: str) -> Welcome:
    if not isinstance(told, Mapping) or not {"text"} <= set(told) <= {"text", "links"}:
        raise BadWelcomes(f"{where}: expected text, and perhaps links")
    text, links = str(told["text"]).strip(), told.get("links") or []
    if not 1 <= len(text.encode()) <= MOST_WELCOME:
        raise BadWelcomes(f"{where}, text: expected 1 to {MOST_WELCOME} bytes")
    if not isinstance(links, list) or len(links) > MOST_LINKS:
        raise BadWelcomes(f"{where}, links: expected a list of at most {MOST_LINKS}")
    for one in links:
        if not isinstance(one, Mapping) or set(one) != {"title", "opens"}:
            raise BadWelcomes(f"{where}, links: expected title and opens")
        if not 1 <= len(str(one["title"]).encode()) <= MOST_TITLE:
            raise BadWelcomes(f"{where}, links: a title of 1 to {MOST_TITLE} bytes is expected")
    shown = tuple({"title": str(one["title"]), "url": str(one["opens"])} for one in links)
    return Welcome(text, shown)


class Contacts:
    """Takes what the app's callback tells of contacts, and sends what there is for them."""

    def __init__(self, client: Client, welcomes: Welcomes) -> None:
        self._client = client
        self._welcomes = welcomes
        self._tasks: set[asyncio.Task] = set()
        self._welcomed: set[str] = set()

    async def took(self, contact: Contact) -> None:
        """Keep whose contact somebody is, or is no longer; welcome and provenance come behind.

        Raises:
            SQLAlchemyError: the database is away; nothing was kept, so let WeCom try again.
        """
        if contact.change in GONE:
            await asyncio.to_thread(addresses.close, CHANNEL, contact.address)
            return
        who = ("external_userid", contact.user)
        await asyncio.to_thread(addresses.heard, CHANNEL, contact.address, who, _LONG_AGO)
        touch = {"qr_scene": contact.state} if contact.state else None
        conversation = f"{CHANNEL}-{contact.address}"
        provenance.note_entry(conversation, CHANNEL, touch, identifier=who)
        # WeCom may tell it three times; the code is good for one message.
        if contact.code and contact.code not in self._welcomed:
            self._welcomed.add(contact.code)
            task = asyncio.create_task(self._welcome(contact))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Come to the end of the welcomes under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=sum(PAUSES) + 5)

    async def _welcome(self, contact: Contact) -> None:
        welcome = self._welcomes.of(contact.state)
        try:
            for pause in PAUSES if welcome else ():
                await asyncio.sleep(pause)
                if await self._welcomes_once(welcome.body(contact.code)):
                    return
        finally:
            self._welcomed.discard(contact.code)

    async def _welcomes_once(self, body: dict) -> bool:
        """Whether there is nothing more to do: said, or refused for good."""
        try:
            await self._client.call("/cgi-bin/externalcontact/send_welcome_msg", body)
        except ApiError as error:
            # 41050: too late; 41051: another app, or the member, was first.
            logger.warning("wecom_contact.welcome.refused code=%d", error.code)
            return error.code not in _LATER
        except Exception as error:
            # A second welcome is refused by its code, so it may be tried again.
            logger.warning("wecom_contact.welcome.failed error=%s", type(error).__name__)
            return False
        return True

    async def deliver(self, message: Outgoing) -> str | None:
        """As a task for the member; see `VendorInput.deliver`."""
        member, _, user = message.address.partition("/")
        # Whatever the shopper answers, the member gets it: there are no choices of ours.
        cards = [{**card, "buttons": []} for card in message.body.get("cards") or []]
        text = plain.as_text({**message.body, "cards": cards, "buttons": []})
        if len(text.encode()) > MOST_TASK:
            raise Refused(f"{len(text.encode())} bytes; WeCom takes {MOST_TASK}")
        task = {"chat_type": "single", "external_userid": [user], "sender": member}
        try:
            told = await self._client.call(
                "/cgi-bin/externalcontact/add_msg_template", {**task, "text": {"content": text}}
            )
        except NotReached as error:
            raise NotSent(str(error)) from error
        except ApiError as error:
            if error.code in _LATER:
                raise NotSent(str(error), _LATER[error.code]) from error
            raise Refused(str(error)) from error
        if user in (told.get("fail_list") or ()):
            raise Refused("fail_list: no contact of the member's, or written to often enough")
        return str(told.get("msgid", ""))
