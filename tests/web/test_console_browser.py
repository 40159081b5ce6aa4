"""The console in Chromium: charts under the strict policy, live events, the editor, a phone."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import uvicorn

from cdp import sources
from cdp.intake.accept import accept
from storage import engine
from tests.web import console_data, console_site
from web.console import sessions
from web.console.frame import NAVIGATION


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield console_site.make(tmp_path_factory.mktemp("console") / "var", patch)


@pytest.fixture
def address(filled, own_state, tmp_path, monkeypatch):
    console_site.copied(filled, tmp_path / "var")
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(console_site.application(), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until = time.monotonic() + 60
        while not server.started and time.monotonic() < until:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
    engine().dispose()


@pytest.fixture
def opened(browser, address):
    """A page that is logged in by the form, in a window of that size; faults on it fail."""
    contexts, faults = [], []

    def open_one(width: int = 1280, height: int = 860, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: _note(said, faults))
        page.goto(f"{address}/console")
        told = page.locator(".hint code")
        page.fill("input[name=name]", told.nth(0).inner_text())
        page.fill("input[name=password]", told.nth(1).inner_text())
        page.click("main button")
        page.wait_for_url("**/console")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults, faults


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 860)])
def test_no_page_is_wider_than_its_window_and_all_charts_are_drawn(opened, address, width, height):
    page = opened(width, height)
    paths = [path for _, path, _ in NAVIGATION]
    for path in [*paths, "/console/segments/1", "/console/segments/new", "/console/customers/1"]:
        page.goto(address + path)
        for chart in page.locator(".plot").all():
            chart.locator("svg.main-svg").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.locator("h1").count() == 1, path


def test_charts_take_the_colours_of_the_dark_page(opened):
    page = opened(color_scheme="dark")
    bar = page.locator("[data-chart=chart-channels] .bars path").first
    bar.wait_for(state="attached")
    assert "rgb(123, 157, 255)" in bar.evaluate("bar => getComputedStyle(bar).fill")


def test_events_come_in_by_themselves_and_can_be_paused(opened, address):
    page = opened()
    page.goto(f"{address}/console/events")
    page.locator("tr[data-seq]").first.wait_for()
    _view("now-1", "实时的坚果")
    page.locator("tr.fresh", has_text="实时的坚果").wait_for()
    page.click("#pause")
    assert page.locator("#live-state").inner_text() == "已暂停"
    _view("now-2", "暂停时的袜子")
    page.wait_for_timeout(3000)
    assert page.locator("tr", has_text="暂停时的袜子").count() == 0
    page.click("#pause")
    page.locator("tr.fresh", has_text="暂停时的袜子").wait_for()


def test_a_page_left_open_says_that_the_login_is_over(opened, address):
    page = opened()
    page.goto(f"{address}/console/events")
    token = next(one["value"] for one in page.context.cookies() if one["name"] == sessions.COOKIE)
    with page.expect_response(lambda answer: answer.status == 401):
        sessions.end(token)
    page.locator("#live-state", has_text="登录已失效").wait_for()


def test_the_editor_says_size_or_fault_before_saving(opened, address):
    page = opened()
    page.goto(f"{address}/console/segments/new")
    page.fill("textarea", "orders.count >= 1")
    page.locator("#preview", has_text="符合：").wait_for()
    page.fill("textarea", 'tag("兴趣:运动装备") and orders.cuont > 1')
    page.locator("#preview.fault").wait_for()
    assert page.locator("#where mark").inner_text() == "orders.cuont"


def test_what_cannot_be_taken_back_is_asked_first(opened, address):
    page = opened()
    page.goto(f"{address}/console/sources")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("button", has_text="停用").first.click()
    page.wait_for_timeout(300)
    assert all(one.enabled for one in sources.all_sources())
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("button", has_text="停用").first.click()
    page.locator(".notice", has_text="已停用").wait_for()
    assert not all(one.enabled for one in sources.all_sources())


def _note(said, faults: list[str]) -> None:
    """Errors and breaches of the policy, but not the 401 that a test provokes."""
    if said.type == "error" and "401" not in said.text:
        faults.append(said.text)


def _view(message: str, name: str) -> None:
    accept(
        sources.by_name("storefront"),
        [
            {
                "type": "track",
                "event": "Product Viewed",
                "anonymousId": "now",
                "messageId": message,
                "properties": {"name": name, "product_id": "P1"},
                "context": {"consent": {"categoryPreferences": console_data.CONSENT}},
            }
        ],
    )
