"""An app of the enterprise's own at WeCom, and contacts, against the vendor's simulator."""

from __future__ import annotations

from functools import partial

import pytest
import requests

from cdp import consent, identity, pipeline, profiles, tags
from cdp.messages import notify
from cdp.messages.tables import AddressRow
from connectors import provenance, unknown
from connectors.behind import Behind
from connectors.fixed_words import words
from connectors.wecom.app import WeComAppInput
from connectors.wecom.channel import WeComInput
from connectors.wecom.client import Corp
from connectors.wecom.contacts import (
    BadWelcomes,
    Welcome,
    Welcomes,
    load,
    welcomes_of_environment,
)
from storage import read, write
from tests.connectors.on_wecom import person_of, quick, talking
from tests.connectors.served import served
from tests.connectors.talks import Bot, box, does, inbox, until
from tests.vendors.wecom import Simulator

# Fixtures, found by their names here.
__all__ = ["quick"]

LINK = ({"title": "逛逛", "url": "/?utm_source=wecom"},)
WELCOMES = Welcomes({"default": Welcome("您好"), "store": Welcome("欢迎光临门店", LINK)})
with_app = partial(talking, WeComAppInput, WELCOMES)


# Members and the app.


async def test_a_member_is_answered_by_a_message_of_the_app(database):
    async with with_app() as (wecom, bot, _):
        lili = wecom.member("lili")
        await does(lili.says, "退货政策是什么")
        await until(lambda: lili.texts == ["听到：退货政策是什么"])
        assert bot.heard == ["退货政策是什么"] == inbox()
        await until(lambda: box()[0][0] == "sent")
        assert box()[0][1].startswith("app")
        # One of the shop's own people does not become a shopper by asking.
        with read() as session:
            assert session.get(AddressRow, ("wecom_app", "lili")).kind == "conversation"


async def test_choices_are_numbered_and_long_answers_split(state):
    async with with_app() as (wecom, bot, _):
        lili = wecom.member("lili")
        buttons = [{"title": "七天无理由", "payload": "/ask_return_policy"}]
        bot.answer = {"text": "。".join("长" * 90 for _ in range(12)) + "。", "buttons": buttons}
        await does(lili.says, "退货")
        await until(lambda: len(lili.texts) == 2)
        assert lili.texts[1].endswith("1. 七天无理由")
        assert all(len(text.encode()) <= 2_000 for text in lili.texts)
        bot.answer = {}
        await does(lili.says, "1")
        await until(lambda: bot.heard[-1] == "/ask_return_policy")


async def test_what_a_member_sends_otherwise_and_what_the_app_is_told(state):
    unknown.counts.clear()
    async with with_app() as (wecom, bot, _):
        lili = wecom.member("lili")
        await does(lili.enters)
        await does(lili.sends_image)
        await until(lambda: lili.texts == [words("image")])
        await does(lili.clicks, "今日优惠")
        await until(lambda: bot.heard == ["今日优惠"])
        await does(lambda: lili.sends("hologram"))
        await until(lambda: lili.texts[-1] == words("unknown"))
        await does(lambda: lili.sends("event", Event="future_event"))
        assert unknown.counts["wecom_app", "hologram"] == 1
        assert unknown.counts["wecom_app", "future_event"] == 1
        await does(lambda: lili.sends("event", Event="unsubscribe"))
        with read() as session:
            assert session.get(AddressRow, ("wecom_app", "lili")).closed_at is not None


async def test_what_comes_twice_is_answered_once(state):
    async with with_app() as (wecom, bot, _):
        lili = wecom.member("lili")
        await does(lili.says, "在吗")
        await does(wecom.again, wecom.deliveries[-1])
        await until(lambda: len(lili.texts) == 1)
        assert bot.heard == ["在吗"] and len(box()) == 1


async def test_what_another_app_is_told_is_not_answered(state):
    async with with_app() as (wecom, bot, _):
        wecom.agent_id = 7
        await does(wecom.member("lili").says, "在吗")
        assert (bot.heard, box()) == ([], [])


