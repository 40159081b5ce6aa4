"""All that a shopper may send on WeChat besides text, and the events; what is new is kept."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from cdp import erasers, keys
from connectors import rooms, unknown
from connectors.fixed_words import words
from connectors.unknown import UnknownRow
from storage import read
from tests.connectors.on_wechat import quick, talking
from tests.connectors.talks import box, does, inbox
from tests.vendors.wechat.rig import call

# Fixtures, found by their names here.
__all__ = ["quick"]


async def test_voice_is_understood_where_it_was_recognised_and_other_things_are_answered(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        await does(ann.sends_voice, "这双鞋还有货吗")
        assert bot.heard == ["这双鞋还有货吗"]
        await does(ann.sends_voice)
        await does(ann.sends_image)
        await does(ann.sends_location, 31.2, 121.5, "上海")
        await does(ann.sends_link, "一篇文章", "…", "https://a.example/")
        wanted = [words(kind) for kind in ("voice", "image", "location", "link")]
        assert ann.texts[1:] == wanted
        assert len(bot.heard) == 1
        await does(lambda: ann.pushes("shortvideo", MediaId="m", ThumbMediaId="t"))
        assert ann.texts[5:] == [words("video")]
        # What it was stands in the room, for a person to look at.
        shown = [one["text"] for one in rooms.history("wechat-o-ann") if one["from"] == "user"]
        assert shown[2].startswith("[图片] http://") and shown[1] == "[语音]"
        assert shown[3:] == [
            "[位置] 上海 31.2 121.5",
            "[链接] 一篇文章 https://a.example/",
            "[视频]",
        ]


async def test_a_message_of_a_new_kind_is_answered_politely_and_kept_for_a_look(database):
    unknown.counts.clear()
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        await does(lambda: ann.pushes("hologram", Depth="3"))
        assert ann.texts == [words("unknown")] and bot.heard == []
        assert unknown.counts["wechat", "hologram"] == 1
        with read() as session:
            (row,) = session.scalars(select(UnknownRow))
        assert (row.channel, row.kind, row.key) == ("wechat", "openid", "o-ann")
        assert json.loads(keys.decrypt(row.body))["Depth"] == "3" and "Depth" not in row.body
        assert unknown.newest()[0][:3] == ("wechat", "hologram", 1)
        # It goes with the data of whoever sent it.
        assert erasers.erase_notes([], [("openid", "o-ann")])["unknown_payloads"] == 1


async def test_an_event_of_a_new_kind_is_kept_and_nothing_is_said(state, monkeypatch):
    unknown.counts.clear()
    monkeypatch.setattr(unknown, "MOST_KEPT", 2)
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        for _ in range(3):
            push = await does(lambda: ann.has_event("subscribe_msg_change_event", List="1"))
        assert (push.outcome, ann.seen, bot.heard, box()) == ("accepted", [], [], [])
        assert unknown.counts["wechat", "subscribe_msg_change_event"] == 3
        assert unknown.newest()[0][2] == 2


async def test_the_menu_says_what_it_says_and_opens_what_it_opens(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        buttons = [
            {"type": "click", "name": "人工", "key": "转人工"},
            {"type": "view", "name": "商城", "url": "https://shop.example/"},
        ]
        await does(lambda: call(wechat, "menu/create", {"button": buttons}))
        await does(ann.clicks, "转人工")
        await does(ann.opens, "https://shop.example/")
        await does(ann.reports_location, 31.2, 121.5)
        assert bot.heard == ["转人工"] == inbox() and ann.texts == ["听到：转人工"]


@pytest.mark.parametrize(
    ("result", "heard"),
    [("EAN_13,6901234567892", "6901234567892"), ("https://shop.example/p/1", None), ("", "")],
)
async def test_a_code_scanned_from_the_menu_is_what_the_shopper_asks_about(state, result, heard):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        scanned = {"ScanType": "qrcode", "ScanResult": result}
        more = {"EventKey": "scan", "ScanCodeInfo": scanned}
        await does(lambda: ann.has_event("scancode_waitmsg", **more))
        await does(lambda: ann.has_event("scancode_push", **more))
        assert bot.heard == ([result if heard is None else heard] if result else [])
        assert len(ann.texts) == 1


async def test_who_follows_already_and_scans_is_greeted_and_who_leaves_hears_nothing(state):
    async with talking() as (wechat, bot):
        ann = wechat.shopper("o-ann")
        await does(lambda: ann.has_event("SCAN", EventKey="store-12", Ticket="t"))
        assert bot.heard == ["/greet"] and len(ann.texts) == 1
        push = await does(ann.unfollows)
        assert push.outcome == "accepted" and len(ann.texts) == 1
