"""A shopper on the page, in a real Chromium, with everything behind it real."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.customers import ADVERT, AGENT, profile_of, tags_of, until

pytestmark = pytest.mark.slow
ANSWER_MS = 20_000


class Chat:
    """The chat on the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.bubbles = page.locator(".qc-bubble:not(.qc-typing)")

    def open(self) -> Chat:
        """Open the panel."""
        self.page.locator(".qc-launcher").click()
        expect(self.page.locator("#qc-panel")).to_be_visible()
        return self

    def say(self, text: str) -> None:
        """Type and send."""
        self.page.locator(".qc-input").fill(text)
        self.page.locator(".qc-input").press("Enter")

    def choose(self, title: str) -> None:
        """Click the button of that title that can be clicked: those of old answers cannot."""
        panel = self.page.locator("#qc-panel")
        panel.get_by_role("button", name=title, disabled=False).last.click()

    def hears(self, text: str) -> None:
        """Wait until an answer with that text is there."""
        expect(self.bubbles.filter(has_text=text).last).to_be_visible(timeout=ANSWER_MS)


@pytest.fixture
def page(assistant, shop, browser):
    """The storefront, with `demo` signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    made = context.new_page()
    made.goto(assistant.page)
    made.select_option("select", "demo")
    made.wait_for_load_state("networkidle")
    yield made
    context.close()


def test_a_size_is_asked_and_found(page):
    chat = Chat(page).open()
    chat.say("跑步鞋怎么选尺码")
    chat.hears("脚长")
    chat.say("26.3")
    chat.hears("42 码")
    # The socks of the same series, at their price together, come with it.
    chat.hears("8 折")


def test_a_refund_refused_and_one_accepted_and_a_reload(page):
    chat = Chat(page).open()
    chat.say("我要退款，订单号 QD2026110005")
    chat.hears("原因")
    chat.choose("不喜欢/不想要了")
    chat.hears("不能办理")
    chat.say("那 QD2026110003 我要退款")
    chat.hears("QD2026110003「")
    chat.choose("不喜欢/不想要了")
    chat.hears("寄回")
    chat.choose("上门取件")
    chat.hears("确认")
    chat.choose("确认提交")
    chat.hears("AS")
    told = chat.bubbles.all_inner_texts()
    page.reload()
    # The panel stays open over a reload, and the talk is as it was.
    expect(chat.bubbles.last).to_contain_text("AS", timeout=ANSWER_MS)
    assert chat.bubbles.all_inner_texts() == told


def test_clicks_views_and_talk_are_in_the_profile_with_where_from_and_tags(
    assistant, shop, browser
):
    context = browser.new_context(locale="zh-CN", user_agent=AGENT)
    page = context.new_page()
    page.goto(f"{assistant.page}{ADVERT}")
    page.locator("[data-consent=all]").click()
    page.locator(".tile a").first.click()
    page.wait_for_url("**/products/*")
    chat = Chat(page).open()
    chat.say("退货政策")
    chat.hears("7 天无理由")
    anonymous = page.evaluate("JSON.parse(localStorage.getItem('qudao.anonymous_id'))")

    def profile() -> dict:
        return profile_of("anonymous_id", anonymous)

    # The talk is bound to the browser's visitor, and what was said in it counts with the rest.
    until(lambda: profile().get("counts", {}).get("talk", 0) >= 3, "the talk in the profile")
    body = profile()
    assert {"page", "click", "view", "talk"} <= body["counts"].keys()
    touch = body["first_touch"]
    assert (touch["channel"], touch["click_id"]) == ("短视频渠道", "dy-7781")
    assert {"来源:短视频渠道", "兴趣:运动装备"} <= tags_of("anonymous_id", anonymous).keys()
    context.close()


def test_a_dropped_connection_loses_nothing(page, assistant):
    chat = Chat(page).open()
    chat.say("你好")
    chat.hears("云途商城")
    assistant.rasa.stop()
    chat.say("这个手机能分期吗")
    sent = page.locator(".qc-turn", has=chat.bubbles.filter(has_text="这个手机能分期吗"))
    expect(sent).to_have_attribute("data-state", "pending")
    assistant.rasa.start()
    assistant.rasa.wait()
    expect(chat.bubbles.filter(has_text="免息").last).to_be_visible(timeout=60_000)
    assert len([t for t in chat.bubbles.all_inner_texts() if t == "这个手机能分期吗"]) == 1


def test_a_product_page_gives_its_product_to_the_talk(page, assistant):
    page.goto(f"{assistant.page}/products/P1001")
    chat = Chat(page).open()
    chat.say("42码还有货吗")
    chat.hears("疾风3")
