"""WeCom's customer service against a simulator that was written from WeCom's documentation."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from cdp import cases, keys
from cdp.messages import notify
from cdp.messages.tables import AddressRow
from connectors import fields, provenance, rooms, unknown
from connectors.fixed_words import words
from connectors.unknown import UnknownRow
from connectors.wecom import cursors, outgoing
from connectors.wecom.channel import WeComInput
from connectors.wecom.client import APP, Corp
from storage import read, utc_now
from tests.connectors.on_wecom import person_of, quick, talking
from tests.connectors.talks import box, does, until

# Fixtures, found by their names here.
__all__ = ["quick"]
BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><xml><Encrypt>&c;</Encrypt></xml>'


async def test_a_question_is_fetched_and_answered(database):
    async with talking() as (wecom, bot, _):
        ann = wecom.shopper("小安")
        await does(ann.says, "跑鞋有42码吗")
        await until(lambda: ann.texts == ["听到：跑鞋有42码吗"])
        assert bot.heard == ["跑鞋有42码吗"]
        await until(lambda: box()[0][0] == "sent")
        await until(lambda: cursors.of("wkShop"))


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


async def test_what_was_said_to_a_person_is_fetched_when_that_is_over(state, caplog):
    caplog.set_level("INFO")
    async with talking() as (wecom, bot, _):
        lili = wecom.member("lili", serves="wkShop")
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: len(ann.texts) == 1)
        # They are taken over at WeCom's own desk, and nothing of it is told until it is over.
        wecom.callbacks.lose = 4
        ann.session().state = 2
        await does(lili.takes, ann)
        await does(ann.says, "鞋子开胶了")
        await does(lili.answers, ann, "您好，我来处理")
        await does(lili.ends, ann)
        await does(ann.says, "退货政策")
        await until(lambda: bot.heard == ["在吗", "退货政策"])
        room = rooms.history(f"wecom-wkShop/{ann.external_userid}")
        assert "鞋子开胶了" in [one["text"] for one in room]
    assert "access_token" not in caplog.text and wecom.secret not in caplog.text


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


async def test_the_quota_is_known_before_it_is_hit(state):
    async with talking() as (wecom, *_):
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: len(ann.texts) == 1)
        for number in range(6):
            await does(notify, person_of(ann), f"通知 {number}")
            await until(lambda: box()[-1][0] in ("sent", "failed"))
        assert [state for state, _ in box()] == ["sent"] * 5 + ["failed"] * 2
        assert len(ann.texts) == 5
        # WeCom was not asked in vain.
        assert all(call.errcode == 0 for call in wecom.calls if call.path == "kf/send_msg")


async def test_what_would_not_fit_the_quota_is_sent_as_one(state):
    async with talking() as (wecom, *_):
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: len(ann.texts) == 1)
        soon = utc_now() + timedelta(seconds=1)
        for number in range(7):
            await does(lambda n=number: notify(person_of(ann), f"通知 {n}", at=soon))
        await until(lambda: [state for state, _ in box()] == ["sent"] * 8)
        assert "\n\n".join(ann.texts[1:]) == "\n\n".join(f"通知 {n}" for n in range(7))
        assert len(ann.texts) <= 5


async def test_a_session_that_has_ended_is_not_written_into(state):
    async with talking() as (wecom, *_):
        lili = wecom.member("lili", serves="wkShop")
        ann = wecom.shopper("小安")
        await does(ann.says, "在吗")
        await until(lambda: len(ann.texts) == 1)
        ann.session().state = 2
        await does(lili.takes, ann)
        # While a person has the shopper, the shop's own words wait for the end of it …
        await does(notify, person_of(ann), "您的退款到账了")
        await until(lambda: any(call.errcode == 95018 for call in wecom.calls))
        await until(lambda: box()[-1][0] == "waiting")
        # … and where it ended for good they are not tried again.
        await does(lili.ends, ann)
        await does(notify, person_of(ann), "您的包裹到了")
        await until(lambda: box()[-1][0] == "failed")
        assert [call.errcode for call in wecom.calls if call.path == "kf/send_msg"][-1] == 95013
        assert len(ann.texts) == 1


async def test_what_was_taken_and_not_delivered_is_noted(state):
    async with talking() as (wecom, *_):
        ann = wecom.shopper("小安")
        ann.refuses = True
        await does(ann.says, "在吗")
        await until(lambda: box() and box()[0][0] == "sent")
        await does(wecom.tick)
        await until(lambda: box()[0][0] == "failed")

        def closed() -> bool:
            with read() as session:
                row = session.get(AddressRow, ("wecom", f"wkShop/{ann.external_userid}"))
                return row.closed_at is not None

        await until(closed)


async def test_links_are_entries_of_a_menu_that_open_a_page(state):
    async with talking() as (wecom, bot, _):
        links = [{"title": "退货政策", "url": "/policies"}]
        bot.answer = {"text": "在这里看：", "custom": {"links": links}}
        ann = wecom.shopper("小安")
        await does(ann.says, "退货政策")
        await until(lambda: ann.seen)
        (entry,) = ann.seen[0].body["list"]
        assert entry == {
            "type": "view",
            "view": {"url": "http://localhost:8000/policies", "content": "退货政策"},
        }


async def test_what_is_no_text_gets_a_sentence_and_stands_in_the_room(state):
    async with talking() as (wecom, bot, _):
        ann = wecom.shopper("小安")
        sent = (
            ("image", ann.sends_image),
            ("video", ann.sends_video),
            ("location", lambda: ann.sends_location("外滩", "中山东一路", (31.2, 121.5))),
            ("link", lambda: ann.sends_link("一篇文章", "https://a.example/")),
            ("file", lambda: ann.sends_file(b"%PDF")),
        )
        for place, (kind, act) in enumerate(sent, 1):
            await does(act)
            await until(lambda n=place: len(ann.texts) == n)
            assert ann.texts[-1] == words(kind)
        assert bot.heard == []
        room = rooms.history(f"wecom-wkShop/{ann.external_userid}")
        shown = [one["text"] for one in room if one["from"] == "user"]
        assert shown[2:4] == ["[位置] 外滩 中山东一路", "[链接] 一篇文章 https://a.example/"]


async def test_what_is_new_is_counted_and_kept_for_a_look(database):
    unknown.counts.clear()
    async with talking() as (wecom, bot, _):
        wecom.newer_payloads = True
        before = fields.counts("wecom").get("future_field", 0)
        ann = wecom.shopper("小安")
        await does(lambda: ann.sends("hologram", {"depth": 3}))
        await until(lambda: ann.texts == [words("unknown")])
        assert bot.heard == [] and unknown.counts["wecom", "hologram"] == 1
        assert fields.counts("wecom").get("future_field", 0) > before
        event = {"event_type": "future_event", "open_kfid": "wkShop"}
        entry = {"origin": 4, "msgtype": "event", "event": event}
        await does(lambda: wecom.inbox.put("wkShop", entry))
        await does(wecom.tick)
        await until(lambda: unknown.counts["wecom", "future_event"] == 1)
        with read() as session:
            row = session.scalars(select(UnknownRow).order_by(UnknownRow.id)).first()
        assert (row.kind, row.key) == ("external_userid", ann.external_userid)
        assert json.loads(keys.decrypt(row.body))["hologram"]["depth"] == 3


def test_an_enterprise_that_is_half_told_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("WECOM_CORP_ID", "ww1")
    with pytest.raises(ValueError, match="WECOM_KF_SECRET, WECOM_TOKEN, WECOM_AES_KEY: expected"):
        Corp.from_environment()
    # With an app alone, customer service is off, and the other way round.
    assert Corp.from_environment(APP) is None
    monkeypatch.setenv("WECOM_APP_SECRET", "s")
    assert Corp.from_environment() is None
    with pytest.raises(ValueError, match="WECOM_APP_TOKEN, WECOM_APP_AES_KEY: expected"):
        Corp.from_environment(APP)
    monkeypatch.setenv("WECOM_APP_TOKEN", "t")
    monkeypatch.setenv("WECOM_APP_AES_KEY", "k" * 43)
    monkeypatch.setenv("WECOM_APP_AGENT_ID", "one")
    with pytest.raises(ValueError, match="WECOM_APP_AGENT_ID: expected"):
        Corp.from_environment(APP)


def test_choices_beyond_a_menu_and_long_titles_are_cut():
    made = WeComInput(None)
    buttons = [{"title": "长" * 60, "token": f"t{n}"} for n in range(12)]
    (part,) = made.parts({"text": "选哪个？", "buttons": buttons})
    assert len(part["buttons"]) == outgoing.MOST_ENTRIES
    menu = outgoing.content(part)["msgmenu"]
    assert all(len(one["click"]["content"].encode()) <= 120 for one in menu["list"])
    assert words("choose") not in menu["head_content"]
