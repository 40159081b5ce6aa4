"""The chat widget for everybody: keyboard, input methods, screen readers, phones, dark, English."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.widget import Widget

PHONE = {
    "viewport": {"width": 360, "height": 640},
    "has_touch": True,
    "reduced_motion": "reduce",
}


@pytest.fixture
def widget(open_page, chat):
    """The widget on the shop's first page, not yet opened."""
    return Widget(open_page(), chat)


def test_everything_can_be_done_with_the_keyboard(widget, chat):
    page = widget.page
    widget.launcher.focus()
    page.keyboard.press("Enter")
    expect(widget.panel).to_be_visible()
    expect(widget.input).to_be_focused()
    page.keyboard.type("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    assert chat.said("message") == []
    page.keyboard.press("Enter")
    widget.expect_state("第一行", "done")
    assert chat.said("message")[0]["text"] == "第一行\n第二行"
    expect(widget.input).to_have_value("")
    chat.bot("选一个", buttons=[{"title": "甲", "token": "a"}, {"title": "乙", "token": "b"}])
    second = page.get_by_role("button", name="乙")
    expect(second).to_be_enabled()
    page.keyboard.press("Shift+Tab")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    widget.expect_state("乙", "done")
    expect(widget.log).to_be_focused()
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()
    expect(widget.launcher).to_have_attribute("aria-expanded", "false")


def test_enter_of_an_input_method_does_not_send(widget, chat):
    widget.open()
    widget.input.fill("ni hao")
    composing = """(input, init) => input.dispatchEvent(new KeyboardEvent("keydown",
        {key: "Enter", bubbles: true, cancelable: true, ...init}))"""
    widget.input.evaluate(composing, {"isComposing": True})
    widget.input.evaluate(composing, {"keyCode": 229})
    widget.page.wait_for_timeout(100)
    assert chat.said("message") == []
    expect(widget.input).to_have_value("ni hao")
    widget.input.evaluate(composing, {})
    widget.expect_state("ni hao", "done")


def test_blank_text_is_not_sent_and_long_text_is_held(widget, chat):
    widget.open()
    widget.say("  \n ")
    expect(widget.page.get_by_role("button", name="发送", exact=True)).to_be_disabled()
    widget.input.fill("字" * 950)
    expect(widget.page.locator(".qc-left")).to_have_text("还可输入 50 字")
    assert widget.input.get_attribute("maxlength") == "1000"
    assert chat.said("message") == []


def test_screen_readers_are_told_what_things_are(widget, chat):
    widget.open()
    expect(widget.page.get_by_role("dialog", name="小云 · 云途客服")).to_be_visible()
    log = widget.page.get_by_role("log", name="聊天记录")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_have_attribute("aria-busy", "false")
    widget.say("在吗")
    widget.expect_state("在吗", "done")
    expect(widget.bubble("在吗")).to_contain_text("您")
    chat.bot("请选择", buttons=[{"title": "好", "token": "x"}])
    expect(widget.page.get_by_role("group", name="快捷回复")).to_be_visible()
    expect(widget.bubble("请选择").locator("time")).to_have_attribute("datetime", _ISO)


def test_an_acknowledged_message_keeps_its_element(widget, chat):
    """Else a screen reader would read it out twice."""
    widget.open()
    chat.deaf = True
    widget.say("只念一次")
    widget.expect_state("只念一次", "pending")
    widget.page.locator(".qc-bubble").last.evaluate("bubble => { bubble.mark = 1 }")
    chat.deaf = False
    chat.drop()
    widget.expect_state("只念一次", "done")
    assert widget.page.locator(".qc-bubble").last.evaluate("bubble => bubble.mark") == 1


def test_on_a_phone_it_fills_the_screen_and_keeps_the_focus(open_page, chat):
    widget = Widget(open_page(**PHONE), chat).open()
    page = widget.page
    assert widget.panel.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 640}
    expect(widget.panel).to_have_attribute("aria-modal", "true")
    assert page.locator("main").evaluate("main => main.inert") is True
    for key in ["Tab"] * 9 + ["Shift+Tab"] * 9:
        page.keyboard.press(key)
        assert page.evaluate("document.querySelector('#qc-panel').contains(document.activeElement)")
    picture = "/media/products/P1.svg"
    card = {"kind": "product", "id": "P1", "title": "名称" * 40, "price": "¥499", "image": picture}
    buttons = [{"title": "选项" * 12, "token": str(number)} for number in range(4)]
    chat.bot("很长" * 100 + "x" * 200, cards=[card], buttons=buttons)
    expect(page.locator(".qc-card")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert widget.log.evaluate("log => log.scrollWidth <= log.clientWidth")
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    assert page.locator("main").evaluate("main => main.inert") is False


@pytest.mark.parametrize("path", ["/", "/products/P1", "/landing", "/?q=x"])
def test_pages_fit_a_narrow_phone(open_page, path):
    page = open_page(path, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(open_page, chat, scheme):
    widget = Widget(open_page(color_scheme=scheme), chat).open()
    widget.say("您好")
    widget.expect_state("您好", "done")
    chat.bot("请选择", buttons=[{"title": "好", "token": "x"}])
    chat.bot("人工", sender="agent")
    expect(widget.bubble("人工")).to_be_visible()
    selectors = [
        ".qc-user .qc-bubble", ".qc-bot .qc-bubble", ".qc-agent .qc-bubble", ".qc-notice",
        ".qc-choice", ".qc-heading p", "#qc-hint", ".promotion-text", ".tile-name", ".tile .price",
        ".nav a", ".more",
    ]  # fmt: skip
    for selector in selectors:
        ratio = widget.page.locator(selector).first.evaluate(_CONTRAST)
        assert ratio >= 4.5, f"{selector}: contrast {ratio:.2f}, 4.5 expected"


def test_motion_is_spared_where_it_is_unwanted(open_page, chat):
    widget = Widget(open_page(reduced_motion="reduce"), chat).open()
    chat.tell({"type": "typing", "on": True})
    dot = widget.page.locator(".qc-typing i").first
    expect(dot).to_be_visible()
    assert dot.evaluate("dot => getComputedStyle(dot).animationName") == "none"


def test_english_for_those_who_ask_for_it(open_page, chat):
    widget = Widget(open_page(locale="en-GB"), chat).open()
    expect(widget.page.get_by_role("dialog", name="Xiaoyun · Yuntu support")).to_be_visible()
    expect(widget.log).to_contain_text("Hello, I am Xiaoyun")
    expect(widget.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_a_draft_and_the_open_panel_survive_a_page(widget):
    widget.open()
    widget.input.fill("写到一半")
    widget.page.goto(widget.page.url + "products/P1")
    expect(widget.panel).to_be_visible()
    expect(widget.input).to_have_value("写到一半")


def test_a_product_page_follows_the_variant_chosen(open_page):
    page = open_page("/products/P1")
    expect(page.locator("#stock")).to_have_text("有现货")
    page.get_by_label("云白").check(force=True)
    expect(page.locator("#price")).to_have_text("¥529")
    expect(page.locator("#stock")).to_have_text("仅剩 3 件")
    assert "colour=" in page.locator("#picture").get_attribute("src")
    page.get_by_label("黑色").check(force=True)
    page.get_by_label("42").check(force=True)
    expect(page.locator("#stock")).to_have_text("这一款暂时没货，预计 7 天后到货")


_ISO = re.compile(r"^\d{4}-\d\d-\d\dT")

# WCAG's contrast of an element's text with the nearest painted ground behind it.
_CONTRAST = """element => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = [255, 255, 255];
  for (let at = element; at; at = at.parentElement) {
    const found = numbers(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] === 1) { ground = found; break; }
  }
  const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(ground)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
