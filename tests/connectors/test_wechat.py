"""WeChat's official account against a simulator that was written from WeChat's documentation."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from cdp.messages import notify
from cdp.messages.tables import AddressRow
from connectors import rooms, worker
from connectors.fixed_words import words
from connectors.wechat import channel, outgoing
from connectors.wechat.channel import MiniProgramInput
from connectors.wechat.client import Account
from storage import utc_now, write
from tests.connectors.on_wechat import QUICK, SLOW, person_of, quick, talking
from tests.connectors.talks import box, does, inbox, until

# Fixtures, found by their names here.
__all__ = ["quick"]


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_question_is_answered_by_the_reply_which_counts_for_no_quota(database, mode):
    async with talking(mode) as (wechat, bot):
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "跑鞋有42码吗")
        assert (push.outcome, len(push.attempts)) == ("replied", 1)
        assert ann.texts == ["听到：跑鞋有42码吗"] and bot.heard == ["跑鞋有42码吗"]
        assert wechat.calls("/cgi-bin/message/custom/send") == []
        assert box() == [("sent", "passive")]


async def test_what_takes_longer_comes_by_a_customer_service_message(state, monkeypatch):
    # Such an account's requests do not wait as long as those of one that may only reply.
    monkeypatch.setattr(channel, "PATIENCE_SECONDS", SLOW * 2)
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
        assert ann.texts == [words("still_at_it")]


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
        await until(lambda: ann.texts[2:] == [words("link")])
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


@pytest.mark.parametrize(
    ("pause", "outcome", "kept"),
    [(0.01, "replied", ("sent", "passive")), (QUICK * 2, "accepted", ("sent", None))],
)
async def test_a_reply_that_could_not_be_kept_is_sent_once_when_it_is(
    state, monkeypatch, pause, outcome, kept
):
    finish, failures = rooms.finish, iter([OperationalError("locked", {}, Exception())])

    def failing(*given):
        shown = finish(*given)
        for error in failures:
            raise error
        return shown

    monkeypatch.setattr(rooms, "finish", failing)
    monkeypatch.setattr(worker, "PAUSES", (pause,))
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "在吗")
        assert push.outcome == outcome
        await until(lambda: box() == [kept])
        assert ann.texts == ["听到：在吗"]


async def test_a_request_whose_time_ends_while_its_reply_is_kept_gets_it(state, monkeypatch):
    finish = rooms.finish

    def slow(*given):
        shown = finish(*given)
        time.sleep(QUICK * 1.5)
        return shown

    monkeypatch.setattr(rooms, "finish", slow)
    async with talking() as (wechat, _):
        ann = wechat.shopper("o-ann")
        push = await does(ann.says, "在吗")
        assert (push.outcome, ann.texts) == ("replied", ["听到：在吗"])
        assert box() == [("sent", "passive")]


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


def test_an_account_that_is_half_told_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("WECHAT_APP_ID", "wx1")
    with pytest.raises(ValueError, match="WECHAT_APP_SECRET, WECHAT_TOKEN: expected"):
        Account.from_environment()
    monkeypatch.setenv("WECHAT_APP_SECRET", "s")
    monkeypatch.setenv("WECHAT_TOKEN", "t")
    monkeypatch.setenv("WECHAT_AES_KEY", "short")
    with pytest.raises(ValueError, match="43 characters"):
        Account.from_environment()
