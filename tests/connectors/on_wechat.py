"""What the tests of WeChat's channels share: the vendor's simulator and our channel, set up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from cdp import identity
from cdp.messages import outbox
from connectors import sender
from connectors.wechat import channel
from connectors.wechat.channel import WeChatInput
from connectors.wechat.client import Account
from storage import write
from tests.connectors.served import served
from tests.connectors.talks import Bot
from tests.vendors.wechat import Simulator

QUICK, SLOW = 0.6, 3.0


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(channel, "BRIEFLY_SECONDS", QUICK)
    monkeypatch.setattr(channel, "PATIENCE_SECONDS", QUICK)
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(0))


@asynccontextmanager
async def talking(mode: str = "safe", made=WeChatInput, templates=None, page=None, **more):
    """The vendor and our channel, each set up with the other; a bot in Rasa's place."""
    bot = Bot()
    with Simulator(mode=mode, answer_within=SLOW, **more) as wechat:
        account = Account(
            wechat.appid,
            wechat.secret,
            wechat.token,
            None if mode == "plain" else wechat.aes_key,
            wechat.verified,
            wechat.url,
            page,
        )
        async with served(made(account, templates), bot) as place:
            url = f"http://{place}/webhooks/{made.name()}/webhook"
            assert await asyncio.to_thread(wechat.configure, url)
            yield wechat, bot


def person_of(shopper) -> int:
    with write() as session:
        return identity.ensure_person(session, "openid", shopper.openid)
