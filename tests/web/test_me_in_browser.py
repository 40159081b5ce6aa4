"""The page of one's data as its owner uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cdp import erasure
from tests.web import customers
from tests.web.customers import ADVERT, profile_of, tags_of, until


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setenv("QUDAO_DEMO", "1")
    with customers.served(customers.application()) as found:
        yield found


@pytest.fixture
def mine(browser, address):
    """A visitor who came by an advertisement, allowed everything and opens the page, on a phone."""
    context = browser.new_context(
        locale="zh-CN", user_agent=customers.AGENT, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.goto(address + ADVERT)
    page.locator("[data-consent=all]").click()
    id = until(
        lambda: page.evaluate("JSON.parse(localStorage.getItem('qudao.anonymous_id'))"), "an id"
    )
    page.visitor = ("anonymous_id", id)
    until(lambda: "兴趣:运动装备" in tags_of(*page.visitor), "the tags")
    page.locator("footer a[href='/me']").click()
    page.locator("#me[data-state=ready]").wait_for()
    yield page
    context.close()
    assert not [one for one in faults if "WebSocket" not in one], faults


def part(page, name: str):
    return page.locator(f"[data-part={name}]")


def test_tags_are_shown_with_their_reason_and_deleted(mine):
    tag = mine.locator(".my-tag", has_text="兴趣:运动装备")
    expect(tag).to_contain_text("您最近看过")
    expect(part(mine, "overview")).to_contain_text("短视频渠道")
    tag.get_by_role("button", name="删除标签 兴趣:运动装备").click()
    expect(tag).to_have_count(0)
    assert "兴趣:运动装备" not in tags_of(*mine.visitor)
    assert mine.evaluate("document.documentElement.scrollWidth") == 390


def test_withdrawing_here_is_withdrawing_on_the_page(mine):
    part(mine, "consents").locator("input[value=analytics]").uncheck()
    expect(mine.locator("[data-said]")).to_have_text("授权已更新。")
    until(lambda: not tags_of(*mine.visitor), "the tags to go")
    assert mine.evaluate("localStorage.getItem('qudao.anonymous_id')") is None
    mine.locator("#consent-open").click()
    expect(mine.locator("#consent input[value=analytics]")).not_to_be_checked()
    expect(mine.locator("#consent input[value=marketing]")).to_be_checked()


def test_traits_are_added_corrected_and_deleted(mine):
    form = part(mine, "traits").locator("form")
    form.locator("select").select_option("foot_length")
    form.locator("input").fill("25.5")
    form.get_by_role("button").click()
    until(lambda: profile_of(*mine.visitor).get("traits") == {"foot_length": 25.5}, "the trait")
    part(mine, "traits").get_by_role("button", name="删除 脚长").click()
    until(lambda: not profile_of(*mine.visitor).get("traits"), "the trait to go")


def test_a_copy_can_be_opened_and_loaded_down(mine):
    part(mine, "copy").get_by_role("button").click()
    links = part(mine, "copy").locator("a")
    expect(links).to_have_count(2)
    with mine.context.expect_page() as opened:
        links.first.click()
    expect(opened.value.locator("h1")).to_have_text("我的个人信息副本")
    with mine.expect_download() as loaded:
        links.last.click()
    assert loaded.value.suggested_filename == "my-data.json"


def test_deletion_is_asked_twice_done_and_forgotten_here(mine):
    erase = part(mine, "erase")
    erase.get_by_role("button", name="删除我的全部数据").click()
    erase.get_by_role("button", name="先不删").click()
    erase.get_by_role("button", name="删除我的全部数据").click()
    erase.get_by_role("button", name="确认删除，不可恢复").click()
    expect(mine.locator("[data-said]")).to_contain_text("凭证编号 ER")
    number = mine.locator("[data-said]").inner_text().split("编号 ")[1].split("。")[0]
    until(lambda: not profile_of(*mine.visitor), "the profile to go", 20)
    assert erasure.receipt(number)["number"] == number
    kept = mine.evaluate("Object.keys(localStorage)")
    assert not {"qudao.anonymous_id", "qudao.touch", "qudao.me.session."} & set(kept), kept
    mine.reload()
    mine.locator("#me[data-state=ready]").wait_for()
    expect(part(mine, "nothing")).to_be_visible()
