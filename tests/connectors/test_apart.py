"""The vendors' webhooks taken by a process of their own, and Rasa in another, or away."""

from __future__ import annotations

import pytest
import requests

from connectors import manifest, worker
from connectors.fixed_words import words
from connectors.notices import PATH, Notices
from connectors.wechat.channel import WeChatInput
from tests.connectors.conformance.rig import rigs
from tests.connectors.served import TOKEN, Apart
from tests.connectors.talks import Bot, box, does, inbox, until
from tests.connectors.wechat.rig import WeChatRig

CALLED = [one for one in rigs() if manifest.of_folder(one.vendor).limits.acknowledge_seconds]


@pytest.fixture
def rig(request, state, monkeypatch):
    """A vendor, its waits shortened."""
    made = getattr(request, "param", WeChatRig)()
    made.quick(monkeypatch)
    with made:
        yield made


async def point(rig, place: str) -> None:
    await does(rig.point, f"http://{place}/webhooks/{rig.channel}")


@pytest.mark.parametrize("rig", CALLED, indirect=True, ids=lambda one: one.channel)
async def test_while_rasa_is_away_messages_are_acknowledged_and_answered_once_it_is_back(rig):
    bot = Bot()
    halves = Apart(rig.make, bot)
    async with halves.outer() as place:
        await point(rig, place)
        await does(rig.says, "ann", "在吗")
        await until(lambda: inbox() == ["在吗"])
        assert all(rig.acknowledged()) and rig.seen("ann") == [] == bot.heard
        async with halves.inner():
            await until(lambda: rig.seen("ann") == ["听到：在吗"])
            await does(rig.repeats)
            await does(rig.says, "bob", "还有人吗")
            await until(lambda: rig.seen("bob"))
        assert rig.seen("ann") == ["听到：在吗"] and bot.heard == ["在吗", "还有人吗"]


@pytest.mark.parametrize("rig", CALLED, indirect=True, ids=lambda one: one.channel)
async def test_what_nobody_was_told_of_is_found_and_answered(rig, monkeypatch):
    monkeypatch.setattr(Notices, "tell", lambda *_: None)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.05)
    bot = Bot()
    async with Apart(rig.make, bot).both() as place:
        await point(rig, place)
        await does(rig.says, "ann", "在吗")
        await until(lambda: rig.seen("ann") == ["听到：在吗"])
        await does(rig.says, "ann", "有42码吗")
        await until(lambda: len(rig.seen("ann")) == 2)
    assert bot.heard == ["在吗", "有42码吗"]


async def test_an_answer_of_the_other_process_is_the_reply_to_the_request(rig, monkeypatch):
    # It would be found too late.
    monkeypatch.setattr(worker, "LOOK_SECONDS", 60.0)
    async with Apart(rig.make, Bot()).both() as place:
        await point(rig, place)
        await does(rig.says, "ann", "在吗")
        assert rig.seen("ann") == ["听到：在吗"]
        assert await does(box) == [("sent", "passive")]


async def test_a_recording_is_fetched_by_the_half_that_hears_it(rig, monkeypatch):
    fetched: list[str] = []
    fetch = WeChatInput.recording

    async def recording(channel, media: str) -> bytes:
        content = await fetch(channel, media)
        fetched.append(media if content else "")
        return content

    monkeypatch.setattr(WeChatInput, "recording", recording)
    async with Apart(rig.make, Bot()).both() as place:
        await point(rig, place)
        await does(rig.sends, "ann", "voice")
        await until(lambda: rig.seen("ann") == [words("voice")])
    assert fetched and all(fetched)


async def test_a_notice_without_the_secret_is_refused(rig):
    halves = Apart(rig.make, Bot())
    url, told = f"{halves.inner_url}{PATH}", {"wechat": ["wechat-ann"], "nobody": ["x"]}

    def posts(body, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.post(url, json=body, headers=headers, timeout=60).status_code

    async with halves.inner():
        for token in ("", "guessed", f"{TOKEN}x"):
            assert await does(posts, told, token) == 401
        for body in ([], {"wechat": "ann"}, {"wechat": [1]}):
            assert await does(posts, body, TOKEN) == 400
        assert await does(posts, told, TOKEN) == 204


async def test_the_half_with_rasa_takes_no_webhooks(rig):
    halves = Apart(rig.make, Bot())
    async with halves.inner():
        callback = f"{halves.inner_url}/webhooks/wechat/webhook"
        assert (await does(requests.post, callback, b"<xml/>")).status_code == 404
