"""What the storefront tells of a visit: nothing before consent, then all of it, until withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cdp.consent_store import ConsentRow
from storage import read
from tests.web import customers
from tests.web.customers import ADVERT, events, names, profile_of, tags_of, until


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setenv("QUDAO_DEMO", "1")
    with customers.served(customers.application()) as found:
        yield found


@pytest.fixture
def visit(browser, address):
    """Open a page as a new visitor; faults on it, breaches of the policy too, fail the test."""
    contexts, faults = [], []

    def open_one(path: str = "/", **options):
        if "context" not in options:
            options = {"locale": "zh-CN", "user_agent": customers.AGENT, **options}
            contexts.append(browser.new_context(**options))
        page = (options.get("context") or contexts[-1]).new_page()
        page.set_default_timeout(60_000)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url.removeprefix(address)))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.goto(address + path)
        page.wait_for_function("document.readyState === 'complete'")
        return page

    yield open_one
    for context in contexts:
        context.close()
    unexpected = [one for one in faults if "WebSocket" not in one and "ERR_FAILED" not in one]
    assert not unexpected, f"faults on the page: {unexpected}"


def banner(page):
    return page.locator("#consent")


def accept(page) -> None:
    page.locator("[data-consent=all]").click()


def kept(page, key: str):
    return page.evaluate("key => JSON.parse(localStorage.getItem(key))", key)


def told(page) -> list[str]:
    """Requests that tell of the visit."""
    return [url for url in page.asked if url.startswith(("/v1", "/api"))]


def sent(page, count: int) -> None:
    """Wait until so many events are stored and processed."""
    until(lambda: len(events()) >= count, f"{count} events; there are {names()}")


def test_before_consent_nothing_is_sent_and_no_id_is_made(visit):
    page = visit(ADVERT)
    expect(banner(page)).to_be_visible()
    page.goto(page.url.split("/landing")[0] + "/products/P1")
    page.locator(".tile a").first.click()
    page.wait_for_url("**/products/P2")
    assert told(page) == [] and events() == []
    assert kept(page, "qudao.anonymous_id") is None
    assert kept(page, "qudao.touch")["last"]["clickid"] == "dy-7781"
    assert page.context.cookies() == []


def test_an_advertisement_is_in_the_profile_within_a_second_of_consent(visit):
    page = visit(ADVERT)
    accept(page)
    anonymous = until(lambda: kept(page, "qudao.anonymous_id"), "an id")
    found = until(
        lambda: (
            {"来源:短视频渠道", "兴趣:运动装备"} <= tags_of("anonymous_id", anonymous).keys()
            and tags_of("anonymous_id", anonymous)
        ),
        "the tags",
    )
    chosen = datetime.fromisoformat(kept(page, "qudao.consent")["at"].removesuffix("Z"))
    assert found["兴趣:运动装备"].since - chosen < timedelta(seconds=1)
    assert found["来源:短视频渠道"].since - chosen < timedelta(seconds=1)
    touch = profile_of("anonymous_id", anonymous)["first_touch"]
    assert touch["channel"] == "短视频渠道" and touch["click_id"] == "dy-7781"
    assert touch["campaign"] == "autumn" and touch["page"] == "/landing"


def test_an_arrival_kept_from_an_earlier_page_is_told_as_of_then(visit):
    page = visit(ADVERT)
    arrived = kept(page, "qudao.touch")["first"]["at"]
    page.goto(page.url.split("/landing")[0] + "/products/P3")
    accept(page)
    sent(page, 4)
    pages = [one for one in events() if one.type == "page"]
    assert [one.body["context"]["page"]["path"] for one in pages] == ["/landing", "/products/P3"]
    assert abs(pages[0].at - datetime.fromisoformat(arrived.removesuffix("Z"))) < timedelta(
        seconds=2
    )
    assert "campaign" not in pages[1].body["context"]
    anonymous = kept(page, "qudao.anonymous_id")
    until(lambda: "兴趣:运动装备" in tags_of("anonymous_id", anonymous), "the landing page's tag")
    page.reload()
    sent(page, 6)
    assert sum("campaign" in one.body["context"] for one in events()) == 1


def test_what_is_seen_searched_and_clicked_arrives(visit):
    page = visit("/?q=疾风")
    accept(page)
    sent(page, 2)
    page.locator(".tile a").first.click()
    page.wait_for_url("**/products/P1")
    sent(page, 5)
    page.goto(page.url.split("/products")[0] + "/landing")
    page.locator("button.code").first.click()
    sent(page, 7)
    assert names() == [
        *("page", "Products Searched", "Product Clicked", "page", "Product Viewed"),
        *("page", "Promotion Clicked"),
    ]
    by_name = {one.name: one.body["properties"] for one in events() if one.name}
    assert by_name["Products Searched"]["query"] == "疾风"
    clicked, viewed = by_name["Product Clicked"], by_name["Product Viewed"]
    assert clicked["product_id"] == "P1" and clicked["position"] == 1
    assert viewed["price_cents"] == 49900 and viewed["category"] == "running_shoes"
    assert by_name["Promotion Clicked"]["promotion_id"] == "PR1"


def test_refusing_is_as_easy_and_holds(visit):
    page = visit(ADVERT)
    boxes = [page.locator(f"[data-consent={one}]").bounding_box() for one in ("none", "all")]
    assert boxes[0]["width"] == boxes[1]["width"] and boxes[0]["height"] == boxes[1]["height"]
    page.locator("[data-consent=none]").click()
    expect(banner(page)).to_be_hidden()
    page.reload()
    expect(banner(page)).to_be_hidden()
    assert told(page) == [] and kept(page, "qudao.anonymous_id") is None


def test_purposes_are_chosen_one_by_one_and_again_later(visit):
    page = visit("/products/P1")
    page.locator("#consent summary").click()
    page.locator("#consent input[value=analytics]").check()
    page.locator("[data-consent=save]").click()
    sent(page, 2)
    assert events()[0].body["purposes"] == ["analytics"]
    page.locator("#consent-open").click()
    expect(page.locator("#consent input[value=analytics]")).to_be_checked()
    expect(page.locator("#consent input[value=marketing]")).not_to_be_checked()
    page.locator("#consent input[value=marketing]").check()
    page.locator("[data-consent=save]").click()
    sent(page, 3)
    assert events()[2].body["purposes"] == ["analytics", "marketing"]


def test_a_withdrawal_is_told_takes_back_and_forgets_the_id(visit):
    page = visit(ADVERT)
    accept(page)
    anonymous = until(lambda: kept(page, "qudao.anonymous_id"), "an id")
    until(lambda: tags_of("anonymous_id", anonymous), "tags")
    page.locator("#consent-open").click()
    page.locator("[data-consent=none]").click()
    until(lambda: not tags_of("anonymous_id", anonymous), "the tags to be taken back")
    assert kept(page, "qudao.anonymous_id") is None and kept(page, "qudao.events") is None
    with read() as session:
        denied = session.scalars(select(ConsentRow).where(ConsentRow.granted.is_(False))).all()
    told = {(one.key, purpose) for one in denied for purpose in one.purposes.split()}
    assert told >= {(anonymous, "analytics")}
    until(lambda: not names(), "the events' bodies to be erased")
    before = len(page.asked)
    page.goto(page.url.split("/landing")[0] + "/products/P1")
    assert [url for url in page.asked[before:] if url.startswith("/v1")] == []


def test_what_could_not_be_sent_is_sent_later_and_counted_once(visit):
    page = visit("/products/P1")
    lost = []
    page.route("**/v1/batch", lambda route: (lost.append(1), route.abort()))
    accept(page)
    until(lambda: lost or page.wait_for_timeout(50), "a request that is lost")
    assert len(kept(page, "qudao.events")) == 2 and events() == []
    page.unroute("**/v1/batch")
    page.reload()
    sent(page, 4)
    until(lambda: kept(page, "qudao.events") is None, "the queue to be empty")
    assert names() == ["page", "Product Viewed"] * 2


def test_a_shopper_is_bound_to_the_browser_and_the_next_one_is_another(visit):
    page = visit("/")
    accept(page)
    first = until(lambda: kept(page, "qudao.anonymous_id"), "an id")
    page.locator("#shopper").select_option("demo")
    until(lambda: profile_of("user_id", "demo"), "the shopper's profile")
    assert tags_of("user_id", "demo").keys() == tags_of("anonymous_id", first).keys()
    page.locator("#shopper").select_option("lin")
    assert kept(page, "qudao.anonymous_id") != first
    until(lambda: profile_of("user_id", "lin"), "the other's profile")
    assert [one.body["ids"][0]["key"] for one in events() if one.type == "identify"] == [
        "demo",
        "lin",
    ]


def test_buying_makes_a_buyer(visit):
    customers.stock_the_shop()
    page = visit(ADVERT)
    accept(page)
    page.locator(".tile a").first.click()
    page.locator("#buy").click()
    expect(page.locator("#bought")).to_contain_text("请先在页面顶部选择")
    page.locator("#shopper").select_option("demo")
    page.locator("#buy").click()
    expect(page.locator("#bought")).to_contain_text("下单成功")
    until(lambda: "运动装备购买者" in tags_of("user_id", "demo"), "the tag")
    assert "来源:短视频渠道" in tags_of("user_id", "demo")
    assert profile_of("user_id", "demo")["orders"]["value_cents"] == 49900


def test_the_banner_in_english_on_a_phone(visit):
    page = visit("/", locale="en-GB", viewport={"width": 360, "height": 740})
    expect(banner(page)).to_contain_text("Your privacy, your choice")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
