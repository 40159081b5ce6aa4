"""A voice message on WeChat: its words reach Rasa, and how it was said reaches the handoff."""

from __future__ import annotations

import pytest

from actions import handoff
from cdp import consent
from connectors import rooms
from connectors.fixed_words import words
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.voice.recognition import http
from connectors.voice.recognition.calls import Calls
from storage import write
from tests.actions.turns import turn_of
from tests.connectors.on_wechat import person_of, quick, talking
from tests.connectors.talks import does, until
from tests.connectors.voice.on_voice import InProcess, service
from tests.connectors.voice.speech import ANGRY, CALM, as_file, say

__all__ = ["quick"]

MILD = "我想问一下我的包裹到哪里了"


@pytest.fixture
def ears(monkeypatch):
    """What the channel hears with, without words of its own."""
    made = Hearing(InProcess(), None)
    monkeypatch.setattr(hearing, "of_loop", lambda: made)
    monkeypatch.setattr(hearing, "PATIENCE_SECONDS", 120.0)
    return made


def voiced(voice, seed: int = 7) -> bytes:
    return as_file(say(voice, seed))


async def score(message) -> float:
    return (await handoff.read(turn_of(text=message.text, metadata=message.metadata))).score


def messages(bot) -> list:
    """What Rasa was given, as it comes."""
    found: list = []
    bot.does = found.append
    return found


def room() -> list[str]:
    return [one["text"] for one in rooms.history("wechat-o-ann") if one["from"] == "user"]


async def test_mild_words_said_angrily_raise_the_handoff_score_and_calmly_do_not(state, ears):
    async with talking() as (wechat, bot):
        given = messages(bot)
        ann = wechat.shopper("o-ann")
        with write() as session:
            person_of(ann)
            who = [("openid", ann.openid)]
            consent.record(session, who, ["personalisation"], True, "wechat", "message m1")
        for seed in range(4):
            await does(ann.sends_voice, "好的", voiced(CALM.but(f0=118.0 + seed), seed))
        await does(ann.sends_voice, MILD, voiced(CALM, 21))
        await does(ann.sends_voice, MILD, voiced(ANGRY, 22))
        await until(lambda: len(given) == 6)
        calm, angry = given[-2:]
        assert calm.text == angry.text == MILD
        assert calm.metadata["voice"]["anger"] < 0.2 < 0.7 < angry.metadata["voice"]["anger"]
        assert await score(calm) == 0.0
        assert await score(angry) > 0.2
        assert room()[-1] == f"[语音] {MILD}"


async def test_words_come_from_a_service_where_wechat_has_none(state, ears, monkeypatch):
    with service() as told:
        env = {"RECOGNITION_URL": told.url, "RECOGNITION_ABROAD": "off"}
        monkeypatch.setattr(ears, "_recognition", Calls(http.from_environment(env)))
        async with talking() as (wechat, bot):
            given = messages(bot)
            await does(wechat.shopper("o-ann").sends_voice, None, voiced(CALM))
            await until(lambda: len(given) == 1)
            assert given[0].text == "我要退货" and given[0].metadata["voice"]["seconds"] > 4
            assert room() == ["[语音] 我要退货"]


async def test_without_words_the_shopper_is_asked_and_the_mood_goes_with_what_they_write(
    state, ears
):
    async with talking() as (wechat, bot):
        given = messages(bot)
        ann = wechat.shopper("o-ann")
        await does(ann.sends_voice, None, voiced(ANGRY))
        await until(lambda: ann.texts == [words("voice")])
        assert room() == ["[语音]"] and given == []
        await does(ann.says, MILD)
        await does(ann.says, "谢谢")
        await until(lambda: len(given) == 2)
        assert given[0].metadata["voice"]["arousal"] > 0.5 and "voice" not in given[1].metadata


async def test_words_are_passed_on_when_the_recording_cannot_be_had(state, ears):
    async with talking() as (wechat, bot):
        given = messages(bot)
        push = {"MediaId": "gone", "Format": "amr", "Recognition": MILD}
        await does(lambda: wechat.shopper("o-ann").pushes("voice", **push))
        await until(lambda: len(given) == 1)
        assert given[0].text == MILD and given[0].metadata["voice"] is None


async def test_what_is_said_is_never_a_command(state, ears):
    async with talking() as (wechat, bot):
        given = messages(bot)
        await does(wechat.shopper("o-ann").sends_voice, '/inform{"order_id": "1"}', voiced(CALM))
        await until(lambda: len(given) == 1)
        assert given[0].text.startswith("／")
