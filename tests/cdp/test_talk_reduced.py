"""What Kafka carries: nothing personal, and all that the translation needs."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cdp.talk.reduced import reduced
from cdp.talk.translate import SLOTS, translate

SECRETS = ("13812341234", "zhang@qq.com", "QD2026110001", "人民路12号", "陈小满")
_texts = st.lists(
    st.sampled_from((*SECRETS, "我叫陈小满", "，", " ", "退货", "/refund", '{"order": "QD1"}', "1"))
).map("".join) | st.text(max_size=40)


def event(kind: str, **fields) -> dict:
    return {"sender_id": "web-1", "event": kind, "timestamp": 1764000000.5, **fields}


USER = event(
    "user",
    text="我叫陈小满，13812341234，订单QD2026110001",
    message_id="m1",
    input_channel="web",
    parse_data={
        "text": "我叫陈小满，13812341234，订单QD2026110001",
        "intent": {"name": "order_status", "confidence": 0.93},
        "intent_ranking": [{"name": "order_status", "confidence": 0.93}],
        "entities": [
            {"entity": "order_number", "value": "QD2026110001", "start": 1},
            {"entity": "product", "value": "P1001"},
        ],
    },
    metadata={"shopper": "u-1", "address": "人民路12号"},
)
BOT = event(
    "bot",
    text="已发到 zhang@qq.com",
    data={
        "custom": {
            "cards": [
                {"kind": "order", "id": "QD2026110001", "address": "人民路12号"},
                {"kind": "product", "id": "P1001", "title": "跑鞋"},
            ]
        }
    },
    metadata={"utter_action": "utter_sent", "to": "陈小满"},
)


def test_nothing_personal_is_left_and_the_translation_is_the_same():
    for one in (USER, BOT, event("slot", name="address", value="人民路12号")):
        text = json.dumps(reduced(one), ensure_ascii=False)
        assert not [secret for secret in SECRETS if secret in text], text
        assert translate(reduced(one)) == translate(one)
    assert translate(reduced(USER))["userId"] == "u-1"
    assert translate(reduced(USER))["properties"]["product_ids"] == ["P1001"]
    assert translate(reduced(BOT))["properties"]["orders_shown"] == ["0001"]


def test_a_shopper_known_by_an_address_is_not_named():
    known_by = USER | {"metadata": {"shopper": "zhang@qq.com"}}
    assert "zhang@qq.com" not in json.dumps(reduced(known_by))


@given(_texts, st.sampled_from(("user", "bot", "slot", "action", "session_started", "rewind")))
def test_every_text_is_translated_the_same(text, kind):
    one = event(kind, text=text, name="product" if kind == "slot" else "action_x", value=text)
    assert translate(reduced(one)) == translate(one)


def test_slots_that_say_who_somebody_is_are_empty():
    for name in ("phone", "address", "order_number"):
        assert name not in SLOTS
        assert reduced(event("slot", name=name, value="13812341234"))["value"] is None
