"""Slack's slash commands and menus, what is no message, and what comes twice or too fast."""

from __future__ import annotations

import asyncio
import time

import pytest

from connectors import rooms, unknown
from connectors.fixed_words import words
from connectors.slack import blocks, channel
from tests.connectors.on_slack import installable, quick, talking
from tests.connectors.talks import box, does, inbox, until

__all__ = ["quick"]


async def test_a_command_is_a_message_that_is_answered_in_private(database):
    async with talking() as at:
        ann = at.team.user("U1")
        told = await does(ann.commands, "/shop", "QD2026110001 到哪了 &amp; 多久")
        assert told.status == 200 and words(channel.IN_PRIVATE) in told.answer.decode()
        await until(lambda: at.team.im("U1").texts() == ["听到：QD2026110001 到哪了 &amp; 多久"])
        # The talk goes on there; nobody else sees any of it.
        await does(ann.dm, "谢谢")
        await until(lambda: len(at.team.im("U1").messages) == 3)
        assert len({one.channel for one in at.team.im("U1").messages}) == 1
        assert at.team.channel("C1").texts() == []
        talk = await does(rooms.history, "slack-T1/D0U1//U1")
        assert [one["from"] for one in talk] == ["user", "bot", "user", "bot"]


async def test_a_command_without_a_text_is_how_one_comes_in(state):
    async with talking() as at:
        at.team.im("U1")
        told = await does(at.team.user("U1").commands, "/shop", "", "D0U1")
        assert told.answer == b""
        await until(lambda: at.bot.heard == ["/greet"])


async def test_nobody_sets_an_intent_by_a_command(state):
    async with talking() as at:
        await does(at.team.user("U1").commands, "/shop", ' /request_refund{"order_number": "1"}')
        await until(lambda: at.bot.heard)
        assert at.bot.heard[0].startswith("／")


async def test_a_command_that_cannot_be_answered_in_private_says_so(state, monkeypatch):
    monkeypatch.setattr(channel, "OPENING_SECONDS", 0.2)
    async with talking() as at:
        at.slack.answers_slowly(0.6, "conversations.open")
        told = await does(at.team.user("U1").commands, "/shop", "在吗")
        assert told.ok and words(channel.NOT_OPENED) in told.answer.decode()
        at.slack.fails("conversations.open", error="missing_scope")
        told = await does(at.team.user("U1").commands, "/shop", "在吗")
        assert told.ok and words(channel.NOT_OPENED) in told.answer.decode()
    async with talking(installable) as at:
        told = await does(at.team.user("U1").commands, "/shop", "在吗")
        assert told.ok and words(channel.NOT_OPENED) in told.answer.decode()
        assert at.bot.heard == [] and inbox() == []


async def test_what_is_chosen_from_a_menu_is_a_choice(state):
    async with talking() as at:
        pick = [{"title": f"{size} 码", "payload": f"/size{size}"} for size in range(36, 43)]
        card = {"title": "疾风3", "text": "请选尺码", "buttons": pick}
        at.bot.answer = {"text": "看看：", "custom": {"cards": [card]}}
        await does(at.team.user("U1").dm, "跑鞋")
        await until(lambda: len(at.team.im("U1").messages) == 2)
        answer = at.team.im("U1").messages[-1]
        assert answer.buttons == []
        _, menu = answer.element("choice-menu")
        assert [one["text"]["text"] for one in menu["options"]] == [one["title"] for one in pick]
        chosen = menu["options"][6]["value"]
        await does(at.team.user("U1").presses, answer, "choice-menu", chosen)
        await until(lambda: at.bot.heard[-1] == "/size42")


async def test_what_is_no_message_is_passed_over_and_counted(state):
    async with talking() as at:
        ann = at.team.user("U1")
        await does(ann.opens_home)
        await does(ann.opens_home)
        await does(at.team.limits_events)
        await does(ann.shortcut, "find")
        await does(at.team.happens, {"type": "invented_in_2027", "user": "U1"}, "C1")
        assert at.channel.ignored == {"app_home_opened": 2, "app_rate_limited": 1, "shortcut": 1}
        # What nobody here knows is kept for a look.
        ((channel, what, count, body),) = unknown.newest()
        assert (channel, what, count) == ("slack", "invented_in_2027", 1) and "T1" in body
        assert all(one.status == 200 for one in at.slack.deliveries)
        assert at.bot.heard == [] and inbox() == []


