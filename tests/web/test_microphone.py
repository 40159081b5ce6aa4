"""Speaking to the chat: a real browser's microphone, the real channel, a recognition service."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import soundfile
import uvicorn
from playwright.sync_api import expect
from sqlalchemy import select

from cdp.consent_store import ConsentRow
from connectors.voice import hearing
from connectors.voice.hearing import Hearing
from connectors.voice.recognition import http
from connectors.voice.recognition.calls import Calls
from connectors.web.channel import WebInput
from storage import read
from tests.assistant import free_port
from tests.conftest import chromium
from tests.connectors.served import served
from tests.connectors.talks import Bot
from tests.connectors.voice.on_voice import InProcess, service
from tests.connectors.voice.speech import CALM, as_file, say
from tests.web import fakes
from web.app import create_app
from web.settings import Settings

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "color_scheme": "dark"}
# With so few samples a second, one block of them is more than a minute.
HURRIED = "Object.defineProperty(AudioContext.prototype, 'sampleRate', {get: () => 16})"


# The first to measure in a process loads librosa.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def speaking(browser, tmp_path_factory) -> Iterator:
    """A browser whose microphone hears somebody."""
    said = tmp_path_factory.mktemp("speech") / "said.wav"
    said.write_bytes(as_file(say(CALM.but(seconds=6))))
    args = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream"]
    args += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={said}"]
    made = browser.browser_type.launch(executable_path=chromium(), args=args)
    yield made
    made.close()


class Place:
    """A shop with its chat: `url`, the recognition service `told`, and the one talk's messages."""

    def __init__(self, url: str, told) -> None:
        self.url, self.told = url, told
        self.bot = Bot()

    def open(self, browser, **options):
        page = browser.new_page(locale="en-GB", **options)
        page.set_default_timeout(60_000)
        page.goto(self.url)
        page.locator(".qc-launcher").click()
        expect(page.locator("#qc-panel")).to_be_visible()
        return page


@pytest.fixture
def place(state, monkeypatch) -> Iterator[Place]:
    """The shop, its service in this country."""
    with _place(monkeypatch, RECOGNITION_ABROAD="off") as made:
        yield made


@contextmanager
def _place(monkeypatch, **env: str) -> Iterator[Place]:
    with service() as told:
        found = http.from_environment({"RECOGNITION_URL": told.url, **env}) if env else None
        ears = Hearing(InProcess(), Calls(found, 0.01) if found else None)
        monkeypatch.setattr(hearing, "of_loop", lambda: ears)
        port = free_port()
        made = Place(f"http://127.0.0.1:{port}", told)
        with _channel(made) as socket, _site(port, socket):
            yield made


