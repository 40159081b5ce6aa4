"""A recording sent by the chat's page: `POST /webhooks/web/voice`."""

from __future__ import annotations

import httpx
import pytest

from cdp.session import issue, new_conversation
from connectors import rooms
from connectors.fixed_words import words
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.voice.recognition import http
from connectors.voice.recognition.calls import Calls
from connectors.web.channel import WebInput
from connectors.web.voice import MAX_RECORDING
from tests.connectors.served import served
from tests.connectors.talks import Bot, until
from tests.connectors.voice.on_voice import InProcess, service
from tests.connectors.voice.speech import CALM, as_file, say

PAGE = "http://localhost:8000"
SAID = as_file(say(CALM.but(seconds=1.5)))


class Page:
    """A page with a session; `given`: what Rasa got."""

    def __init__(self, client: httpx.AsyncClient, url: str, bot: Bot) -> None:
        self.conversation = new_conversation()
        self.token = issue(self.conversation, "demo")
        self._client, self._url = client, url
        self.given: list = []
        bot.does = self.given.append

    async def sends(self, content: bytes = SAID, id: str = "v1", **headers) -> httpx.Response:
        told = {"Origin": PAGE, "Authorization": f"Bearer {self.token}", **headers}
        return await self._client.post(
            self._url, content=content, params={"id": id}, headers=told, timeout=60
        )


@pytest.fixture
def recognition(monkeypatch):
    with service() as told:
        env = {"RECOGNITION_URL": told.url, "RECOGNITION_ABROAD": "off"}
        ears = Hearing(InProcess(), Calls(http.from_environment(env)))
        monkeypatch.setattr(hearing, "of_loop", lambda: ears)
        yield told


@pytest.fixture
async def page(state, recognition):
    bot = Bot()
    async with served(WebInput([PAGE]), bot) as place, httpx.AsyncClient(timeout=60) as client:
        yield Page(client, f"http://{place}/webhooks/web/voice", bot)


async def test_a_recording_is_a_message_of_the_talk_once(page):
    answer = await page.sends()
    assert answer.status_code == 200 and answer.json()["message"]["text"] == "[语音] 我要退货"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert (await page.sends()).json()["message"]["seq"] == 1
    await until(lambda: len(rooms.history(page.conversation)) == 2)
    (given,) = page.given
    assert given.text == "我要退货" and given.metadata["shopper"] == "demo"
    assert 0 <= given.metadata["voice"]["anger"] < 0.5


async def test_what_is_not_understood_is_said_and_stands_nowhere(page, recognition):
    recognition.answers[0] = (200, b'{"text": " "}')
    answer = await page.sends()
    assert (answer.status_code, answer.json()["code"]) == (422, "not_heard")
    assert answer.json()["text"] == words("voice")
    assert rooms.history(page.conversation) == [] and page.given == []


async def test_strangers_other_pages_and_what_is_too_much_are_refused(page, recognition):
    assert (await page.sends(Origin="https://evil.example")).status_code == 403
    assert (await page.sends(Authorization="Bearer guessed")).status_code == 401
    assert (await page.sends(Authorization="")).status_code == 401
    assert (await page.sends(id="")).json()["code"] == "bad_frame"
    assert (await page.sends(b"0" * (MAX_RECORDING + 1))).status_code == 413
    assert (await page.sends(b"<html>" * 50)).json()["code"] == "not_heard"
    assert recognition.asked == []
    while (last := await page.sends(b"x" * 99)).status_code == 422:
        pass
    assert (last.status_code, last.json()["code"]) == (429, "rate_limited")
