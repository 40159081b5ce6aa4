"""What the tests of WeCom's channels share: the vendor's simulator and our channel, set up."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from cdp import identity
from cdp.messages import outbox
from connectors import sender
from connectors.wecom import app, channel, contacts
from connectors.wecom.channel import WeComInput
from connectors.wecom.client import Corp
from storage import write
from tests.connectors.served import served
from tests.connectors.talks import Bot, does
from tests.vendors.wecom import Simulator


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(channel, "PAUSES", (0.05, 0.05, 0.05))
    monkeypatch.setattr(channel, "MOVE_SECONDS", 0.05)
    monkeypatch.setattr(contacts, "PAUSES", (0.0, 0.05, 0.05))
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(0))
    for module in (app, channel, contacts):
        monkeypatch.setitem(module._LATER, -1, timedelta(0))


@asynccontextmanager
async def talking(made=WeComInput, *more, page=None):
    """The vendor with one account, our channel's address, and a bot in Rasa's place."""
    bot = Bot()
    with Simulator(callback_timeout=3.0) as wecom:
        wecom.account()
        at = wecom
        secrets = (at.secret, at.token, at.aes_key)
        corp = Corp(at.corp_id, *secrets, at.url, at.agent_id, page)
        async with served(made(corp, *more), bot) as place:
            url = f"http://{place}/webhooks/{made.name()}/webhook"
            # The vendor waits for a second only, and the machine may be busy.
            assert "" in [await does(wecom.save_callback, url) for _ in range(3)]
            yield wecom, bot, url


def person_of(shopper) -> int:
    with write() as session:
        return identity.ensure_person(session, "external_userid", shopper.external_userid)