async def test_a_channel_shared_with_others_is_answered_where_the_app_is_installed(state):
    async with talking() as at:
        at.team.channel("C9")
        said = {
            "type": "app_mention",
            "user": "U7",
            "text": "<@U0> 在吗",
            "ts": "1700000000.000100",
        }
        outer = {"team_id": "T9", "is_ext_shared_channel": True}
        await does(lambda: at.team.happens(said, "C9", **outer))
        await until(lambda: inbox() == ["在吗"])
        talk = await does(rooms.history, "slack-T1/C9/1700000000.000100/U7")
        assert talk[0]["text"] == "在吗"


@pytest.mark.parametrize("seconds", [0.0, 0.8], ids=["at once", "after Slack has given up"])
async def test_what_slack_brings_again_is_answered_once(state, monkeypatch, seconds):
    accept, waits = rooms.accept, [seconds]

    def slowly(*told):
        kept = accept(*told)
        # Slack gives up meanwhile: `http_timeout`, which says nothing of what we have.
        time.sleep(waits.pop() if waits else 0)
        return kept

    monkeypatch.setattr(rooms, "accept", slowly)
    async with talking(timeout=0.4) as at:
        await does(at.team.user("U1").dm, "在吗")
        await does(at.slack.redeliver, at.slack.deliveries[-1])
        await until(lambda: [one for one, _ in box()] == ["sent"])
        theirs = [one for one in at.slack.events("message") if "bot_id" not in one.event]
        reasons = [one.headers.get("X-Slack-Retry-Reason") for one in theirs]
        assert reasons == ([None, None] if not seconds else [None, "http_timeout", None])
        assert at.bot.heard == ["在吗"] and len(at.team.im("U1").messages) == 2


async def test_a_request_played_again_is_answered_once(state):
    async with talking() as at:
        await does(at.team.user("U1").dm, "在吗")
        taken = at.slack.deliveries[-1]
        stamp = float(taken.headers["X-Slack-Request-Timestamp"])
        again = await does(lambda: at.slack.forge(taken.body, at=stamp))
        assert again.headers["X-Slack-Signature"] == taken.headers["X-Slack-Signature"]
        assert again.status == 200
        await until(lambda: [one for one, _ in box()] == ["sent"])
        await asyncio.sleep(0.2)
        assert at.bot.heard == ["在吗"] and len(box()) == 1


async def test_a_full_channel_is_waited_for_and_others_are_not(state):
    async with talking() as at:
        at.slack.fails("chat.postMessage", status=429, error="ratelimited", retry_after=1)
        for text in ("一", "二"):
            await does(at.team.user("U1").dm, text)
        await does(at.team.user("U2").dm, "三")
        await until(lambda: [one for one, _ in box()] == ["sent"] * 3)
        calls = at.slack.calls("chat.postMessage")
        refused = next(one for one in calls if one.status == 429)
        same = [one for one in calls if one.args["channel"] == refused.args["channel"]]
        # Nothing was tried in that channel until Slack's time was over.
        assert all(one.at - refused.at >= 1 for one in same if one is not refused)
        assert len(calls) == 4


def test_more_than_fifty_blocks_are_several_messages():
    cards = [{"title": f"第{n}双", "buttons": [{"title": "要", "token": "t"}]} for n in range(45)]
    body = {"text": "看看：", "cards": cards, "buttons": [{"title": "都不要", "token": "t"}]}
    parts = [blocks.blocks_of(part) for part in blocks.messages(body)]
    assert [len(part) for part in parts] == [1, 40, 40, 10, 1]
    shown = [one["text"]["text"] for part in parts for one in part if one["type"] == "section"]
    assert len(shown) == 46 and shown[-1] == "*第44双*"
    assert blocks.messages({"text": "好", "buttons": []}) == [{"text": "好", "buttons": []}]


def test_what_is_shown_keeps_slacks_limits():
    links = [{"title": "链接" * 50, "url": f"https://shop.example/{n}"} for n in range(60)]
    body = {
        "text": "<" * 4_000,
        "links": links,
        "buttons": [{"title": "长" * 80, "token": "t" * 16} for _ in range(30)],
        "cards": [{"title": "鞋", "text": "&" * 2_900}],
    }
    for one in blocks.blocks_of(body):
        if one["type"] == "section":
            assert 0 < len(one["text"]["text"]) <= 3_000
            # No sign is cut in two.
            assert one["text"]["text"].count("&") == one["text"]["text"].count(";")
        else:
            assert 0 < len(one["elements"]) <= 25
            assert all(len(each["text"]["text"]) <= 75 for each in one["elements"])
