"""A recording heard: words and mood, each without the other, and what is kept of it."""

from __future__ import annotations

import asyncio

import pytest

from cdp import consent, erasure, identity, parts, voices
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.voice.listener import Listener, Unheard
from connectors.voice.recognition import http
from connectors.voice.recognition.calls import Calls
from storage import read, utc_now, write
from tests.connectors.voice.on_voice import InProcess, service
from tests.connectors.voice.speech import ANGRY, CALM, as_file, say

assert parts
WHO = [("openid", "o-ann")]
CALM_FILE = as_file(say(CALM))
ANGRY_FILE = as_file(say(ANGRY), "OGG", subtype="VORBIS")


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    # The first to measure in a process loads librosa.
    monkeypatch.setattr(hearing, "PATIENCE_SECONDS", 120.0)


def decides(granted: bool, *purposes: str) -> int:
    with write() as session:
        person = identity.ensure_person(session, *WHO[0])
        consent.record(session, WHO, purposes, granted, "wechat", "message m1")
        return person


def counted() -> int:
    return int(voices.sound_of(WHO).get("pitch", [0])[0])


async def test_the_vendors_words_stay_and_their_mood_is_measured(state):
    heard = await Hearing(InProcess(), None).hear(ANGRY_FILE, WHO, "我想问一下")
    assert heard.text == "我想问一下" and heard.voice.keys() == {
        *("arousal", "anger", "confidence", "seconds")
    }
    assert all(0 <= heard.voice[name] <= 1 for name in ("arousal", "anger", "confidence"))
    assert heard.voice["seconds"] == pytest.approx(4.5, abs=0.1)


async def test_without_any_words_there_is_still_a_mood_and_the_reason(state):
    heard = await Hearing(InProcess(), None).hear(CALM_FILE, WHO)
    assert heard.text == "" and heard.voice["anger"] < 0.3 and heard.why == "no words"


@pytest.mark.parametrize("content", [b"", b"#!AMR\n", b"x" * 500, CALM_FILE[:70]])
async def test_what_cannot_be_read_leaves_the_words_alone(state, content):
    heard = await Hearing(InProcess(), None).hear(content, WHO, "你好")
    assert (heard.text, heard.voice) == ("你好", None) and heard.why


async def test_how_one_sounds_is_kept_with_consent_alone_and_goes_with_it(state):
    ears = Hearing(InProcess(), None)
    await ears.hear(CALM_FILE, WHO, "你好")
    assert counted() == 0
    decides(True, "personalisation")
    await ears.hear(CALM_FILE, WHO, "你好")
    await ears.hear(CALM_FILE, WHO, "你好")
    assert counted() == 2
    stranger = (await ears.hear(ANGRY_FILE, [("openid", "o-bob")], "你好")).voice
    known = (await ears.hear(ANGRY_FILE, WHO, "你好")).voice
    assert known["confidence"] > stranger["confidence"] and known["anger"] > stranger["anger"]
    # Anger teaches nothing.
    assert counted() == 2
    decides(False, "personalisation")
    with read() as session:
        assert session.query(voices.VoiceRow).count() == 0


async def test_how_one_sounds_is_erased_with_the_person(state):
    decides(True, "personalisation")
    await Hearing(InProcess(), None).hear(CALM_FILE, WHO, "你好")
    assert counted() == 1
    with write() as session:
        number = erasure.begin(session, WHO, "wechat")
    erasure.run(number)
    with read() as session:
        assert session.query(voices.VoiceRow).count() == 0


def test_two_who_become_one_sound_as_both_did(state):
    with write() as session:
        for person, told in ((1, (2, 1.0, 2.0)), (2, (2, 5.0, 2.0))):
            body = f'{{"pitch": {list(told)}}}'
            session.add(voices.VoiceRow(person_id=person, body=body, updated_at=utc_now()))
        session.flush()
        voices.follow(session, identity.Changes(merged={1: 2}))
    with read() as session:
        (row,) = session.query(voices.VoiceRow).all()
        # 0, 2 and 4, 6: their squares are 4 + 16.
        assert (row.person_id, row.body) == (2, '{"pitch": [4, 3.0, 20.0]}')


@pytest.mark.parametrize(("abroad", "granted", "words"), [
    ("on", None, ""),
    ("on", True, "我要退货"),
    ("off", None, "我要退货"),
])  # fmt: skip
async def test_a_voice_goes_abroad_with_consent_alone(state, abroad, granted, words):
    if granted:
        decides(True, "cross_border")
    with service() as told:
        env = {"RECOGNITION_URL": told.url, "RECOGNITION_KEY": "k", "RECOGNITION_ABROAD": abroad}
        ears = Hearing(InProcess(), Calls(http.from_environment(env)))
        heard = await ears.hear(ANGRY_FILE, WHO)
        assert heard.text == words and len(told.asked) == bool(words)
        assert heard.voice is not None
        assert not told.asked or b"RIFF" in told.asked[0][2]


async def test_a_service_that_fails_leaves_the_mood(state):
    with service() as told:
        told.answers[0] = (400, b"")
        env = {"RECOGNITION_URL": told.url, "RECOGNITION_ABROAD": "off"}
        heard = await Hearing(InProcess(), Calls(http.from_environment(env))).hear(CALM_FILE, WHO)
        assert heard.text == "" and heard.voice and "HTTP 400" in heard.why


async def test_the_mood_of_what_was_not_understood_counts_once_for_the_next(state, monkeypatch):
    ears = Hearing(InProcess(), None)
    heard = await ears.hear(CALM_FILE, WHO)
    ears.keep_mood("c", heard)
    assert ears.kept_mood("d") is None
    assert ears.kept_mood("c") == heard.voice and ears.kept_mood("c") is None
    monkeypatch.setattr(hearing, "MOOD_SECONDS", -1.0)
    ears.keep_mood("c", heard)
    assert ears.kept_mood("c") is None


async def test_the_process_measures_refuses_and_ends_when_nobody_speaks(state):
    listener = Listener(idle_seconds=0.0)
    try:
        found = await listener.measure(CALM_FILE, wants_wav=True)
        assert found.kind == "wav" and found.features["pitch"] == pytest.approx(3.1, abs=0.5)
        assert found.wav[:4] == b"RIFF"
        process = listener._process
        with pytest.raises(Unheard, match="format unknown"):
            await listener.measure(b"x" * 500)
        assert listener._process is process
        while listener._process is not None:
            await asyncio.sleep(0.01)
        assert await process.wait() == 0
        # What breaks it does so once.
        await listener.measure(CALM_FILE)
        listener._process.kill()
        await listener._process.wait()
        assert (await listener.measure(CALM_FILE)).kind == "wav"
    finally:
        await listener.close()
