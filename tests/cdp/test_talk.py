"""What was said: masked, translated, kept in the outbox, delivered once, ended."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cdp.events import EventRow
from cdp.talk import drain, sessions
from cdp.talk.drain import drain_once
from cdp.talk.masking import mask
from cdp.talk.outbox import Outbox, outbox_path
from cdp.talk.translate import translate
from storage import create_tables, read, utc_now

NOW = utc_now()
CONVERSATION = "web-abc"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("我的电话13812341234", "我的电话138****1234"),
        ("打 +86 138-1234-1234 给我", "打 138****1234 给我"),
        ("１３８１２３４１２３４", "138****1234"),
        ("邮箱zhang.san@qq.com", "邮箱z***@qq.com"),
        ("身份证11010519491231002X", "身份证******************"),
        ("卡号6222 0212 3456 7890 123", "卡号***************0123"),
        ("订单QD2026110001到哪了", "订单********0001到哪了"),
        ("税号91110108MA01ABCD2X", "税号******************"),
        ("寄到上海市人民路128号3单元402室，谢谢", "寄到上海市人民路*号*单元*室，谢谢"),
        ("地址：幸福小区十二号楼五单元", "地址：幸福小区*号楼*单元"),
        ("我叫李小明", "我叫李**"),
        ("验证码是 394812", "验证码是 ****"),
        ("加我微信号: li_xm2020", "加我微信号: ****"),
        ("021-62345678", "*******5678"),
        ("12 Baker Street please", "* Baker Street please"),
        # What the shop needs to know stays.
        ("P1001 42码 499元，11月22号前能到吗", "P1001 42码 499元，11月22号前能到吗"),
        ("身高175，体重70公斤，脚长260", "身高175，体重70公斤，脚长260"),
    ],
)
def test_masking(said, kept):
    assert mask(said) == kept


def event(kind: str, at: float = 1_795_000_000.25, **fields) -> dict:
    return {"sender_id": CONVERSATION, "event": kind, "timestamp": at, **fields}


def test_a_message_of_the_shopper():
    raw = translate(
        event(
            "user",
            text="13812341234 的跑鞋坏了",
            message_id="m1",
            input_channel="web",
            metadata={"shopper": "lin"},
            parse_data={
                "intent": {"name": "report_defect", "confidence": 0.98765},
                "entities": [
                    {"entity": "product", "value": "P1001"},
                    {"entity": "phone", "value": "13812341234"},
                ],
            },
        )
    )
    assert raw["event"] == "Message Sent" and raw["userId"] == "lin"
    assert raw["properties"] == {
        "conversation_id": CONVERSATION,
        "channel": "web",
        "message_id": "m1",
        "text": "138****1234 的跑鞋坏了",
        "intent": "report_defect",
        "confidence": 0.9877,
        "entities": ["phone", "product"],
        "product_ids": ["P1001"],
        "sentiment": -0.5,
    }


def test_a_button_keeps_its_meaning_and_not_its_values():
    raw = translate(event("user", text='/inform{"new_address": "人民路1号"}'))
    assert raw["properties"]["text"] == "/inform"


def test_an_answer_with_cards():
    cards = [{"kind": "product", "id": "P1001"}, {"kind": "order", "id": "QD2026110001"}]
    raw = translate(
        event("bot", text="您的订单QD2026110001", data={"custom": {"cards": cards}}, metadata={})
    )
    assert raw["event"] == "Message Received"
    assert raw["properties"]["product_ids"] == ["P1001"]
    assert raw["properties"]["orders_shown"] == ["0001"]
    assert "2026110001" not in json.dumps(raw, ensure_ascii=False)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (event("session_started"), "Conversation Started"),
        (event("restart"), "Conversation Ended"),
        (event("pause"), "Handed Over"),
        (event("resume"), "Handed Back"),
        (event("action", name="action_search", policy="RulePolicy"), "Action Taken"),
        (event("slot", name="category", value="running_shoes"), "Detail Noted"),
        (event("action", name="action_listen"), None),
        (event("slot", name="new_phone", value="13812341234"), None),
        (event("slot", name="category", value=None), None),
        (event("active_loop", name="size_form"), None),
    ],
)
def test_what_becomes_of_each_event(told, name):
    raw = translate(told)
    assert (raw and raw["event"]) == name


def test_an_event_names_a_conversation_and_a_time():
    for wrong in ({"sender_id": None}, {"timestamp": "now"}):
        with pytest.raises(ValueError):
            translate({**event("pause"), **wrong})


def test_message_ids_depend_on_the_event_alone():
    one = translate(event("user", text="a"))["messageId"]
    assert translate(json.loads(json.dumps(event("user", text="a"))))["messageId"] == one
    assert translate(event("user", text="a", at=1.0))["messageId"] != one
    assert len(one) <= 100


# the outbox and the database


def epoch(minutes_ago: float) -> float:
    return (NOW - timedelta(minutes=minutes_ago)).replace(tzinfo=timezone.utc).timestamp()


def keep(outbox: Outbox, *events: dict) -> None:
    raws = [translate(one) for one in events]
    outbox.add([(raw["messageId"], json.dumps(raw)) for raw in raws], epoch(0))


def stored() -> list[str]:
    with read() as session:
        return list(session.scalars(select(EventRow.name).order_by(EventRow.seq)))


def test_the_outbox_is_delivered_in_order_and_once(database):
    outbox = Outbox()
    keep(outbox, event("session_started", epoch(9)), event("user", epoch(8), text="hi"))
    keep(outbox, event("user", epoch(8), text="hi"), event("bot", epoch(7), text="yes"))
    assert outbox.waiting() == 3 and outbox_path().stat().st_mode & 0o077 == 0
    assert (drain_once(outbox), drain_once(outbox), outbox.waiting()) == (3, 0, 0)
    keep(outbox, event("user", epoch(8), text="hi"))
    drain_once(outbox)
    assert stored() == ["Conversation Started", "Message Sent", "Message Received"]
    with read() as session:
        body = json.loads(session.scalars(select(EventRow.body)).first())
    assert body["ids"] == [{"kind": "conversation", "key": CONVERSATION}]
    assert body["purposes"] == ["service"]
    outbox.close()


def test_an_unreadable_row_does_not_keep_the_others(database):
    outbox = Outbox()
    outbox.add([("x", "{")])
    keep(outbox, event("pause", epoch(1)))
    assert drain_once(outbox) == 2 and stored() == ["Handed Over"]
    outbox.close()


def test_a_database_that_is_away_is_waited_for(state, monkeypatch):
    outbox = Outbox()
    keep(outbox, event("session_started", epoch(9)), event("user", epoch(8), text="hi"))
    with monkeypatch.context() as patched:
        patched.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(SQLAlchemyError):
            drain_once(outbox)
        drain.start()
        time.sleep(0.6)
        keep(outbox, event("bot", epoch(7), text="yes"))
        assert outbox.waiting() == 3
        drain.stop()
    create_tables()
    drain.start()
    until = time.monotonic() + 60
    while outbox.waiting() and time.monotonic() < until:
        time.sleep(0.02)
    drain.stop()
    assert stored() == ["Conversation Started", "Message Sent", "Message Received"]
    outbox.close()


def ends() -> list[tuple[str, datetime]]:
    with read() as session:
        rows = session.execute(
            select(EventRow.body, EventRow.occurred_at).where(EventRow.name == "Conversation Ended")
        ).all()
    return sorted((json.loads(row.body)["ids"][0]["key"], row.occurred_at) for row in rows)


def test_a_talk_ends_when_the_next_begins_or_nothing_more_is_said(database):
    outbox = Outbox()
    other = {"sender_id": "web-other"}
    for told in (
        [event("session_started", epoch(1740)), event("user", epoch(1730), text="a")],
        [event("session_started", epoch(1640)), event("user", epoch(1630), text="b")],
        [event("session_started", epoch(30)) | other, event("user", epoch(29), text="c") | other],
    ):
        keep(outbox, *told)
        drain_once(outbox)
    assert [key for key, _ in ends()] == [CONVERSATION]
    assert abs(ends()[0][1] - (NOW - timedelta(minutes=1730))) < timedelta(seconds=1)
    assert sessions.end_idle(NOW) == 1 and sessions.end_idle(NOW) == 0
    assert [key for key, _ in ends()] == [CONVERSATION, CONVERSATION]
    assert sessions.end_idle(NOW + sessions.IDLE) == 1
    assert [key for key, _ in ends()] == [CONVERSATION, CONVERSATION, "web-other"]
    keep(outbox, event("session_started", epoch(1)))
    drain_once(outbox)
    assert len(ends()) == 3
    outbox.close()
