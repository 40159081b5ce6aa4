"""What becomes of an event's fields, and every cause for which one is refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp import keys
from cdp.intake import clean, commerce, context, names, places, times
from cdp.intake.common import Common
from cdp.intake.refusal import Refusal
from cdp.intake.standard import standardise
from cdp.sources import Source
from tests.cdp.intake_events import GOOGLEBOT, IPHONE, consent, track

NOW = datetime(2026, 11, 22, 12, 0, 0)
WEB = Source(1, "web", "web", "k" * 20, "carried")
MANY_IDS = [{"id": f"d{n}", "type": "device_id"} for n in range(30)]
SERVER = Source(2, "server", "server", "k" * 20, "assumed", ("service",), "contract", True)


@pytest.fixture(autouse=True)
def own_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")


def body_of(raw: dict, source: Source = WEB) -> dict:
    return orjson.loads(standardise(source, raw, NOW).body)


def refusal_of(raw, source: Source = WEB) -> Refusal:
    with pytest.raises(Refusal) as caught:
        standardise(source, raw, NOW)
    return caught.value


@pytest.mark.parametrize(
    ("told", "kind", "name"),
    [
        ("Product Viewed", "view", "Product Viewed"),
        ("product_viewed", "view", "Product Viewed"),
        ("ProductViewed", "view", "Product Viewed"),
        ("Viewed Product", "view", "Product Viewed"),
        ("Promotion Clicked", "click", "Promotion Clicked"),
        ("ad-clicked", "click", "Ad Clicked"),
        ("Products Searched", "search", "Products Searched"),
        ("Product Added", "cart", "Product Added"),
        ("Product Removed", "other", "Product Removed"),
        ("Checkout Started", "checkout", "Checkout Started"),
        ("order.refunded", "refund", "Order Refunded"),
        ("Coupon Applied", "coupon", "Coupon Applied"),
        ("Experiment Viewed", "experiment", "Experiment Viewed"),
        ("Live Chat Message Sent", "talk", "Message Sent"),
        ("Product Shared", "share", "Product Shared"),
        ("抽奖", "other", "抽奖"),
    ],
)
def test_names_have_one_form_and_a_kind(told, kind, name):
    assert names.standard(told) == (kind, name)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ({"type": "page", "name": "首页"}, "page"),
        ({"type": "screen", "name": "首页"}, "page"),
        ({"type": "identify", "userId": "u"}, "identify"),
        ({"type": "alias", "userId": "u", "previousId": "v"}, "alias"),
        ({"type": "group", "groupId": "g"}, "group"),
    ],
)
def test_each_type_of_call_has_its_kind(call, kind):
    raw = {"anonymousId": "a", "context": consent(), **call}
    assert standardise(WEB, raw, NOW).kind == kind


def test_an_event_without_a_message_id_gets_one():
    raw = track()
    del raw["messageId"]
    ids = {standardise(WEB, raw, NOW).message_id for _ in range(2)}
    assert len(ids) == 2
    assert all(len(one) == 36 for one in ids)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"context": {}}, "consent_missing", "context.consent.categoryPreferences"),
        ({"context": "x"}, "consent_missing", "context.consent.categoryPreferences"),
        (
            {"context": consent(marketing=True)},
            "consent_missing",
            "context.consent.categoryPreferences",
        ),
        (
            {"context": consent(analytics="yes")},
            "invalid",
            "context.consent.categoryPreferences.analytics",
        ),
        ({"type": "purchase"}, "invalid", "type"),
        ({"type": None}, "invalid", "type"),
        ({"event": None}, "invalid", "event"),
        ({"event": "e" * 201}, "invalid", "event"),
        ({"messageId": "m" * 101}, "invalid", "messageId"),
        ({"messageId": "a\x00b"}, "invalid", "messageId"),
        ({"userId": ["u"]}, "invalid", "userId"),
        ({"userId": "u" * 256}, "invalid", "userId"),
        ({"properties": [1]}, "invalid", "properties"),
        ({"properties": {"price": "cheap"}}, "invalid", "properties.price"),
        ({"properties": {"price": 1e30}}, "invalid", "properties.price"),
        ({"properties": {"revenue_cents": 1.5}}, "invalid", "properties.revenue_cents"),
        (
            {"properties": {"products": [{}, {"quantity": -1}]}},
            "invalid",
            "properties.products.1.quantity",
        ),
        ({"properties": {"products": [{}] * 201}}, "invalid", "properties.products"),
        ({"properties": {"price": 1, "currency": "yuan"}}, "invalid", "properties.currency"),
        ({"event": "Order Completed"}, "invalid", "properties.order_id"),
        ({"timestamp": "yesterday"}, "invalid", "timestamp"),
        ({"timestamp": True}, "invalid", "timestamp"),
        ({"timestamp": "1999-12-31T23:59:59Z"}, "absurd_time", "timestamp"),
        ({"timestamp": "2026-11-23T12:00:01Z"}, "absurd_time", "timestamp"),
        ({"anonymousId": None}, "missing_id", "anonymousId"),
        ({"anonymousId": "  "}, "missing_id", "anonymousId"),
        ({"context": consent() | {"userAgent": GOOGLEBOT}}, "bot", "context.userAgent"),
        ({"properties": {"text": "字" * 11_000}}, "too_large", None),
        (
            {
                "context": consent()
                | {"externalIds": [{"id": f"d{n}", "type": "device_id"} for n in range(30)]}
            },
            "invalid",
            "context.externalIds",
        ),
    ],
)
def test_every_refusal_names_its_field(changed, code, field):
    refusal = refusal_of(track() | changed)
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.reason


@pytest.mark.parametrize("raw", ["text", 7, None, [], {}])
def test_what_is_no_event_has_no_consent(raw):
    assert refusal_of(raw).code == "consent_missing"
    assert refusal_of(raw, SERVER).code == "invalid"


def test_nesting_has_an_end():
    deep: dict = {}
    for _ in range(200):
        deep = {"a": deep}
    refusal = refusal_of(track(properties=deep))
    assert (refusal.code, refusal.field) == ("invalid", "properties")


def test_no_reason_repeats_a_value():
    secret = "13812341234 zhang@qq.com"
    for changed in (
        {"type": secret},
        {"timestamp": secret},
        {"properties": {"price": secret, "currency": secret}},
        {"context": {"consent": {"categoryPreferences": {"analytics": secret}}}},
    ):
        refusal = refusal_of(track() | changed)
        assert "138" not in refusal.reason + str(refusal.field)


def test_purposes_are_those_carried_or_assumed():
    told = {"Analytics": True, "Advertising": False, "Functional": True, "Unknown": True}
    body = body_of(track(context=consent(**told)))
    assert body["purposes"] == ["analytics", "personalisation"]
    assert body["consent"] == {"analytics": True, "marketing": False, "personalisation": True}
    assert body["prove"] is False
    body = body_of(track(context={}), SERVER)
    assert (body["purposes"], body["consent"], body["prove"]) == (["service"], {}, True)
    body = body_of(track(context=consent(analytics=True, marketing=False)), SERVER)
    assert body["purposes"] == ["service", "analytics"]
    denied = standardise(SERVER, track(context=consent(service=False)), NOW)
    assert (denied.kind, denied.refusal.code) == ("consent", "consent_denied")


def test_of_two_words_for_one_purpose_the_denial_counts():
    told = {"Advertising": True, "marketing": False, "analytics": True}
    assert body_of(track(context=consent(**told)))["purposes"] == ["analytics"]


def test_a_denial_keeps_the_decision_and_nothing_else():
    raw = track(
        userId="u1",
        context=consent(analytics=False, marketing=True) | {"page": {"path": "/secret"}},
        properties={"product_id": "secret"},
        traits={"name": "secret"},
    )
    kept = standardise(WEB, raw, NOW)
    assert (kept.kind, kept.name, kept.occurred_at) == ("consent", None, NOW)
    assert kept.refusal.code == "consent_denied"
    assert "secret" not in kept.body
    assert orjson.loads(kept.body) == {
        "ids": [{"kind": "user_id", "key": "u1"}, {"kind": "anonymous_id", "key": "visitor-1"}],
        "properties": {},
        "traits": {},
        "context": {},
        "purposes": [],
        "prove": False,
        "consent": {"analytics": False, "marketing": True},
    }
    nobody = track(anonymousId=None, context=consent(analytics=False))
    assert refusal_of(nobody).code == "consent_denied"


def test_a_wrong_clock_is_corrected():
    raw = track(timestamp="2019-01-01T00:00:00.000Z", sentAt="2019-01-01T00:00:10.000Z")
    assert standardise(WEB, raw, NOW).occurred_at == NOW - timedelta(seconds=10)


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2040, 1, 1)),
    st.timedeltas(timedelta(), timedelta(days=30)),
)
def test_what_counts_is_how_long_before_it_was_sent(clock, waited):
    sent = clock + waited
    at = times.occurred(clock.isoformat(), None, sent.isoformat() + "Z", NOW)
    assert at == NOW - waited


@pytest.mark.parametrize(
    ("timestamp", "original", "sent", "at"),
    [
        (None, None, None, NOW),
        ("2026-11-01T08:00:00+08:00", None, None, datetime(2026, 11, 1)),
        ("2026-11-01T00:00:00.5Z", None, None, datetime(2026, 11, 1, 0, 0, 0, 500_000)),
        (1_793_491_200_000, None, None, datetime(2026, 11, 1)),
        ("2026-11-01", "2026-10-01", None, datetime(2026, 10, 1)),
        # An hour ahead without `sentAt`: it has happened when it is here.
        ("2026-11-22T13:00:00Z", None, None, NOW),
    ],
)
def test_times_in_other_forms(timestamp, original, sent, at):
    assert times.occurred(timestamp, original, sent, NOW) == at


def test_phones_and_addresses_become_identifiers_that_only_keys_open():
    raw = track(
        type="identify",
        userId="u1",
        traits={"email": " Zhang@QQ.com ", "phone": "138 1234 5678", "gender": "女", "age": 30},
    )
    kept = standardise(WEB, raw, NOW).body
    assert "zhang" not in kept.lower().replace("z***@qq.com", "")
    assert "12345678" not in kept
    body = json.loads(kept)
    assert body["traits"] == {"gender": "女", "age": 30}
    by_kind = {one["kind"]: one for one in body["ids"]}
    assert list(by_kind) == ["user_id", "anonymous_id", "email", "phone"]
    assert by_kind["email"]["key"] == keys.match_key("email", "zhang@qq.com")
    assert by_kind["email"]["shown"] == "z***@qq.com"
    assert keys.decrypt(by_kind["email"]["enc"]) == "zhang@qq.com"
    assert by_kind["phone"]["key"] == keys.match_key("phone", "+8613812345678")
    assert by_kind["phone"]["shown"] == "138****5678"


def test_a_user_id_that_is_an_address_is_no_less_personal():
    raw = track(userId="Zhang@qq.com", anonymousId="13812345678")
    body = body_of(raw)
    assert [one["kind"] for one in body["ids"]] == ["email", "user_id", "anonymous_id"]
    assert keys.key_for("user_id", "zhang@qq.com") == body["ids"][1]["key"]
    assert "zhang" not in str(body["ids"]).lower().replace("z***", "")
    assert "12345678" not in str([one["key"] for one in body["ids"]])
    assert keys.decrypt(body["ids"][2]["enc"]) == "+8613812345678"


def test_other_identifiers():
    told = [
        {"id": "o-1", "type": "openid", "collection": "users", "encoding": "none"},
        {"id": "un-1", "type": "wechat_unionid"},
        {"id": "+86 13812345678", "type": "phone"},
        {"id": "x", "type": "loyalty_card"},
        {"id": 7, "type": "openid"},
    ]
    raw = track(
        context=consent() | {"externalIds": told, "device": {"id": "d-1", "type": "ios"}},
        properties={"conversation_id": "web-1"},
    )
    kinds = [(one["kind"], one["key"][:4]) for one in body_of(raw)["ids"]]
    assert kinds[:1] == [("anonymous_id", "visi")]
    assert {("openid", "o-1"), ("unionid", "un-1"), ("device_id", "d-1")} <= set(kinds)
    assert ("conversation", "web-") in kinds
    assert len(kinds) == 6


def test_alias_proves_that_two_ids_are_one():
    body = body_of({"type": "alias", "userId": "new", "previousId": "old", "context": consent()})
    assert body["prove"] is True
    assert [(one["kind"], one["key"]) for one in body["ids"]] == [
        ("user_id", "new"),
        ("user_id", "old"),
        ("anonymous_id", "old"),
    ]


def test_nothing_personal_is_left_in_the_texts():
    raw = track(
        event="Message Sent",
        properties={
            "text": "电话 138-1234-5678，邮箱 zhang.san@example.com，证 11010119900307123X",
            "order_id": "13912345678",
            "shipping_address": {"street": "x"},
            "nested": {"email": "a@b.cn", "password": "p", "list": ["+8613812345678"]},
            "link": "https://shop.example/p?token=abc#frag",
            "id_number": "110101199003071233",
        },
        traits={"name": "张三", "address": {"city": "上海"}, "ip": "10.0.0.1"},
    )
    body = body_of(raw)
    assert body["properties"] == {
        "text": "电话 138****5678，邮箱 z***@example.com，证 110101************",
        "order_id": "13912345678",
        "nested": {"list": ["138****5678"]},
        "link": "https://shop.example/p",
    }
    assert body["traits"] == {"name": "张三"}


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "+86", "86 ", "+86-"])
)
def test_every_mobile_number_is_masked(number, prefix):
    shown = clean.mask_text(f"电话{prefix}{number}。")
    assert shown == f"电话{number[:3]}****{number[-4:]}。"
    assert clean.suspicious(f"电话{prefix}{number}。".encode())


def test_the_context_keeps_where_a_shopper_came_from():
    told = {
        "ip": "203.0.113.9",
        "userAgent": IPHONE,
        "locale": "zh-CN",
        "timezone": "Asia/Shanghai",
        "page": {
            "path": "/landing",
            "title": "跑鞋",
            "url": "https://u:p@shop.example:8443/landing?utm_source=douyin&utm_medium=short_video"
            "&utm_campaign=%E5%8F%8C11&clickid=abc&qr_scene=s1&token=t#x",
            "referrer": "https://www.douyin.com/video/1?share=zhang",
        },
        "location": {"city": "上海市", "region": "上海", "country": "CN", "latitude": 31.2},
        "library": {"name": "analytics.js", "version": "2.1"},
    }
    kept = context.standard(told, {})
    assert kept == {
        "campaign": {"source": "douyin", "medium": "short_video", "name": "双11"},
        "click": {"id": "abc", "name": "clickid"},
        "qr_scene": "s1",
        "referrer": "https://www.douyin.com/video/1",
        "page": {
            "path": "/landing",
            "title": "跑鞋",
            "url": "https://shop.example:8443/landing",
        },
        "device": {"type": "mobile", "os": "iOS", "browser": "Mobile Safari"},
        "location": {"city": "上海", "region": "上海", "country": "CN", "tier": "一线"},
        "timezone": "Asia/Shanghai",
        "library": "analytics.js/2.1",
        "locale": "zh-CN",
        "language": "zh",
    }


def test_what_the_sdk_says_of_the_campaign_goes_before_the_address():
    told = {
        "campaign": {"source": "mail", "name": "spring"},
        "page": {"search": "?utm_source=other&gclid=g1"},
    }
    kept = context.standard(told, {})
    assert kept["campaign"] == {"source": "mail", "name": "spring"}
    assert kept["click"] == {"id": "g1", "name": "gclid"}


def test_a_page_call_keeps_no_query_of_its_address():
    raw = {
        "type": "page",
        "anonymousId": "a",
        "context": consent(),
        "properties": {
            "url": "https://shop.example/s?q=secret",
            "search": "?q=secret",
            "referrer": "https://x.example/?q=secret",
            "path": "/s",
            "rank": 3,
        },
    }
    assert body_of(raw)["properties"] == {"rank": 3}


@pytest.mark.parametrize(
    ("city", "country", "found"),
    [
        ("上海市", "", ("上海", "一线")),
        ("Shenzhen", "CN", ("深圳", "一线")),
        ("成都", "中国", ("成都", "新一线")),
        ("厦门市", "China", ("厦门", "二线")),
        ("绵阳市", "", ("绵阳", "三线及以下")),
        ("Mianyang", "CN", ("Mianyang", "三线及以下")),
        ("Paris", "FR", ("Paris", None)),
        ("Taizhou", "US", ("Taizhou", None)),
        ("", "CN", ("", None)),
    ],
)
def test_cities_have_one_name_and_a_tier(city, country, found):
    assert places.tier_of(city, country) == found


def test_money_is_counted_in_whole_hundredths():
    told = {
        "order_id": "QD1",
        "revenue": 0.29,
        "total": "1299.995",
        "shipping": 10,
        "currency": "cny",
        "products": [
            {"product_id": 7, "price": 4.35, "quantity": "2", "image_url": "x", "colour": "红"}
        ],
        "gift": True,
    }
    assert commerce.standard(told, "order") == {
        "gift": True,
        "order_id": "QD1",
        "revenue_cents": 29,
        "total_cents": 130000,
        "shipping_cents": 1000,
        "currency": "CNY",
        "products": [{"product_id": "7", "quantity": 2, "price_cents": 435, "colour": "红"}],
    }
    assert commerce.standard({"price": 3}, "view")["currency"] == "CNY"
    assert commerce.standard({"price_cents": 5, "currency": "USD"}, "view")["currency"] == "USD"
    assert "currency" not in commerce.standard({"product_id": "p"}, "view")


@given(st.integers(-(10**12), 10**12))
def test_hundredths_written_as_a_decimal_come_back_exact(cents):
    sign, whole = ("-" if cents < 0 else ""), abs(cents)
    told = f"{sign}{whole // 100}.{whole % 100:02d}"
    assert commerce.standard({"price": told}, "view")["price_cents"] == cents
    assert commerce.standard({"price": float(told)}, "view")["price_cents"] == cents


def test_what_events_have_in_common_is_made_once_and_never_mixed_up():
    made = []

    def double(value: dict) -> dict:
        made.append(value)
        return {"twice": value["n"] * 2}

    common = Common(double)
    assert [common({"n": n})["twice"] for n in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert made == [{"n": 1}, {"n": 2}]
    long = {"n": "x" * 4_000}
    assert common(long) == common(long)
    assert len(made) == 4
    for n in range(5_100):
        common({"n": n})
    assert len(common._held) <= 5_000


def test_masking_one_event_leaves_its_likes_alone():
    told = {"product_id": "p", "label": "电话 13812345678"}
    first, second = (body_of(track(properties=dict(told))) for _ in range(2))
    assert first["properties"] == second["properties"]
    assert first["properties"] == {"product_id": "p", "label": "电话 138****5678"}
    plain = body_of(track(properties={"product_id": "p", "label": "电话"}))
    assert plain["properties"]["label"] == "电话"
