"""The chat widget in a browser: messages, buttons, cards, gaps, reconnects and failures."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.widget import Widget

XSS = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'


@pytest.fixture
def widget(open_page, chat):
    """The widget on the shop's first page, not yet opened."""
    return Widget(open_page(), chat)


def test_nothing_is_asked_before_the_chat_is_opened(widget, chat):
    widget.page.wait_for_timeout(300)
    assert chat.frames == [] and widget.stored("qudao.chat.session") == []
    expect(widget.panel).to_be_hidden()
    widget.open()
    expect(widget.panel).to_contain_text("对话会保存，用于为您服务")
    expect(widget.log).to_contain_text("您好，我是小云")
    assert chat.frames[0]["type"] == "hello" and chat.frames[0]["after"] == 0


def test_a_message_is_pending_until_it_is_acknowledged(widget, chat):
    widget.open()
    chat.deaf = True
    widget.say("有42码吗")
    widget.expect_state("有42码吗", "pending")
    expect(widget.bubble("有42码吗").get_by_role("img", name="发送中")).to_be_visible()
    assert [item["text"] for item in widget.stored("qudao.chat.outbox")[0]] == ["有42码吗"]
    chat.deaf = False
    chat.drop()  # the widget comes back and sends it again
    widget.expect_state("有42码吗", "done")
    sent = chat.said("message")
    assert len(sent) == 2 and sent[0]["id"] == sent[1]["id"]
    assert len(chat.rooms[chat.only_room]) == 1
    assert widget.stored("qudao.chat.outbox") == []


def test_answers_appear_and_typing_shows_and_goes(widget, chat):
    widget.open()
    widget.say("在吗")
    chat.until(lambda: chat.said("message"), "the message")
    chat.tell({"type": "typing", "on": True})
    expect(widget.page.locator(".qc-typing")).to_be_visible()
    chat.bot("在的，请讲。\n第二行")
    expect(widget.page.locator(".qc-typing")).to_have_count(0)
    assert widget.texts() == ["在吗", "在的，请讲。\n第二行"]


def test_only_the_newest_answers_buttons_work(widget, chat):
    widget.open()
    chat.bot("要看哪一种？", buttons=[{"title": "跑步鞋", "token": "t-old"}])
    widget.say("等一下")
    chat.until(lambda: chat.said("message"), "the message")
    chat.bot("请选择", buttons=[{"title": "男款", "token": "t1"}, {"title": "女款", "token": "t2"}])
    button = widget.page.get_by_role("button", name="女款")
    expect(button).to_be_enabled()
    expect(widget.page.get_by_role("button", name="跑步鞋", exact=True)).to_be_disabled()
    button.click()
    expect(widget.bubble("女款")).to_have_attribute("data-state", "done")
    assert chat.said("choice")[0]["token"] == "t2"
    expect(button).to_be_disabled()


def test_cards_show_picture_price_and_buttons(widget, chat):
    widget.open()
    product = {
        "kind": "product", "id": "P1", "title": "凌步 疾风3", "subtitle": "男款跑步鞋",
        "price": "¥499", "image": "/media/products/P1.svg", "url": "/products/P1",
        "buttons": [{"title": "看尺码", "token": "c1"}],
    }  # fmt: skip
    order = {"kind": "order", "id": "QD2026110001", "title": "订单", "url": None}
    chat.bot("为您找到：", cards=[product, order])
    card = widget.page.locator(".qc-card-product")
    expect(card).to_contain_text("¥499")
    expect(card.locator("img")).to_have_js_property("complete", True)
    assert card.locator("img").evaluate("img => img.naturalWidth") > 0
    expect(widget.page.locator(".qc-card-order")).to_contain_text("QD2026110001")
    expect(widget.page.locator(".qc-card-order a")).to_have_count(0)
    widget.page.get_by_role("button", name="看尺码").click()
    chat.until(lambda: chat.said("choice"), "the choice")
    widget.expect_state("看尺码", "done")
    card.locator("a").click()
    expect(widget.page).to_have_url(re.compile("/products/P1$"))
    expect(widget.panel).to_be_visible()  # still open on the next page
    expect(widget.bubble("为您找到：")).to_be_visible()


