"""WeCom's customer service against a simulator that was written from WeCom's documentation."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from cdp import cases, identity
from cdp.messages import notify, outbox
from connectors import plain, provenance, rooms, sender
from connectors.wecom import channel, cursors
from connectors.wecom.channel import WeComInput
from connectors.wecom.client import Corp
from storage import write
from tests.connectors.served import served
from tests.connectors.talks import Bot, box, does, until
from tests.vendors.wecom import Simulator

BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><xml><Encrypt>&c;</Encrypt></xml>'


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(channel, "PAUSES", (0.05, 0.05, 0.05))
    monkeypatch.setattr(outbox, "FIRST_PAUSE", timedelta(0))
    monkeypatch.setitem(channel._LATER, -1, timedelta(0))


@asynccontextmanager
async def talking():
    """The vendor with one account, our channel's address, and a bot in Rasa's place."""
    bot = Bot()
    with Simulator(callback_timeout=3.0) as wecom:
        wecom.account()
        corp = Corp(wecom.corp_id, wecom.secret, wecom.token, wecom.aes_key, wecom.url)
        async with served(WeComInput(corp), bot) as place:
            url = f"http://{place}/webhooks/wecom/webhook"
            assert await does(wecom.save_callback, url) == ""
            yield wecom, bot, url


async def test_a_question_is_fetched_and_answered(database):
    async with talking() as (wecom, bot, _):
        ann = wecom.shopper("小安")
        await does(ann.says, "跑鞋有42码吗")
        await until(lambda: ann.texts == ["听到：跑鞋有42码吗"])
        assert bot.heard == ["跑鞋有42码吗"]
        await until(lambda: box()[0][0] == "sent")
        assert cursors.of("wkShop")


async def test_an_empty_page_with_more_behind_it_ends_nothing(state):
    async with talking() as (wecom, bot, _):
        wecom.inbox.empty_pages = 2
        wecom.inbox.page_size = 1
        ann = wecom.shopper("小安")
        await does(ann.says, "一")
        await does(ann.says, "二")
        await until(lambda: sorted(bot.heard) == ["一", "二"])


async def test_who_comes_in_is_greeted_by_the_code_and_where_from_is_noted(state, monkeypatch):
    noted = []
    monkeypatch.setattr(provenance, "note_entry", lambda *told, **more: noted.append((told, more)))
    async with talking() as (wecom, bot, _):
        ann = wecom.shopper("小安")
        await does(ann.opens, wecom.link(scene="store12", scene_param="counter"))
        await until(lambda: len(ann.texts) == 1)
        assert bot.heard == ["/greet"]
        assert [one.via for one in wecom.sent] == ["send_msg_on_event"]
        ((told, more),) = noted
        assert told[2]["qr_scene"] == "store12"
        assert more["identifier"] == ("external_userid", ann.external_userid)


async def test_a_person_takes_over_and_gives_back(database):
    async with talking() as (wecom, bot, _):
        lili = wecom.member("lili", serves="wkShop")
        ann = wecom.shopper("小安")
        bot.does = lambda message: cases.request_person(message.sender_id, "asked", [])
        await does(ann.says, "转人工")
        await until(lambda: ann.session().state == 2)
        bot.does = None
        await does(lili.takes, ann)
        await does(ann.says, "鞋子开胶了")
        await does(lili.answers, ann, "您好，我来处理")
        room = f"wecom-wkShop/{ann.external_userid}"
        await until(lambda: "鞋子开胶了" in [one["text"] for one in rooms.history(room)])
        assert bot.heard == ["转人工"]
        await does(lili.ends, ann)
        await until(lambda: not cases.waits(room))
        await does(ann.says, "退货政策")
        await until(lambda: bot.heard[-1] == "退货政策")


async def test_a_vendor_that_is_down_is_tried_again_under_the_same_number(database):
    async with talking() as (wecom, *_):
        path = "kf/send_msg"
        wecom.fail_next(1, path=path, status=502)
        # Done, though its answer is lost: the next try finds its number there.
        wecom.fail_next(1, path=path, status=502, after=True)
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: box() and box()[0][0] == "sent")
        assert ann.texts == ["听到：在吗"]


async def test_a_sync_that_fails_is_done_again(state):
    async with talking() as (wecom, bot, _):
        wecom.fail_next(2, path="kf/sync_msg", status=502)
        await does(wecom.shopper("小安").says, "在吗")
        await until(lambda: bot.heard == ["在吗"])


async def test_a_token_that_has_ended_is_renewed(state):
    async with talking() as (wecom, bot, _):
        await does(wecom.shopper("小安").says, "一")
        await until(lambda: bot.heard == ["一"])
        wecom.expire_tokens()
        await does(wecom.shopper("小安").says, "二")
        await until(lambda: bot.heard == ["一", "二"])


async def test_the_quota_is_the_vendors_last_word(state):
    async with talking() as (wecom, *_):
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: len(ann.texts) == 1)
        with write() as session:
            person = identity.ensure_person(session, "external_userid", ann.external_userid)
        for number in range(6):
            await does(notify, person, f"通知 {number}")
        await until(lambda: [state for state, _ in box()].count("failed") == 2)
        assert len(ann.texts) == 5


def test_an_enterprise_that_is_half_told_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("WECOM_CORP_ID", "ww1")
    with pytest.raises(ValueError, match="WECOM_KF_SECRET, WECOM_TOKEN, WECOM_AES_KEY: expected"):
        Corp.from_environment()


def test_choices_beyond_a_menu_and_long_titles_are_cut():
    made = WeComInput(None)
    buttons = [{"title": "长" * 60, "token": f"t{n}"} for n in range(12)]
    (part,) = made.parts({"text": "选哪个？", "buttons": buttons})
    assert len(part["buttons"]) == channel.MOST_CHOICES
    menu = channel._content(part)["msgmenu"]
    assert all(len(one["click"]["content"].encode()) <= 120 for one in menu["list"])
    assert plain.CHOOSE not in menu["head_content"]