@contextmanager
def _channel(place: Place) -> Iterator[str]:
    """The real channel on a loop of its own; gives its socket."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    serving = served(WebInput([place.url]), place.bot)
    yield f"ws://{run(serving.__aenter__())}/webhooks/web/socket"
    run(serving.__aexit__(None, None, None))
    loop.call_soon_threadsafe(loop.stop)


@contextmanager
def _site(port: int, socket: str) -> Iterator[None]:
    app = create_app(Settings(demo=True, socket=socket), fakes.sources(), fakes.SHOPPERS)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    _wait(lambda: server.started)
    yield
    server.should_exit = True
    thread.join(timeout=10)


def _wait(holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def test_what_is_said_is_sent_as_a_wav_and_answered(place, speaking):
    page = place.open(speaking)
    held = []
    page.route("**/voice?*", lambda route: held.append(route))
    button(page, "Record a voice message").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("timer")).to_have_text("0:02")
    expect(page.locator(".qc-said")).to_have_text("Recording, up to one minute")
    expect(page.locator(".qc-input")).to_be_hidden()
    expect(button(page, "Send the recording")).to_be_focused()
    page.keyboard.press("Enter")
    turn = page.locator(".qc-user")
    expect(turn).to_have_attribute("data-state", "pending")
    expect(turn).to_contain_text("Voice message: 0:02")
    _wait(lambda: held or page.wait_for_timeout(20))
    # The service fails, twice each time: nothing was understood, and the shopper reads so.
    place.told.answers.extendleft([(500, b"")] * 2)
    held.pop().continue_()
    expect(turn).to_have_attribute("data-state", "failed", timeout=PATIENCE)
    expect(turn).to_contain_text("I couldn't make out that voice message")
    page.unroute("**/voice?*")
    button(page, "Retry").click()
    expect(turn).to_have_attribute("data-state", "done", timeout=PATIENCE)
    expect(turn.locator(".qc-spoken")).to_have_text("Voice message: 我要退货")
    expect(page.locator(".qc-bot")).to_contain_text("听到：我要退货")
    body = place.told.asked[-1][2]
    samples, rate = soundfile.read(io.BytesIO(body[body.index(b"RIFF") :]))
    assert rate == 16_000 and samples.ndim == 1 and 2 <= len(samples) / rate < 6
    assert abs(samples).max() > 0.02


def test_a_recording_is_called_off_and_ends_after_a_minute(place, speaking):
    page = place.open(speaking, **PHONE)
    record = button(page, "Record a voice message")
    record.tap()
    expect(page.locator(".qc-recording[data-on]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(page.locator(".qc-said")).to_have_text("Recording cancelled")
    expect(record).to_be_focused()
    record.tap()
    button(page, "Send the recording").tap()
    expect(page.locator(".qc-said")).to_have_text("That was too short. Please try again")
    page.add_init_script(HURRIED)
    page.reload()
    record.tap()
    expect(page.locator(".qc-said")).to_contain_text("That's 60 seconds")
    expect(page.get_by_role("timer")).to_have_text("1:00")
    button(page, "Cancel the recording").tap()
    expect(page.locator(".qc-input")).to_be_visible()
    expect(page.locator(".qc-user")).to_have_count(0)
    assert place.told.asked == []


def test_a_service_abroad_is_asked_about_first(state, monkeypatch, speaking):
    with _place(monkeypatch, RECOGNITION_KEY="k") as place:
        page = place.open(speaking)
        record = button(page, "Record a voice message")
        record.click()
        expect(page.get_by_role("group", name="A service abroad")).to_be_visible()
        button(page, "No, thanks").click()
        expect(page.locator(".qc-said")).to_contain_text("no voice is sent")
        record.click()
        button(page, "Agree and record").click()
        expect(page.get_by_role("timer")).to_have_text("0:01")
        button(page, "Send the recording").click()
        said = page.locator(".qc-spoken")
        expect(said).to_have_text("Voice message: 我要退货", timeout=PATIENCE)
    with read() as session:
        told = session.execute(select(ConsentRow.granted, ConsentRow.purposes, ConsentRow.evidence))
        said = [(granted, purposes, evidence[:6]) for granted, purposes, evidence in told]
    assert said == [(False, "cross_border", "voice "), (True, "cross_border", "voice ")]
    assert len(place.told.asked) == 1


def test_without_microphone_or_service_there_is_no_button(state, monkeypatch, browser, speaking):
    with _place(monkeypatch) as place:
        page = place.open(speaking)
        page.locator(".qc-input").fill("有42码吗")
        page.keyboard.press("Enter")
        expect(page.locator(".qc-bot")).to_contain_text("听到")
        expect(page.locator(".qc-mic")).to_be_hidden()
        page.close()
    with _place(monkeypatch, RECOGNITION_ABROAD="off") as place:
        page = place.open(browser)
        page.locator(".qc-input").fill("有42码吗")
        page.keyboard.press("Enter")
        expect(page.locator(".qc-bot")).to_contain_text("听到")
        expect(page.locator(".qc-mic")).to_be_hidden()
        page.close()
