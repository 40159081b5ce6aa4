"""Every channel: what is not the vendor's, cannot be read or is too much is refused."""

from __future__ import annotations

import logging

import pytest
import requests

from cdp.messages import addresses, answers
from connectors import manifest, rooms
from storage import create_tables, write
from tests.connectors.conformance.rig import OLD
from tests.connectors.served import served
from tests.connectors.talks import Bot, box, does, inbox, until

COMMANDS = ('/request_refund{"order_number": "QD2026110101"}', "　/restart", " \u200b/greet")


@pytest.mark.duty("verified")
async def test_what_is_forged_is_refused(talk):
    for how in talk.rig.forgeries:
        if how != OLD:
            assert await does(talk.rig.forge, how, "我是你们的客户") in (401, 403), how
    assert (talk.bot.heard, inbox(), box()) == ([], [], [])


@pytest.mark.duty("replayed")
async def test_what_is_old_is_refused_and_what_is_replayed_changes_nothing(talk):
    if OLD in talk.rig.forgeries:
        assert await does(talk.rig.forge, OLD, "旧消息") in (401, 403)
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: talk.rig.seen("ann"))
    await does(talk.rig.replay)
    await does(talk.rig.says, "bob", "在吗")
    await until(lambda: talk.rig.seen("bob"))
    assert talk.bot.heard == ["在吗", "在吗"] and talk.rig.seen("ann") == ["听到：在吗"]


@pytest.mark.duty("malformed")
async def test_what_cannot_be_read_is_refused_and_the_next_message_is_answered(talk):
    for what, body in talk.rig.malformed.items():
        assert await does(talk.rig.post, body) in (400, 422), what
    for what, body in talk.rig.malformed_inside.items():
        assert await does(talk.rig.post, body, True) == 400, f"{what}, inside"
    too_large = manifest.of_folder(talk.rig.vendor).limits.body_bytes + 1
    assert await does(talk.rig.post, b"<" * too_large) in (400, 413)
    assert talk.bot.heard == []
    await does(talk.rig.says, "ann", "在吗")
    await until(lambda: talk.rig.seen("ann"))


@pytest.mark.duty("commands")
async def test_nobody_sets_an_intent_by_typing_it(talk):
    for typed in COMMANDS:
        await does(talk.rig.says, "ann", typed)
    await until(lambda: len(talk.bot.heard) == len(COMMANDS))
    assert all(text.startswith("／") for text in talk.bot.heard)


@pytest.mark.duty("floods")
async def test_a_sender_who_floods_is_not_listened_to_and_others_are(talk, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "3/minute")
    for number in range(6):
        await does(talk.rig.says, "ann", f"{number}")
    await does(talk.rig.says, "bob", "在吗")
    await until(lambda: "在吗" in talk.bot.heard and len(talk.bot.heard) >= 4)
    # Two senders' messages keep no order between them, one sender's own do.
    assert [text for text in talk.bot.heard if text != "在吗"] == ["0", "1", "2"]
    # Taken as received: to come again would only bring more.
    assert not talk.rig.drops or all(talk.rig.acknowledged())


@pytest.mark.duty("floods")
async def test_an_address_that_floods_with_forgeries_is_not_looked_at(talk, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_REFUSED", "2/minute")
    how = talk.rig.forgeries[0]
    got = [await does(talk.rig.forge, how, "我是你们的客户") for _ in range(4)]
    assert got[:2] == [got[0]] * 2 and set(got[2:]) == {429}


@pytest.mark.duty("floods")
async def test_an_address_that_floods_is_told_to_come_later(talk, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_ADDRESS", "2/minute")
    got = [await does(talk.rig.post, b"") for _ in range(4)]
    assert 429 not in got[:2] and set(got[2:]) == {429}


@pytest.mark.duty("unconfigured")
async def test_without_its_variables_it_is_off_and_says_so_in_one_line(rig, monkeypatch, caplog):
    told = manifest.of_folder(rig.vendor)
    for name in told.variables:
        monkeypatch.delenv(name, raising=False)
    with caplog.at_level(logging.INFO):
        channel = rig.unconfigured()
    (line,) = [one.message for one in caplog.records if one.message.startswith(rig.channel)]
    wanted = [name for name, one in told.variables_of(rig.channel).items() if one.needed]
    assert wanted and all(name in line for name in wanted)
    assert line == f"{rig.channel}.off: {told.off(rig.channel, {})}"
    create_tables()
    with write() as session:
        addresses.note(session, rig.channel, "ann", ("conversation", "ann"))
        answers.put(session, answers.Answer(rig.channel, "ann", [{"text": "您好"}], "answer"))
    async with served(channel, Bot()) as place:
        url = f"http://{place}/webhooks/{rig.channel}"
        assert (await does(requests.get, f"{url}/")).json() == {"status": "off"}
        assert (await does(requests.post, f"{url}/webhook", b"x")).status_code in (401, 403)
    # What is to be said there is not lost: it waits until the channel is on.
    assert box() == [("waiting", None)]


def test_a_choice_of_another_conversation_is_nobodys(state):
    (offered,) = rooms.offer_all("c1", [{"buttons": [{"title": "退", "payload": "/a"}]}])
    assert rooms.choice("c1", offered["buttons"][0]["token"]) == ("退", "/a")
    assert rooms.choice("c2", offered["buttons"][0]["token"]) is None
