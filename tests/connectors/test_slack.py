"""Slack against a simulator that was written from Slack's documentation."""

from __future__ import annotations

import asyncio

import pytest

from cdp.messages.tables import AddressRow, OutboxRow
from storage import read
from tests.connectors.on_slack import quick, talking
from tests.connectors.talks import box, does, inbox, until

__all__ = ["quick"]


async def test_a_direct_message_is_answered_there(database):
    async with talking() as at:
        team, bot = at.team, at.bot
        await does(team.user("U1").dm, "跑鞋有42码吗？<b> & 更多")
        await until(lambda: len(team.im("U1").texts()) == 2)
        assert bot.heard == ["跑鞋有42码吗？<b> & 更多"]
        assert team.im("U1").messages[-1].text.endswith("听到：跑鞋有42码吗？&lt;b&gt; &amp; 更多")
        await until(lambda: box()[0][0] == "sent")
        assert box()[0][1] == team.im("U1").messages[-1].ts


async def test_a_mention_is_answered_once_in_a_thread_which_goes_on_without_mentions(database):
    async with talking() as at:
        team, bot = at.team, at.bot
        ann = team.user("U1")
        channel = team.channel("C1", members=("U1",))
        asked = await does(ann.mentions, "退货政策", "C1")
        await until(lambda: len(channel.thread(asked.ts)) == 1)
        # The text came as a message and as a mention.
        assert bot.heard == ["退货政策"] and inbox() == ["退货政策"]
        await does(ann.says, "那内衣呢", "C1", asked.ts)
        await until(lambda: len(channel.thread(asked.ts)) == 3)
        await does(ann.says, "中午吃什么", "C1")
        await asyncio.sleep(0.3)
        assert bot.heard == ["退货政策", "那内衣呢"]


async def test_what_bots_say_and_what_is_edited_or_deleted_wants_no_answer(state):
    async with talking() as at:
        slack, team, bot = at.slack, at.team, at.bot
        team.channel("C1", members=("U1",))
        await does(team.bot_says, "构建失败")
        said = await does(team.user("U1").dm, "在吗")
        await until(lambda: len(team.im("U1").texts()) == 2)
        await does(team.user("U1").edits, said, "在吗？")
        await does(team.user("U1").deletes, said)
        await does(slack.settle)
        assert bot.heard == ["在吗"]


async def test_a_pressed_button_chooses_what_it_stands_for(database):
    async with talking() as at:
        team, bot = at.team, at.bot
        bot.answer = {
            "text": "您是想问哪一个？",
            "buttons": [
                {"title": "七天无理由", "payload": "/ask_return_policy"},
                {"title": "质量问题", "payload": "/request_return"},
            ],
        }
        await does(team.user("U1").dm, "退货")
        await until(lambda: len(team.im("U1").messages) == 2)
        answer = team.im("U1").messages[-1]
        assert [one["text"]["text"] for one in answer.buttons] == ["七天无理由", "质量问题"]
        # What it means stays here: Slack, and who sits at it, hold a token.
        assert not any("request_return" in one["value"] for one in answer.buttons)
        pressed = await does(team.user("U1").presses, answer, answer.buttons[1]["action_id"])
        assert pressed.status == 200
        await until(lambda: bot.heard[-1] == "/request_return")


async def test_cards_and_more_than_five_buttons_are_shown(state):
    async with talking() as at:
        team, bot = at.team, at.bot
        pick = {"title": "选尺码", "payload": "/ask_size"}
        card = {
            "title": "疾风3",
            "price": "¥499",
            "subtitle": "凌步 · 跑步鞋",
            "url": "/products/P1",
        }
        bot.answer = {
            "text": "看看这些：",
            "custom": {"cards": [{**card, "buttons": [pick]}]},
            "buttons": [{"title": f"第{n}个", "payload": f"/a{n}"} for n in range(30)],
        }
        await does(team.user("U1").dm, "跑鞋")
        await until(lambda: len(team.im("U1").messages) == 2)
        answer = team.im("U1").messages[-1]
        assert len(answer.buttons) == 31
        shown = [one["text"]["text"] for one in answer.blocks if one["type"] == "section"]
        assert shown[1].startswith("*<http://localhost:8000/products/P1|疾风3>*  *¥499*")


async def test_a_limit_is_honoured_and_a_closed_channel_is_left(state):
    async with talking() as at:
        slack, team = at.slack, at.team
        slack.fails("chat.postMessage", status=429, error="ratelimited", retry_after=1)
        await does(team.user("U1").dm, "在吗")
        await until(lambda: len(team.im("U1").messages) == 2)
        tried = slack.calls("chat.postMessage")
        assert len(tried) == 2 and tried[1].at - tried[0].at >= 1
        slack.fails("chat.postMessage", error="channel_not_found")
        await does(team.user("U1").dm, "好的")
        await until(lambda: [state for state, _ in box()] == ["sent", "failed"])
        with read() as session:
            assert session.query(AddressRow).one().closed_at is not None


@pytest.mark.parametrize("fault", [{"status": 502}, {"error": "internal_error"}])
async def test_an_answer_that_was_perhaps_sent_is_sent_again(state, fault):
    async with talking() as at:
        at.slack.fails("chat.postMessage", performed=True, **fault)
        await does(at.team.user("U1").dm, "在吗")
        await until(lambda: [one for one, _ in box()] == ["sent"])
        assert len(at.slack.calls("chat.postMessage")) == 2
        with read() as session:
            assert session.query(OutboxRow).one().reason is None