def products(count: int) -> list[dict]:
    return [
        {
            "kind": "product", "id": f"P{number}", "title": f"凌步 疾风{number}",
            "subtitle": "男款跑步鞋，回弹中底", "price": f"¥{number}99",
            "image": "/media/products/P1.svg", "url": f"/products/P{number}",
            "buttons": [{"title": f"看尺码{number}", "token": f"c{number}"}],
        }
        for number in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("width", [1280, 360])
def test_several_products_are_leafed_through(open_page, chat, width):
    phone = {"viewport": {"width": width, "height": 780}, "reduced_motion": "reduce"}
    widget = Widget(open_page(**phone), chat).open()
    chat.bot("为您找到：", cards=products(4))
    track = widget.page.get_by_role("group", name="4 件商品，可左右滑动")
    expect(track.locator(".qc-card")).to_have_count(4)
    back = widget.page.get_by_role("button", name="上一件")
    on = widget.page.get_by_role("button", name="下一件")
    last = track.locator(".qc-card-title", has_text="疾风4")
    expect(track.locator(".qc-card-title", has_text="疾风1")).to_be_in_viewport(ratio=1)
    expect(last).not_to_be_in_viewport()
    expect(back).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        on.click()
    expect(last).to_be_in_viewport(ratio=1)
    expect(on).to_have_attribute("aria-disabled", "true")
    expect(back).to_have_attribute("aria-disabled", "false")
    # By the keyboard alone, too.
    at = track.evaluate("track => track.scrollLeft")
    track.press("ArrowLeft")
    back_again = "at => document.querySelector('.qc-track').scrollLeft < at"
    widget.page.wait_for_function(back_again, arg=at)
    widget.page.get_by_role("button", name="看尺码4").click()
    chat.until(lambda: chat.said("choice"), "the choice")
    assert chat.said("choice")[0]["token"] == "c4"
    wider = "log => log.scrollWidth > log.clientWidth || document.body.scrollWidth > innerWidth"
    assert not widget.log.evaluate(wider)


def test_two_products_stand_under_one_another(widget, chat):
    widget.open()
    chat.bot("对比如下：", cards=products(2))
    first, second = (widget.page.locator(".qc-cards > .qc-card").nth(place) for place in (0, 1))
    expect(second).to_be_in_viewport()
    assert second.bounding_box()["y"] > first.bounding_box()["y"]
    expect(widget.page.locator(".qc-carousel")).to_have_count(0)


def test_a_gap_is_fetched(widget, chat):
    widget.open()
    chat.bot("一")
    expect(widget.bubble("一")).to_be_visible()
    chat.bot("二", quiet=True)
    chat.bot("三", quiet=True)
    chat.bot("四")
    expect(widget.bubble("三")).to_be_visible()
    assert widget.texts() == ["一", "二", "三", "四"]
    assert chat.said("fetch") == [{"type": "fetch", "after": 1}]


def test_what_the_server_no_longer_has_is_not_asked_for_again(widget, chat):
    widget.open()
    room = chat.only_room
    for number in range(230):
        chat.bot(f"第{number}条", quiet=True)
    chat.drop()
    expect(widget.bubble("第229条")).to_be_visible()
    assert len(widget.texts()) == 200 and len(chat.rooms[room]) == 230
    chat.bot("新的")
    expect(widget.bubble("新的")).to_be_visible()
    assert chat.said("fetch") == []


def test_a_lost_connection_is_said_and_what_was_written_is_sent_later(widget, chat):
    widget.open()
    chat.bot("您好")
    expect(widget.bubble("您好")).to_be_visible()
    chat.stop_listening()
    expect(widget.banner).to_contain_text("连接已断开")
    widget.say("离线时写的")
    widget.say("第二句")
    widget.expect_state("离线时写的", "pending")
    widget.page.reload()  # not even a reload loses it
    widget.expect_state("第二句", "pending")
    chat.start()
    expect(widget.banner).to_be_hidden()
    widget.expect_state("离线时写的", "done")
    widget.expect_state("第二句", "done")
    assert widget.texts() == ["您好", "离线时写的", "第二句"]
    assert chat.said("hello")[-1]["after"] == 0


def test_after_a_reconnect_only_what_is_new_is_asked_for(widget, chat):
    widget.open()
    chat.bot("一")
    chat.bot("二")
    expect(widget.bubble("二")).to_be_visible()
    chat.drop()
    chat.until(lambda: len(chat.said("hello")) == 2, "a second hello")
    assert chat.said("hello")[1]["after"] == 2
    chat.until(lambda: chat.sockets, "the socket")
    chat.bot("三")
    expect(widget.bubble("三")).to_be_visible()
    assert widget.texts() == ["一", "二", "三"]


def test_a_refused_message_can_be_sent_again_or_deleted(widget, chat):
    widget.open()
    chat.refuse["快"] = ("rate_limited", "您发得太快了")
    widget.say("快")
    widget.expect_state("快", "failed")
    expect(widget.bubble("快")).to_contain_text("您发得太快了")
    del chat.refuse["快"]
    widget.page.get_by_role("button", name="重发").click()
    widget.expect_state("快", "done")
    chat.refuse["长"] = ("too_long", "消息太长了")
    widget.say("长")
    widget.expect_state("长", "failed")
    expect(widget.page.get_by_role("button", name="重发")).to_have_count(0)
    widget.page.get_by_role("button", name="删除").click()
    expect(widget.bubble("长")).to_have_count(0)
    assert widget.texts() == ["快"]


def test_without_a_receipt_a_message_fails_and_a_retry_does_not_double_it(open_page, chat):
    page = open_page()
    page.clock.install()
    widget = Widget(page, chat).open()
    chat.silent = True  # kept, but never acknowledged
    widget.say("收到了吗")
    widget.expect_state("收到了吗", "pending")
    chat.until(lambda: chat.said("message"), "the message")
    page.clock.fast_forward(16_000)
    widget.expect_state("收到了吗", "failed")
    chat.silent = False
    page.get_by_role("button", name="重发").click()
    widget.expect_state("收到了吗", "done")
    assert widget.texts() == ["收到了吗"] and len(chat.rooms[chat.only_room]) == 1


def test_a_silent_connection_is_given_up(open_page, chat):
    page = open_page()
    page.clock.install()
    Widget(page, chat).open()
    page.clock.fast_forward(26_000)
    chat.until(lambda: chat.said("ping"), "a ping")
    page.clock.fast_forward(26_000)
    chat.until(lambda: len(chat.said("ping")) == 2, "a second ping")
    assert len(chat.said("hello")) == 1


@pytest.mark.parametrize("code", ["bad_token", "expired"])
def test_a_refused_session_is_replaced_and_nothing_unsent_is_lost(widget, chat, code):
    chat.refuse_hello = [code]
    widget.launcher.click()
    widget.say("你好")
    widget.expect_state("你好", "done")
    assert len(chat.said("hello")) == 2


def test_markup_is_shown_as_text(widget, chat):
    widget.open()
    card = {
        "kind": "product", "id": XSS, "title": XSS, "subtitle": XSS, "price": XSS,
        "image": "javascript:alert(1)", "url": "javascript:alert(1)",
        "buttons": [{"title": XSS, "token": "x"}],
    }  # fmt: skip
    bad = {"title": "坏链接", "url": "javascript:window.hurt=1"}
    good = {"title": "外部", "url": "https://example.com/a"}
    chat.bot(XSS, cards=[card], buttons=[{"title": XSS, "token": "y"}], links=[bad, good])
    expect(widget.log).to_contain_text(XSS)
    assert XSS in widget.texts()
    widget.say(XSS)
    widget.page.wait_for_timeout(200)
    assert widget.page.evaluate("window.hurt") is None
    expect(widget.page.locator("#qc-panel a")).to_have_count(1)
    link = widget.page.locator("#qc-panel a")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", re.compile("noopener noreferrer"))


def test_messages_of_another_tab_and_of_an_agent_appear(open_page, chat):
    first = Widget(open_page(), chat).open()
    first.say("在吗")
    first.expect_state("在吗", "done")
    second = Widget(open_page(context=first.page.context), chat)
    second.launcher.click()
    expect(second.bubble("在吗")).to_be_visible()
    chat.bot("您好，我是客服小李", sender="agent")
    for widget in (first, second):
        expect(widget.page.locator(".qc-agent")).to_contain_text("人工客服")
        expect(widget.bubble("您好，我是客服小李")).to_be_visible()


def test_unread_answers_are_counted_while_the_panel_is_closed(widget, chat):
    widget.open()
    chat.bot("一")
    expect(widget.bubble("一")).to_be_visible()
    widget.page.keyboard.press("Escape")
    expect(widget.badge).to_be_hidden()
    chat.bot("二")
    chat.bot("三")
    expect(widget.badge).to_have_text("2")
    expect(widget.launcher).to_have_attribute("aria-label", "打开在线客服，2 条未读消息")
    widget.page.reload()
    expect(widget.badge).to_have_text("2")
    widget.launcher.click()
    expect(widget.badge).to_be_hidden()


def test_shoppers_talks_are_kept_apart(widget, chat):
    widget.open()
    widget.say("游客的话")
    widget.expect_state("游客的话", "done")
    widget.page.get_by_label("当前顾客").select_option("demo")
    expect(widget.bubble("游客的话")).to_have_count(0)
    widget.say("小满的话")
    widget.expect_state("小满的话", "done")
    widget.page.reload()
    expect(widget.bubble("小满的话")).to_be_visible()
    widget.page.get_by_label("当前顾客").select_option("")
    expect(widget.bubble("游客的话")).to_be_visible()
    assert len(chat.rooms) == 2


def test_a_product_is_brought_along(open_page, chat):
    page = open_page("/products/P1")
    widget = Widget(page, chat)
    page.get_by_role("button", name="问客服").click()
    expect(page.locator(".qc-about")).to_contain_text("凌步 疾风3 男款跑步鞋")
    widget.say("有42码吗")
    widget.expect_state("有42码吗", "done")
    assert chat.said("message")[0]["product"] == "P1"
    page.get_by_role("button", name="发送商品").click()
    widget.expect_state("凌步 疾风3 男款跑步鞋（P1）", "done")
    expect(page.locator(".qc-about")).to_be_hidden()


def test_the_first_and_the_last_campaign_reach_the_session_once_allowed(open_page, chat):
    from cdp import session as sessions

    page = open_page("/landing?utm_source=ad1&utm_campaign=autumn&gclid=g1")
    page.goto(page.url.split("/landing")[0] + "/landing?utm_source=mail2")
    page.goto(page.url.split("/landing")[0] + "/")
    page.route("**/api/tracking", lambda route: route.fulfill(json={"write_key": "key"}))
    page.route("**/v1/batch", lambda route: route.fulfill(json={}))
    page.route("**/api/me/consent", lambda route: route.fulfill(json={}))
    Widget(page, chat).open()
    assert sessions.read(chat.said("hello")[0]["token"]).touch == {}
    page.locator("[data-consent=all]").click()
    chat.until(lambda: len(chat.said("hello")) == 2, "the session to be renewed")
    touch = sessions.read(chat.said("hello")[1]["token"]).touch
    assert touch["first"]["utm_source"] == "ad1" and touch["first"]["clickid"] == "g1"
    assert touch["first"]["clickid_name"] == "gclid" and touch["first"]["page"] == "/landing"
    assert touch["last"]["utm_source"] == "mail2" and "clickid" not in touch["last"]
