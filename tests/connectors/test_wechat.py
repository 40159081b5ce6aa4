"""WeChat's official account against a simulator that was written from WeChat's documentation."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
import requests
from sqlalchemy import update

from cdp.messages import notify
from cdp.messages.tables import AddressRow
from connectors import provenance, tencent, vendor
from connectors.wechat import channel, outgoing, payloads
from connectors.wechat.channel import MiniProgramInput, WeChatInput
from connectors.wechat.client import Account
from storage import read, utc_now, write
from tests.connectors.on_wechat import QUICK, person_of, quick, talking
from tests.connectors.served import served
from tests.connectors.talks import Bot, box, does, inbox, until
from tests.vendors.wechat.pushing import signed_query

# Fixtures, found by their names here.
__all__ = ["quick"]
BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><xml><Content>&c;</Content></xml>'


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_question_is_answered_by_the_reply_which_counts_for_no_quota(database, mode):
    async with talking(mode) as (wechat, bot):
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "跑鞋有42码吗")
        assert (push.outcome, len(push.attempts)) == ("replied", 1)
        assert ann.texts == ["听到：跑鞋有42码吗"] and bot.heard == ["跑鞋有42码吗"]
        assert wechat.calls("/cgi-bin/message/custom/send") == []
        assert box() == [("sent", "passive")]


async def test_what_takes_longer_comes_by_a_customer_service_message(state):
    async with talking() as (wechat, bot):
        bot.seconds = QUICK * 2
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "我要退货")
        assert (push.outcome, ann.texts) == ("accepted", [])
        await until(lambda: ann.texts == ["听到：我要退货"])
        assert ann.seen[0].via == "custom"
        await until(lambda: box() == [("sent", None)])


async def test_an_account_that_may_only_reply_answers_a_later_try(state):
    async with talking(verified=False) as (wechat, bot):
        bot.seconds = QUICK * 1.5
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "什么时候发货")
        assert push.outcome == "replied" and len(push.attempts) == 2
        assert ann.texts == ["听到：什么时候发货"] and bot.heard == ["什么时候发货"]


async def test_an_account_that_may_only_reply_says_so_where_it_takes_too_long(state):
    async with talking(verified=False) as (wechat, bot):
        bot.seconds = QUICK * 6
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "什么时候发货")
        assert [one.outcome for one in push.attempts] == ["status", "status", "replied"]
        assert ann.texts == [channel.STILL_AT_IT]


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_a_mini_program_is_served_by_customer_service_messages(state, mode, data_format):
    mini = {"kind": "miniprogram", "data_format": data_format}
    async with talking(mode, MiniProgramInput, **mini) as (wechat, bot):
        ann = wechat.shopper("o-ann")
        push = await does(ann.enters, "product-P17")
        assert push.outcome == "accepted"
        await until(lambda: bot.heard == ["/greet"] and len(ann.texts) == 1)
        await does(ann.says, "跑鞋有42码吗")
        await until(lambda: ann.texts[1:] == ["听到：跑鞋有42码吗"])
        await does(ann.sends_card, "疾风3", "pages/product?id=P17")
        await until(lambda: ann.texts[2:] == [vendor.NOT_READ["link"]])
        assert {one.via for one in ann.seen} == {"custom"}


async def test_what_comes_twice_is_answered_once_and_a_lost_reply_is_given_again(database):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        wechat.repeat_next(2)
        push = await does(ann.says, "在吗")
        assert bot.heard == ["在吗"] and inbox() == ["在吗"]
        # Each try is answered alike, whichever of them reaches the shopper.
        assert [one.outcome for one in push.attempts] == ["replied"] * 3
        assert len(box()) == 1


async def test_a_number_chooses_what_was_offered(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        buttons = [
            {"title": "七天无理由", "payload": "/ask_return_policy"},
            {"title": "质量问题", "payload": "/request_return"},
        ]
        bot.answer = {"text": "您是想问哪一个？", "buttons": buttons}
        await does(ann.says, "退货")
        assert ann.texts == ["您是想问哪一个？\n\n回复数字选择：\n1. 七天无理由\n2. 质量问题"]
        bot.answer = {}
        await does(ann.says, "２")
        assert bot.heard[-1] == "/request_return"
        # Nothing is offered now: a number is only a number.
        await does(ann.says, "2")
        assert bot.heard[-1] == "2"


async def test_nobody_sets_an_intent_by_typing_it(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        for typed in ('/request_refund{"order_number": "QD2026110101"}', "　/restart"):
            await does(ann.says, typed)
        assert all(text.startswith("／") for text in bot.heard)


async def test_where_a_follower_came_from_is_noted_and_they_are_greeted(state, monkeypatch):
    noted = []

    def note(*given, **more) -> None:
        noted.append((given, more))

    monkeypatch.setattr(provenance, "note_entry", note)
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann", following=False)
        await does(ann.follows, "qrscene_store-12")
        assert bot.heard == ["/greet"] and len(ann.texts) == 1
        ((given, more),) = noted
        assert given[2] == {"qr_scene": "store-12"}
        assert more["identifier"] == ("openid", "o-ann")
        await does(ann.unfollows)
        with read() as session:
            assert session.get(AddressRow, ("wechat", "o-ann")).closed_at is not None


async def test_a_newer_version_with_unknown_fields_is_understood_and_counted(state):
    async with talking(newer_payloads=True) as (wechat, bot):
        before = payloads.unknown["NewField"]
        ann = wechat.shopper("o-ann")
        await does(wechat.push, "o-ann", _text(ann, "你好", NewField="x"))
        assert ann.texts == ["听到：你好"]
        assert payloads.unknown["NewField"] == before + 1
        bot.seconds = QUICK * 2
        await does(ann.says, "在吗")
        await until(lambda: ann.texts[1:] == ["听到：在吗"])


def _text(shopper, content: str, **more) -> dict:
    return {
        "ToUserName": shopper.vendor.original_id,
        "FromUserName": shopper.openid,
        "CreateTime": int(shopper.vendor.clock()),
        "MsgType": "text",
        "Content": content,
        "MsgId": shopper.vendor.next_msgid(),
        **more,
    }


@pytest.mark.parametrize(
    "forged",
    [{"token": "guessed"}, {"at": -400}, {"appid": "wx-somebody-else"}],
    ids=["signature", "old", "app id"],
)
async def test_what_is_not_wechats_or_not_ours_is_refused(state, forged):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        if "at" in forged:
            forged = {"at": int(wechat.clock()) + forged["at"]}
        push = await does(wechat.push, "o-ann", _text(ann, "你好"), forged)
        assert {one.status for one in push.attempts} == {403}
        assert (bot.heard, inbox(), box()) == ([], [], [])


async def test_a_request_replayed_by_an_eavesdropper_changes_nothing(state, monkeypatch):
    async with talking() as (wechat, bot):
        push = await does(wechat.shopper("o-ann").says, "在吗")
        # Within five minutes it is known by its number; its time is too old after that.
        assert (await does(wechat.replay, push.attempts[0])).status == 200
        assert bot.heard == ["在吗"] and len(box()) == 1
        later = time.time() + 301
        monkeypatch.setattr(tencent, "time", SimpleNamespace(time=lambda: later))
        assert (await does(wechat.replay, push.attempts[0])).status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<xml><MsgType>text", 400),
        (b"{}", 400),
        (b"<html/>", 400),
        (b"<xml><MsgType>text</MsgType></xml>", 400),
        (BOMB, 400),
        (b'{"a":' + b"[" * 60_000, 400),
        (b"<a>" * 20_000, 400),
        (b"<xml>" + b"a" * 70_000 + b"</xml>", 413),
    ],
    ids=["empty", "broken", "json", "other", "nobody", "entities", "nested", "deep", "large"],
)
async def test_what_cannot_be_read_is_refused(state, body, status):
    async with talking("plain") as (wechat, bot):
        query = signed_query(wechat, "o-ann", int(wechat.clock()), wechat.token)
        post = partial(requests.post, params=query, timeout=9)
        answer = await does(post, wechat.callback_url, body)
        assert answer.status_code == status
        assert bot.heard == []


async def test_in_safe_mode_nothing_is_taken_in_clear(state):
    async with talking() as (wechat, bot):
        wechat.mode = "plain"
        push = await does(wechat.shopper("o-ann").says, "你好")
        assert {one.status for one in push.attempts} == {403} and bot.heard == []


async def test_a_token_that_has_ended_is_renewed_once(state):
    async with talking() as (wechat, bot):
        bot.seconds = QUICK * 2
        ann = wechat.shopper("o-ann")
        await does(ann.says, "一")
        await until(lambda: len(ann.texts) == 1)
        wechat.fail_next(1, path="/cgi-bin/message/custom/send", errcode=42001)
        await does(ann.says, "二")
        await until(lambda: len(ann.texts) == 2)
        assert len(wechat.calls("/cgi-bin/stable_token")) == 2


async def test_a_vendor_that_is_down_is_tried_again_and_a_refusal_is_not(state, monkeypatch):
    async with talking() as (wechat, bot):
        bot.seconds = QUICK * 2
        ann = wechat.shopper("o-ann")
        path = "/cgi-bin/message/custom/send"
        wechat.fail_next(1, path=path, errcode=-1)
        wechat.fail_next(1, path=path, status=502)
        monkeypatch.setitem(outgoing.LATER, -1, timedelta(0))
        await does(ann.says, "在吗")
        await until(lambda: ann.texts == ["听到：在吗"])
        assert len(wechat.calls(path)) == 3
        ann.refuses = True
        await does(ann.says, "好的")
        await until(lambda: [state for state, _ in box()] == ["sent", "failed"])


async def test_the_quota_is_known_before_it_is_hit(state):
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        for number in range(7):
            await does(notify, person_of(ann), f"通知 {number}")
            await until(lambda: box()[-1][0] in ("sent", "failed"))
        assert [state for state, _ in box()] == ["sent"] * 6 + ["failed"] * 2
        assert len(wechat.calls("/cgi-bin/message/custom/send")) == 5
        assert [one.via for one in ann.seen] == ["passive", *["custom"] * 5]


async def test_a_shopper_who_wrote_long_ago_is_not_written_to(state):
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann")
        await does(ann.says, "在吗")
        with write() as session:
            session.execute(update(AddressRow).values(heard_at=utc_now() - timedelta(hours=49)))
        await does(notify, person_of(ann), "您的退款到账了")
        await until(lambda: box()[-1][0] == "failed")
        assert wechat.calls("/cgi-bin/message/custom/send") == []


async def test_a_long_answer_is_split_between_sentences_and_none_of_it_is_lost(state):
    async with talking() as (wechat, bot):
        bot.answer = {"text": "。".join(f"第{n}条规则，请您仔细看" for n in range(120)) + "。"}
        ann = wechat.shopper("o-ann")
        await does(ann.says, "退货政策")
        await until(lambda: "".join(ann.texts) == bot.answer["text"], 20)
        assert len(ann.texts) > 1 and all(text.endswith("。") for text in ann.texts)


async def test_somebody_who_floods_is_not_listened_to(state, monkeypatch):
    monkeypatch.setattr(vendor, "BY_SENDER", vendor.RateLimitItemPerMinute(3))
    async with talking() as (wechat, bot):
        for number in range(5):
            await does(wechat.shopper("o-ann").says, f"{number}")
        await does(wechat.shopper("o-bob").says, "在吗")
        assert bot.heard == ["0", "1", "2", "在吗"]


async def test_without_an_account_the_channel_is_off(state, monkeypatch):
    monkeypatch.delenv("WECHAT_APP_ID", raising=False)
    async with served(WeChatInput.from_credentials(None), Bot()) as place:
        url = f"http://{place}/webhooks/wechat"
        assert (await does(requests.get, f"{url}/")).json() == {"status": "off"}
        assert (await does(requests.post, f"{url}/webhook", b"<xml/>")).status_code == 403


def test_an_account_that_is_half_told_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("WECHAT_APP_ID", "wx1")
    with pytest.raises(ValueError, match="WECHAT_APP_SECRET, WECHAT_TOKEN: expected"):
        Account.from_environment()
    monkeypatch.setenv("WECHAT_APP_SECRET", "s")
    monkeypatch.setenv("WECHAT_TOKEN", "t")
    monkeypatch.setenv("WECHAT_AES_KEY", "short")
    with pytest.raises(ValueError, match="43 characters"):
        Account.from_environment()
