"""The path of all vendors, where no vendor's own tests can reach."""

from __future__ import annotations

import asyncio

from connectors.incoming import Incoming
from tests.connectors.conformance.conftest import Talk
from tests.connectors.slack.rig import SlackRig
from tests.connectors.talks import inbox, until


async def test_a_request_that_is_cut_off_keeps_its_message_and_it_is_answered(state, monkeypatch):
    rig = SlackRig()
    rig.quick(monkeypatch)
    with rig:
        talk, channel = Talk(rig), rig.make()
        async with talk.serving(channel):
            said = Incoming("D1-1.1", "T1/D1//U1", "text", "在吗", who="T1:U1")
            taking = asyncio.create_task(channel.take(said))
            await asyncio.sleep(0)
            taking.cancel()
            await until(lambda: talk.bot.heard == ["在吗"] == inbox())
            assert taking.cancelled()