async def test_a_member_who_is_gone_is_not_written_to_again(state):
    async with with_app() as (wecom, *_):
        wecom.fail_next(1, path="message/send", errcode=81013)
        await does(wecom.member("lili").says, "在吗")
        await until(lambda: box() and box()[0][0] == "failed")
        with read() as session:
            assert session.get(AddressRow, ("wecom_app", "lili")).closed_at is not None
        await does(wecom.member("lili").says, "在吗")
        await until(lambda: wecom.member("lili").texts == ["听到：在吗"])


async def test_a_vendor_that_is_down_is_tried_again(state):
    async with with_app() as (wecom, *_):
        wecom.fail_next(1, path="message/send", errcode=-1)
        wecom.fail_next(1, path="message/send", status=502)
        await does(wecom.member("lili").says, "在吗")
        await until(lambda: wecom.member("lili").texts == ["听到：在吗"])


# Contacts.


async def test_who_adds_a_member_by_a_code_is_welcomed_and_where_from_is_noted(
    database, monkeypatch
):
    monkeypatch.setattr(provenance, "_noted", provenance._Noted())
    monkeypatch.setattr(provenance, "_platform", Behind("provenance", provenance._send))
    pipeline.load_jobs()
    async with with_app() as (wecom, *_):
        ann = wecom.shopper("小安")
        with write() as session:
            known = [("external_userid", ann.external_userid)]
            consent.record(session, known, ("analytics",), True, "wecom_contact", "a test")
        await does(ann.adds, wecom.contact_way("lili", "store-12"))
        await until(lambda: len(ann.seen) == 2)
        text, link = ann.seen
        assert text.text == "欢迎光临门店"
        assert link.body == {"title": "逛逛", "url": "http://localhost:8000/?utm_source=wecom"}
        await does(provenance.settle)
        while await does(pipeline.run_once):
            pass
        with read() as session:
            person = identity.person_of(session, known)
            touch = profiles.get(session, person)["first_touch"]
            named = {one.tag for one in tags.of(session, person)}
        assert (touch["qr_scene"], touch["channel"]) == ("store-12", "线下渠道")
        assert "来源:线下渠道" in named


async def test_a_welcome_is_said_once_however_often_the_event_comes(state):
    async with with_app() as (wecom, *_):
        ann = wecom.shopper("小安")
        await does(ann.adds, wecom.contact_way("lili", "shelf"))
        await until(lambda: ann.texts == ["您好"])
        await does(wecom.again, wecom.deliveries[-1])
        await until(lambda: wecom.calls[-1].errcode == 41051)
        assert ann.texts == ["您好"]


async def test_a_welcome_that_fails_is_tried_again_and_none_is_needed(state):
    async with with_app() as (wecom, *_):
        ann = wecom.shopper("小安")
        wecom.fail_next(1, path="externalcontact/send_welcome_msg", status=502)
        wecom.fail_next(1, path="externalcontact/send_welcome_msg", errcode=-1)
        await does(ann.adds, "lili")
        await until(lambda: ann.texts == ["您好"])
        wecom.member("momo").native_welcome = True
        await does(ann.adds, "momo")
        assert ann.texts == ["您好"]


@pytest.mark.parametrize("by_shopper", [True, False])
async def test_who_parts_is_not_reached_there_any_more(state, by_shopper):
    async with with_app() as (wecom, *_):
        ann, lili = wecom.shopper("小安"), wecom.member("lili")
        await does(ann.adds, wecom.contact_way("lili", "a"))
        place = ("wecom_contact", f"lili/{ann.external_userid}")
        with read() as session:
            assert session.get(AddressRow, place).closed_at is None
        await does(ann.removes, "lili") if by_shopper else await does(lili.removes, ann)
        with read() as session:
            assert session.get(AddressRow, place).closed_at is not None
        assert (await does(notify, person_of(ann), "您的退款到账了")).reason == "no_address"


