"""Segment's own browser library, `@segment/analytics-next` of npm, unchanged, and this host."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from cdp import sources
from tests.web import customers
from tests.web.customers import events, until

PACKAGE = Path(__file__).parent / "npm" / "package.json"
# Kept between runs; not in the folder of a test's own state.
CACHE = Path("var") / "npm"
BUNDLE = "node_modules/@segment/analytics-next/dist/umd/index.js"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library() -> Path:
    """The library's file as npm brings it."""
    npm = shutil.which("npm")
    if npm is None:
        return _missing("npm is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copy(PACKAGE, CACHE / "package.json")
    found = CACHE / BUNDLE
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    if not found.exists():
        made = subprocess.run(
            [*command, "--prefix", str(CACHE)], capture_output=True, text=True, timeout=240
        )
        if made.returncode or not found.exists():
            return _missing(f"npm could not install the library: {made.stderr.strip()[-300:]}")
    return found.resolve()


def _missing(why: str):
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def place(library, monkeypatch):
    """A page of another origin with the library on it, and the host that takes events in."""
    monkeypatch.setenv("QUDAO_DEMO", "1")
    app = customers.application()
    foreign = FastAPI()

    @foreign.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Another shop</title><h1>Shoes</h1>")

    foreign.mount("/library", StaticFiles(directory=library.parent))

    @foreign.get("/favicon.ico")
    def icon() -> HTMLResponse:
        return HTMLResponse("")

    with customers.served(app) as host, customers.served(foreign) as site:
        yield host, site


LOAD = """async ([host, writeKey]) => {
    const script = document.createElement("script");
    script.src = "/library/index.js";
    await new Promise((resolve, reject) => {
        Object.assign(script, { onload: resolve, onerror: reject });
        document.head.append(script);
    });
    const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL: host });
    await analytics;
    window.shop = analytics;
}"""
# Consent goes into the context of each call, by the library's own way of adding to all of them.
CONSENT = """async () => {
    await window.shop.addSourceMiddleware(({ payload, next }) => {
        payload.obj.context.consent = {
            categoryPreferences: { analytics: true, marketing: false },
        };
        next(payload);
    });
}"""
CALLS = """async () => {
    await window.shop.page("Home");
    await window.shop.track("Product Viewed", { product_id: "P9", price: 199.5 });
    await window.shop.identify("npm-user", { name: "Ming", email: "ming@example.com" });
}"""


def test_its_calls_arrive_as_events(browser, place):
    host, site = place
    source = sources.create("another shop", "web", "carried")
    context = browser.new_context(user_agent=customers.AGENT)
    page = context.new_page()
    answers = []
    page.on("response", lambda one: "/v1/" in one.url and answers.append((one.url, one.status)))
    page.goto(site + "/?utm_source=douyin&utm_medium=short_video")
    page.evaluate(LOAD, [host, source.write_key])
    # A call that says nothing of consent is answered, and not taken.
    page.evaluate("() => window.shop.track('Product Viewed', { product_id: 'P8' })")
    page.evaluate(CONSENT)
    page.evaluate(CALLS)
    until(lambda: len(events()) >= 3, f"three events; {answers}", seconds=20)
    found = {one.type: one for one in events()}
    assert found["page"].name == "Home" and found["page"].source_id == source.id
    assert found["page"].body["context"]["campaign"] == {
        "source": "douyin",
        "medium": "short_video",
    }
    assert found["track"].body["properties"]["price_cents"] == 19950
    assert found["track"].body["purposes"] == ["analytics"]
    kinds = {one["kind"] for one in found["identify"].body["ids"]}
    assert kinds == {"user_id", "anonymous_id", "email"}
    assert "ming@" not in str(found["identify"].body)
    assert len(events()) == 3 and sum("/v1/t" in url for url, _ in answers) == 2
    assert all(status == 200 for _, status in answers), answers
    context.close()
