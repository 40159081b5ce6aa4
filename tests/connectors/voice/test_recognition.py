"""Recognition services over HTTP, and all that may go wrong with them."""

from __future__ import annotations

import pytest

from connectors.voice.recognition import calls, http
from connectors.voice.recognition.base import Refused, Unavailable
from connectors.voice.recognition.calls import Calls
from storage.secrets import MissingSecret
from tests.connectors.voice.on_voice import service
from tests.connectors.voice.speech import CALM, as_file, say

WAV = as_file(say(CALM.but(seconds=0.4)))


@pytest.fixture
def heard():
    with service() as told:
        yield told


def provider(at, **more):
    env = {"RECOGNITION_URL": at.url, "RECOGNITION_KEY": "a-key", **more}
    return http.from_environment(env)


async def test_the_words_come_by_openais_protocol(heard):
    made = provider(heard, RECOGNITION_MODEL="large")
    assert await Calls(made).words(WAV) == "我要退货"
    path, headers, body = heard.asked[0]
    assert path == "/v1/audio/transcriptions"
    assert headers["Authorization"] == "Bearer a-key"
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="model"\r\n\r\nlarge' in body and WAV in body
    assert made.abroad
    await made.close()


async def test_the_words_come_by_a_plain_post(heard):
    more = {"RECOGNITION_KIND": "post", "RECOGNITION_ABROAD": "off", "RECOGNITION_KEY": ""}
    made = provider(heard, **more)
    assert await Calls(made).words(WAV) == "我要退货"
    path, headers, body = heard.asked[0]
    assert (path, body, headers["Content-Type"]) == ("/", WAV, "audio/wav")
    assert "Authorization" not in headers and not made.abroad
    await made.close()


@pytest.mark.parametrize(
    "fault", [(503, b""), (429, b""), (0, b""), (200, b"<html>"), (200, b'{"text": 3}')]
)
async def test_a_fault_is_tried_again_once_and_a_lasting_one_is_said(heard, fault):
    good = heard.answers[0]
    heard.answers.clear()
    heard.answers.extend([fault, good])
    asks = Calls(provider(heard), pause_seconds=0.0)
    assert await asks.words(WAV) == "我要退货"
    assert len(heard.asked) == 2
    heard.answers[0] = fault
    with pytest.raises(Unavailable):
        await asks.words(WAV)
    assert len(heard.asked) == 2 + calls.TRIES


async def test_a_refusal_is_final(heard):
    heard.answers[0] = (400, b"{}")
    with pytest.raises(Refused, match="HTTP 400"):
        await Calls(provider(heard), pause_seconds=0.0).words(WAV)
    assert len(heard.asked) == 1


async def test_a_service_that_keeps_failing_rests(heard):
    heard.answers[0] = (500, b"")
    asks = Calls(provider(heard), pause_seconds=0.0)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await asks.words(WAV)
    asked = len(heard.asked)
    with pytest.raises(Unavailable, match="rests"):
        await asks.words(WAV)
    assert len(heard.asked) == asked == calls.FAILURES


@pytest.mark.parametrize(
    ("env", "error"),
    [
        ({"RECOGNITION_URL": "ftp://a"}, "RECOGNITION_URL"),
        ({"RECOGNITION_URL": "http://a", "RECOGNITION_KIND": "magic"}, "openai or post"),
        ({"RECOGNITION_URL": "http://a", "RECOGNITION_ABROAD": "perhaps"}, "on or off"),
        ({"RECOGNITION_URL": "http://a"}, "RECOGNITION_KEY"),
    ],
)
def test_what_is_configured_wrongly_is_named(env, error):
    with pytest.raises((ValueError, MissingSecret), match=error):
        http.from_environment(env)


def test_no_address_is_no_service():
    assert http.from_environment({}) is None