async def test_a_message_to_a_contact_is_a_task_that_the_member_sends_on(database):
    async with with_app() as (wecom, *_):
        ann, lili = wecom.shopper("小安"), wecom.member("lili")
        await does(ann.adds, wecom.contact_way("lili", "a"))
        await until(lambda: ann.texts == ["您好"])
        buttons = [{"title": "好的", "payload": "/affirm"}]
        told = {"text": "您的退款到账了", "buttons": buttons}
        assert (await does(notify, person_of(ann), told)).channel == "wecom_contact"
        await until(lambda: box() and box()[0][0] == "sent")
        assert ann.texts == ["您好"]
        await does(lili.confirms)
        # The member gets the answer: nothing of ours is offered.
        assert ann.texts == ["您好", "您的退款到账了"]
        # Deleted meanwhile, and nobody has told us yet.
        wecom.contacts.follows.clear()
        await does(notify, person_of(ann), "您的包裹到了")
        await until(lambda: [state for state, _ in box()] == ["sent", "failed"])


async def test_one_app_may_hear_of_customer_service_too(state):
    bot = Bot()
    with Simulator(callback_timeout=3.0) as wecom:
        corp = Corp(
            wecom.corp_id, wecom.secret, wecom.token, wecom.aes_key, wecom.url, wecom.agent_id
        )
        async with served(WeComAppInput(corp), bot, WeComInput(corp)) as place:
            await does(wecom.save_callback, f"http://{place}/webhooks/wecom_app/webhook")
            ann = wecom.shopper("小安")
            await does(ann.says, "有42码吗")
            await until(lambda: ann.texts == ["听到：有42码吗"])
            await does(wecom.member("lili").says, "在吗")
            await until(lambda: wecom.member("lili").texts == ["听到：在吗"])


async def test_where_customer_service_is_off_its_events_are_nobodys(state):
    async with with_app() as (wecom, bot, _):
        await does(wecom.shopper("小安").says, "在吗")
        assert wecom.deliveries[-1].ok and bot.heard == []


# What is not genuine, and what is not set.


async def test_what_is_not_wecoms_is_refused(state):
    async with with_app() as (wecom, bot, url):
        xml = "<xml><FromUserName>lili</FromUserName><MsgType>text</MsgType></xml>"
        for forged in ({"signed": "guessed"}, {"receiver": "ww-x"}, {"timestamp": "1000000000"}):
            status, *_ = await does(lambda how=forged: wecom.forge(xml, "app", **how))
            assert status == 403
        # Genuine, but without its number.
        status, *_ = await does(lambda: wecom.forge(xml, "app"))
        assert status == 400 and bot.heard == []
        assert (await does(requests.post, url, b"<xml>")).status_code == 400


async def test_without_an_app_the_channel_is_off(state, monkeypatch):
    for name in ("WECOM_CORP_ID", "WECOM_APP_SECRET"):
        monkeypatch.delenv(name, raising=False)
    async with served(WeComAppInput.from_credentials(None), Bot()) as place:
        url = f"http://{place}/webhooks/wecom_app"
        assert (await does(requests.get, f"{url}/")).json() == {"status": "off"}
        assert (await does(requests.post, f"{url}/webhook", b"<xml/>")).status_code == 403


def test_the_longest_beginning_of_a_state_chooses_the_welcome():
    told = {"default": Welcome("一"), "store": Welcome("二"), "store-vip": Welcome("三")}
    made = Welcomes(told)
    said = [made.of(state).text for state in ("", "leaflet", "store-1", "store-vip-2")]
    assert said == ["一", "一", "二", "三"]
    assert Welcomes({}).of("store") is None


def test_the_shops_own_welcomes_are_in_order():
    shown = welcomes_of_environment().of("store-12")
    assert shown.body("c")["attachments"][0]["link"]["url"].startswith("http")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a", "expected beginnings of states"),
        ("default: {links: []}", "default: expected text"),
        ("default: {text: ' '}", "default, text: expected 1 to"),
        ("default: {text: a, links: [{title: b}]}", "links: expected title and opens"),
        ("default: {text: a, links: [{title: '', opens: /}]}", "a title of 1 to 128"),
        ("a: [", "welcomes.yml"),
    ],
)
def test_a_file_of_welcomes_that_is_not_in_order_says_where(tmp_path, text, reason):
    file = tmp_path / "welcomes.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadWelcomes, match=reason):
        load(file)
