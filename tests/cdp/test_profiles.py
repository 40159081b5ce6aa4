"""Events folded into a profile: by hand, and by properties in any order."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp import profiles
from cdp.events import Event
from cdp.profiles import orders
from cdp.profiles.interests import MOST_SCORES, VIEWED
from tests.cdp.people import at

SHOE = {"product_id": "p1", "name": "跑鞋", "category": "running_shoes", "brand": "云跑"}


def event(kind: str, when: datetime, seq: int = 1, traits=None, context=None, **properties):
    body = {"ids": [], "properties": properties, "traits": traits or {}, "context": context or {}}
    kind_of_call = {"page": "page", "identify": "identify"}.get(kind, "track")
    return Event(seq, 1, f"m{seq}", kind_of_call, None, kind, when, when, 7, body)


def folded(*events: Event, **how) -> dict:
    body: dict = {}
    for one in events:
        profiles.fold(body, one, **how)
    return body


def test_a_profile_tells_what_happened():
    phone = {"device": {"type": "mobile", "os": "iOS"}, "language": "zh"}
    body = folded(
        event("page", at(0), 1, context={**phone, "campaign": {"source": "douyin"}}),
        event("view", at(1), 2, context={"location": {"city": "杭州", "tier": "新一线"}}, **SHOE),
        event("share", at(2), 3, **SHOE),
        event("talk", at(3), 4, sentiment={"score": -0.5}),
        event("identify", at(4), 5, traits={"gender": "女", "age": 29, "shoeSize": 38}),
        event("order", at(5), 6, order_id="o1", total_cents=39900, products=[SHOE]),
    )
    assert body["counts"] == dict.fromkeys(
        ("page", "view", "share", "talk", "identify", "order"), 1
    )
    assert body["days"] == {"2026-11-20": body["counts"]}
    assert body["traits"] == {"gender": "female", "age_band": "25-34", "shoe_size": 38}
    assert body["minor"] is False
    assert (body["language"], body["city"], body["city_tier"]) == ("zh", "杭州", "新一线")
    assert body["devices"] == {"mobile/iOS": 1}
    assert [one["id"] for one in body["viewed"]] == ["p1"]
    assert body["social"] == {"share": 1}
    assert body["sentiment"] == {
        "n": 1,
        "sum": -0.5,
        "recent": [{"at": at(3).isoformat(), "score": -0.5}],
    }
    assert body["orders"]["count"] == 1 and body["orders"]["value_cents"] == 39900
    assert body["first_touch"]["channel"] == body["last_touch"]["channel"] == "短视频渠道"
    assert body["channels"]["web"] == {
        "first": at(0).isoformat(),
        "last": at(5).isoformat(),
        "events": 6,
    }


def test_without_consent_to_analytics_only_the_service_is_served():
    told = [
        event("view", at(1), 1, context={"campaign": {"source": "douyin"}}, **SHOE),
        event("talk", at(2), 2, sentiment={"score": 1}),
        event("order", at(3), 3, order_id="o", total_cents=100, products=[SHOE]),
        event("identify", at(4), 4, traits={"name": "林"}),
    ]
    body = folded(*told, analytics=False, channel="chat")
    assert set(body) == {"channels", "orders", "traits", "trait_times"}
    assert body["channels"]["chat"]["events"] == 4


def test_an_order_told_of_twice_counts_once_and_its_refund_at_most_whole():
    order = {"order_id": "o1", "products": [SHOE]}
    body = folded(
        event("refund", at(9), 1, order_id="o1", total_cents=3000),
        event("order", at(1), 2, total_cents=10000, **order),
        event("order", at(2), 3, total_cents=9000, **order),
        event("refund", at(8), 4, order_id="o1", total_cents=8000),
        event("refund", at(8), 5, order_id="never seen", total_cents=8000),
        event("order", at(3), 6, order_id="o2", products=[{"price_cents": 500, "quantity": 3}]),
        event("order", at(4), 7, order_id="o3", total_cents=700, currency="USD"),
        event("refund", at(5), 8, order_id="o2"),
    )["orders"]
    assert (body["count"], body["value_cents"], body["refunded_cents"]) == (3, 10500, 10500)
    assert (body["first"], body["last"]) == (at(1).isoformat(), at(4).isoformat())
    assert [one["id"] for one in body["recent"]] == ["o3", "o2", "o1"]
    assert body["recent"][0]["currency"] == "USD"


def test_older_orders_stay_in_the_sums(monkeypatch):
    monkeypatch.setattr(orders, "SEEN", 3)
    told = [event("order", at(n), n, order_id=f"o{n}", total_cents=100) for n in range(1, 9)]
    body = folded(*told)["orders"]
    assert (body["count"], body["value_cents"], len(body["seen"])) == (8, 800, 3)
    assert body["first"] == at(1).isoformat()


def test_traits_the_newest_counts_and_null_takes_back():
    told = [
        event("identify", at(3), 1, traits={"name": None, "size": 40, "tags": ["a"]}),
        event("identify", at(1), 2, traits={"name": "林", "size": 38, "birthday": "2015-03-01"}),
    ]
    assert folded(*told)["traits"] == {"size": 40, "age_band": "<14"}
    assert folded(*told)["minor"] is True


@pytest.mark.parametrize(
    ("traits", "band"),
    [
        ({"age": 13}, "<14"),
        ({"age": "14"}, "14-17"),
        ({"birthday": "2008-11-20"}, "18-24"),
        ({"birthday": "2008-11-21"}, "14-17"),
        ({"age": 80}, "55+"),
        ({"age": 400}, None),
        ({"age": True}, None),
        ({"birthday": "soon"}, None),
    ],
)
def test_only_the_age_band_is_kept(traits, band):
    assert folded(event("identify", at(0), traits=traits)).get("traits", {}).get("age_band") == band


def test_what_a_body_keeps_is_bounded():
    told = [
        event(
            "view",
            at(0) + timedelta(days=n // 4),
            n,
            product_id=f"p{n}",
            category=f"c{n}",
        )
        for n in range(1, 1000)
    ]
    body = folded(*told)
    assert len(body["viewed"]) == VIEWED and body["viewed"][0]["id"] == "p999"
    assert len(body["days"]) == 90
    assert len(body["affinity"]["category"]) == MOST_SCORES
    assert len(orjson.dumps(body)) < 32_000


def test_view_adds_rfm_and_fading_affinities():
    body = folded(
        event("order", at(0), 1, order_id="o1", total_cents=60000, products=[SHOE]),
        event("order", at(1), 2, order_id="o2", total_cents=50000, products=[SHOE]),
        event("view", at(2) - timedelta(days=30), 3, category="snacks"),
        event("talk", at(2), 4, sentiment="negative"),
    )
    shown = profiles.view(body, at(0) + timedelta(days=30))
    assert shown["rfm"] == {
        "recency_days": 29,
        "frequency": 2,
        "monetary_cents": 110000,
        "r": 5,
        "f": 2,
        "m": 4,
    }
    category = shown["affinity"]["category"]
    assert list(category) == ["running_shoes", "snacks"]
    assert category["running_shoes"]["score"] == pytest.approx(8.0, abs=0.01)
    assert category["snacks"]["score"] == pytest.approx(0.25, abs=0.01)
    assert sum(one["share"] for one in category.values()) == pytest.approx(1, abs=0.001)
    assert shown["sentiment"]["average"] == -1
    assert shown["touch"] == {"first": "直接访问", "last": "直接访问"}
    assert not {"latest", "trait_times"} & set(shown)


def test_view_of_next_to_nothing():
    shown = profiles.view(folded(event("talk", at(0)), analytics=False), date(2026, 12, 1))
    assert shown["rfm"] is None and shown["affinity"] == {"category": {}, "brand": {}}
    assert shown["orders"]["count"] == 0 and shown["sentiment"]["average"] is None
    assert shown["first_seen"] == at(0).isoformat()


PRODUCTS = st.fixed_dictionaries(
    {},
    optional={
        "product_id": st.sampled_from([f"p{n}" for n in range(30)]),
        "category": st.sampled_from(["running_shoes", "snacks", "phones"]),
        "brand": st.sampled_from(["a", "b"]),
        "price_cents": st.integers(0, 10_000),
        "quantity": st.integers(1, 3),
    },
)
PROPERTIES = st.fixed_dictionaries(
    {"order_id": st.sampled_from(["o1", "o2", "o3", "o4"])},
    optional={
        "product_id": st.sampled_from([f"p{n}" for n in range(30)]),
        "category": st.sampled_from(["running_shoes", "snacks"]),
        "products": st.lists(PRODUCTS, max_size=3),
        "total_cents": st.integers(0, 50_000),
        "sentiment": st.floats(-1, 1),
        "currency": st.sampled_from(["CNY", "USD"]),
    },
)
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "campaign": st.fixed_dictionaries({"source": st.sampled_from(["douyin", "baidu", "x9"])}),
        "referrer": st.sampled_from(["https://a.example/", "https://www.so.com/"]),
        "language": st.sampled_from(["zh", "en"]),
        "location": st.sampled_from([{"city": "杭州", "tier": "新一线"}, {"city": "Oslo"}]),
        "device": st.sampled_from([{"type": "mobile", "os": "iOS"}, {"os": "Windows"}]),
    },
)
TRAITS = st.dictionaries(
    st.sampled_from(["name", "size", "gender", "age", "birthday"]),
    st.one_of(st.none(), st.integers(0, 99), st.sampled_from(["f", "2010-01-05", "x"])),
    max_size=3,
)
KINDS = st.sampled_from(
    (
        *("page", "view", "click", "cart", "order", "refund", "share", "favourite", "talk"),
        *("identify", "other"),
    )
)
HISTORY = st.lists(
    st.tuples(KINDS, st.integers(0, 60 * 24 * 200), PROPERTIES, CONTEXT, TRAITS, st.booleans()),
    min_size=1,
    max_size=25,
).map(
    lambda drawn: [
        (event(kind, at(minute), seq, traits, context, **properties), analytics)
        for seq, (kind, minute, properties, context, traits, analytics) in enumerate(drawn, 1)
    ]
)


def taken(history) -> dict:
    body: dict = {}
    for one, analytics in history:
        profiles.fold(body, one, "web" if one.seq % 2 else "chat", analytics)
    return body


@settings(max_examples=50, deadline=None)
@given(HISTORY, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_body(history, random):
    assert taken(random.sample(history, len(history))) == taken(history)


@settings(max_examples=50, deadline=None)
@given(HISTORY, st.data())
def test_two_bodies_combine_to_that_of_all_their_events(history, data):
    mine = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    some = taken([one for one, here in zip(history, mine, strict=True) if here])
    others = taken([one for one, here in zip(history, mine, strict=True) if not here])
    one, other = copy.deepcopy(some), copy.deepcopy(others)
    profiles.combine(one, others)
    profiles.combine(other, some)
    assert one == other == taken(history)
    assert orjson.loads(orjson.dumps(one)) == one, "as it comes back from the table"
