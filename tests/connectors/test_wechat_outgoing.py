"""What WeChat's account sends of itself: menus, merged answers, and templates for who is silent."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import update

from cdp import consent
from cdp.messages import answers, notices, notify, outbox
from cdp.messages.answers import Answer
from cdp.messages.tables import AddressRow
from connectors import quota, tencent
from connectors.fixed_words import words
from connectors.tokens import Shared, Token
from connectors.wechat.client import Account, Client
from connectors.wechat.templates import Template
from storage import read, utc_now, write
from tests.connectors.on_wechat import QUICK, person_of, quick, talking
from tests.connectors.talks import box, does, until

# Fixtures, found by their names here.
__all__ = ["quick"]

SENT, TEMPLATE = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send"
REFUND = {
    "text": "您的退款到账了，¥2999 已原路退回。",
    "template": {"name": "refund_arrived", "fields": {"order": "QD2026110003", "amount": "2999"}},
}
BUTTONS = [
    {"title": "七天无理由", "payload": "/ask_return_policy"},
    {"title": "质量问题", "payload": "/request_return"},
]


def templates(number: str = "tpl-refund") -> dict[str, Template]:
    fields = {"character_string1": "{order}", "amount2": "¥{amount}", "thing3": "已原路退回"}
    return {"refund_arrived": Template(number, fields, "/orders")}


def add_template(wechat) -> None:
    wanted = "订单{{character_string1.DATA}}退款{{amount2.DATA}}{{thing3.DATA}}"
    wechat.add_template(wanted, "tpl-refund")


async def silent(ann) -> int:
    """A shopper who wrote two days ago; who it is."""
    await does(ann.says, "在吗")
    with write() as session:
        session.execute(update(AddressRow).values(heard_at=utc_now() - timedelta(hours=49)))
    return person_of(ann)


async def test_who_was_silent_for_two_days_is_told_by_a_template(database):
    async with talking(templates=templates()) as (wechat, _):
        add_template(wechat)
        ann = wechat.shopper("o-ann")
        await does(notify, await silent(ann), REFUND)
        await until(lambda: box()[-1][0] == "sent")
        assert ann.texts[1:] == ["订单QD2026110003退款¥2999已原路退回"]
        assert ann.seen[-1].content["url"] == "http://localhost:8000/orders"
        assert wechat.calls(SENT) == []
        await does(wechat.finish_templates)
        await until(lambda: box()[-1][0] == "arrived")


async def test_within_two_days_the_words_of_the_message_are_sent(state):
    async with talking(templates=templates()) as (wechat, _):
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        await does(notify, person_of(ann), REFUND)
        await until(lambda: box()[-1][0] == "sent")
        assert ann.texts[1:] == [REFUND["text"]] and wechat.calls(TEMPLATE) == []


async def test_where_wechat_closes_the_window_first_a_template_is_sent(state):
    async with talking(templates=templates()) as (wechat, _):
        add_template(wechat)
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        wechat.fail_next(1, path=SENT, errcode=45047)
        await does(notify, person_of(ann), REFUND)
        await until(lambda: box()[-1][0] == "sent")
        assert ann.seen[-1].via == "template"


@pytest.mark.parametrize("status", ["failed:user block", "failed: system failed", ""])
async def test_a_template_that_did_not_arrive_is_noted(state, status):
    async with talking(templates=templates()) as (wechat, _):
        add_template(wechat)
        ann = wechat.shopper("o-ann")
        await does(notify, await silent(ann), REFUND)
        await until(lambda: box()[-1][0] == "sent")
        number = wechat.calls(TEMPLATE)[0].answer["msgid"]
        await does(lambda: ann.has_event("TEMPLATESENDJOBFINISH", MsgID=number, Status=status))
        await until(lambda: box()[-1][0] == "failed")
        push = await does(lambda: ann.has_event("TEMPLATESENDJOBFINISH", MsgID=1, Status="success"))
        assert push.outcome == "accepted"


@pytest.mark.parametrize("code", [40037, 47003, 43101, 43004])
async def test_a_template_that_wechat_refuses_is_not_tried_again(state, code):
    async with talking(templates=templates()) as (wechat, _):
        ann = wechat.shopper("o-ann")
        person = await silent(ann)
        wechat.fail_next(1, path=TEMPLATE, errcode=code)
        await does(notify, person, REFUND)
        await until(lambda: box()[-1][0] == "failed")
        assert len(wechat.calls(TEMPLATE)) == 1
        with read() as session:
            closed = session.get(AddressRow, ("wechat", "o-ann")).closed_at
        # Who does not follow is not written to until they come back.
        assert (closed is not None) == (code == 43004)


async def test_a_template_whose_answer_is_lost_is_sent_again_and_shown_once(state, monkeypatch):
    monkeypatch.setattr(tencent, "TIMEOUT", aiohttp.ClientTimeout(total=0.4))
    async with talking(templates=templates()) as (wechat, _):
        add_template(wechat)
        ann = wechat.shopper("o-ann")
        person = await silent(ann)
        wechat.fail_next(1, path=TEMPLATE, seconds=0.6)
        await does(notify, person, REFUND)
        await until(lambda: box()[-1][0] == "sent")
        await until(lambda: len(wechat.calls(TEMPLATE)) == 2)
        assert [one.via for one in ann.seen] == ["passive", "template"]


async def test_marketing_is_not_said_by_a_template(state, monkeypatch):
    monkeypatch.setattr(notices.limits, "of", lambda _: notices.limits.Limits(good_for_hours=1))
    async with talking(templates=templates()) as (wechat, _):
        ann = wechat.shopper("o-ann")
        person = await silent(ann)
        with write() as session:
            consent.record(session, [("openid", "o-ann")], ("marketing",), True, "wechat", "a test")
        await does(notify, person, REFUND, "marketing")
        await until(lambda: box()[-1][0] == "failed")
        assert wechat.calls(TEMPLATE) == []


async def test_what_a_message_does_not_say_is_not_sent(state):
    async with talking(templates=templates()) as (wechat, _):
        short = {**REFUND, "template": {"name": "refund_arrived", "fields": {"order": "1"}}}
        await does(notify, await silent(wechat.shopper("o-ann")), short)
        await until(lambda: box()[-1][0] == "failed")
        assert wechat.calls(TEMPLATE) == []


async def test_what_would_not_fit_the_quota_is_sent_as_one(database):
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        soon = utc_now() + timedelta(seconds=1)
        for number in range(7):
            await does(lambda n=number: notify(person_of(ann), f"通知 {n}", at=soon))
        await until(lambda: [state for state, _ in box()] == ["sent"] * 8)
        assert "\n\n".join(ann.texts[1:]) == "\n\n".join(f"通知 {n}" for n in range(7))
        assert len(wechat.calls(SENT)) <= 5


async def test_the_last_place_is_kept_for_the_answers_that_are_to_come(database, monkeypatch):
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(seconds=1))
    said = [f"问题 {number}" for number in range(9)]
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        # Nothing is answered until all is said, and then one after the other.
        bot.gate.clear()
        for text in said:
            await does(ann.says, text)
        bot.seconds = 0.1
        bot.gate.set()
        await until(lambda: [state for state, _ in box()] == ["sent"] * len(said))
        assert "\n\n".join(ann.texts) == "\n\n".join(f"听到：{text}" for text in said)
        assert len(wechat.calls(SENT)) == 5


async def test_answers_that_do_not_come_hold_nothing_back_for_ever(state, monkeypatch):
    monkeypatch.setattr(quota, "PATIENT_TRIES", 2)
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        bot.gate.clear()
        for number in range(6):
            await does(ann.says, f"问题 {number}")
        for number in range(5):
            with write() as session:
                body = {"text": f"答 {number}", "buttons": [], "cards": [], "links": []}
                answers.put(session, Answer("wechat", "o-ann", [body], f"answer {number}"))
        await until(lambda: [state for state, _ in box()] == ["sent"] * 5)
        bot.gate.set()


async def test_choices_sent_later_are_a_menu_whose_entries_are_tapped(database):
    async with talking() as (wechat, bot):
        bot.seconds, bot.answer = QUICK * 2, {"text": "您是想问哪一个？", "buttons": BUTTONS}
        ann = wechat.shopper("o-ann")
        await does(ann.says, "退货")
        await until(lambda: ann.texts)
        (menu,) = ann.seen
        assert (menu.kind, menu.text) == ("msgmenu", "您是想问哪一个？\n七天无理由\n质量问题")
        bot.seconds, bot.answer = 0, {}
        await does(ann.chooses, menu.content["list"][1]["id"])
        assert bot.heard[-1] == "/request_return"


async def test_where_there_are_no_menus_the_choices_are_numbered(state):
    async with talking(test_account=True) as (wechat, bot):
        bot.seconds, bot.answer = QUICK * 2, {"text": "您是想问哪一个？", "buttons": BUTTONS}
        ann = wechat.shopper("o-ann")
        await does(ann.says, "退货")
        await until(lambda: ann.texts)
        assert ann.texts[0].endswith("1. 七天无理由\n2. 质量问题")
        await does(ann.says, "退款")
        await until(lambda: len(ann.texts) == 2)
        # It is asked once only.
        assert [one.errcode for one in wechat.calls(SENT)] == [40200, 0, 0]


async def test_the_choices_of_the_shops_own_message_can_be_chosen(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        await does(notify, person_of(ann), {"text": "收到货了吗？", "buttons": BUTTONS})
        await until(lambda: len(ann.seen) == 2)
        await does(ann.chooses, ann.seen[1].content["list"][0]["id"])
        assert bot.heard[-1] == "/ask_return_policy"


async def test_more_choices_than_a_menu_has_are_numbered(state):
    async with talking() as (wechat, bot):
        buttons = [{"title": f"第{n}项", "payload": f"/c{n}"} for n in range(1, 13)]
        bot.seconds, bot.answer = QUICK * 2, {"text": "选哪个？", "buttons": buttons}
        ann = wechat.shopper("o-ann")
        await does(ann.says, "有什么")
        await until(lambda: ann.texts)
        assert words("choose") in ann.texts[0] and ann.texts[0].endswith("12. 第12项")


async def test_processes_share_a_token_and_one_renews_it(database):
    async with talking() as (wechat, _):
        account = Account(wechat.appid, wechat.secret, wechat.token, api=wechat.url)
        several = [Client(account, shared=True) for _ in range(3)]
        try:
            menus = "/cgi-bin/template/get_all_private_template"
            await asyncio.gather(*(one.call(menus) for one in several))
            assert len(wechat.calls("/cgi-bin/stable_token")) == 1
            wechat.tokens.expire()
            await asyncio.gather(*(one.call(menus) for one in several))
            assert len(wechat.calls("/cgi-bin/stable_token")) == 2
            stored = Shared("wechat", wechat.appid, wechat.secret)
            assert isinstance(await does(stored.take, None), Token)
        finally:
            for one in several:
                await one.close()
