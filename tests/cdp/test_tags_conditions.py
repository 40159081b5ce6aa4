"""Conditions of rules, one by one: pure questions to a profile's body."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cdp.tags.facts import Facts
from cdp.tags.models import When

NOW = datetime(2026, 11, 22, 12)
GROUPS = {"运动装备": frozenset({"running_shoes", "sports_socks"})}


def ago(**span) -> datetime:
    return NOW - timedelta(**span)


def item(category: str, kind: str = "view", product: str = "P1", **span) -> dict:
    at = ago(**(span or {"days": 1})).isoformat()
    return {
        "id": product,
        "name": f"商品{product}",
        "category": category,
        "brand": "凌步",
        "kind": kind,
        "at": at,
        "seq": 7,
    }


def order(number: str, cents: int, category: str = "running_shoes", **span) -> dict:
    return {
        "id": number,
        "at": ago(**span).isoformat(),
        "total_cents": cents,
        "products": [{"name": "云跑鞋", "category": category, "brand": "凌步"}],
        "seq": 3,
    }


def orders(*some: dict, refunded: int = 0, whole: bool = False) -> dict:
    seen = {
        one["id"]: {"refunded_cents": refunded, "whole": whole, "total_cents": one["total_cents"]}
        for one in some
    }
    return {
        "orders": {
            "count": len(some),
            "value_cents": sum(one["total_cents"] for one in some),
            "refunded_cents": refunded,
            "last": max((one["at"] for one in some), default=None),
            "recent": list(some),
            "seen": seen,
        }
    }


def check(when: dict, body: dict, events=(), now: datetime = NOW):
    return When.parse_obj(when).build(GROUPS).check(Facts(body, events, now))


def test_a_look_counts_by_group_kind_brand_and_time():
    body = {"viewed": [item("running_shoes"), item("phones", product="P2")]}
    found = check({"looked": {"category": "运动装备", "within_days": 30}}, body)
    assert (found.holds, found.seqs, found.values["items"]) == (True, (7,), ["商品P1"])
    assert found.next_at == ago(days=1) + timedelta(days=30)
    assert not check({"looked": {"category": ["nuts"]}}, body).holds
    assert not check({"looked": {"category": "运动装备", "kinds": ["cart"]}}, body).holds
    assert check({"looked": {"brand": ["凌步"], "at_least": 2}}, body).holds
    assert not check({"looked": {"brand": ["凌步"], "at_least": 3}}, body).holds
    assert not check({"looked": {"brand": ["拓风"]}}, body).holds
    assert not check({"looked": {"category": "运动装备"}}, {}).holds


def test_a_look_falls_out_of_its_window():
    body = {"viewed": [item("running_shoes", days=30, minutes=1)]}
    assert not check({"looked": {"category": "运动装备", "within_days": 30}}, body).holds
    assert check({"looked": {"category": "运动装备", "within_days": 31}}, body).holds


def test_different_products_are_told_from_many_looks_at_one():
    body = {
        "viewed": [
            item("running_shoes", "view"),
            item("running_shoes", "click"),
            item("running_shoes", "cart"),
        ]
    }
    assert check({"looked": {"at_least": 3}}, body).holds
    assert not check({"looked": {"at_least": 2, "distinct": "product"}}, body).holds


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"kinds": ["view"], "at_least": 5, "within_days": 7}, True),
        ({"kinds": ["view"], "at_least": 6, "within_days": 7}, False),
        ({"kinds": ["view"], "at_least": 9}, True),
        ({"kinds": ["view"], "at_least": 0, "at_most": 4, "within_days": 7}, False),
        ({"at_least": 3, "of": "days", "within_days": 30}, True),
        ({"at_least": 4, "of": "days", "within_days": 30}, False),
    ],
)
def test_events_are_counted_within_days_and_ever(when, holds):
    days = {"2026-11-22": {"view": 2}, "2026-11-20": {"view": 3}, "2026-11-01": {"share": 1}}
    body = {"counts": {"view": 9, "share": 1}, "days": days}
    assert check({"counted": when}, body).holds is holds


def test_orders_by_number_value_and_category():
    body = orders(order("A", 60_000, days=3), order("B", 50_000, "phones", days=40))
    assert check({"orders": {"at_least": 2, "value_at_least": 1100}}, body).holds
    assert not check({"orders": {"at_least": 2, "value_at_least": "1100.01"}}, body).holds
    assert not check({"orders": {"at_least": 2, "within_days": 30}}, body).holds
    found = check({"orders": {"category": "运动装备"}}, body)
    assert (found.holds, found.values["orders"], found.values["value"]) == (True, 1, 60_000)
    assert found.values["items"] == ["云跑鞋"]
    assert check({"orders": {"at_least": 0, "at_most": 0}}, {}).holds
    assert check({"orders": {"average_at_most": 550}}, body).holds
    assert not check({"orders": {"average_at_most": 549}}, body).holds


def test_what_was_refunded_whole_was_not_bought():
    one = order("A", 60_000, days=3)
    wanted = {"orders": {"category": "运动装备"}}
    assert check(wanted, orders(one, refunded=1_000)).values["value"] == 59_000
    assert not check(wanted, orders(one, refunded=60_000)).holds
    assert not check(wanted, orders(one, whole=True)).holds


def test_the_touch_that_counts():
    body = {
        "first_touch": {"at": ago(days=9).isoformat(), "channel": "微信渠道", "source": "WeChat"},
        "last_touch": {"at": ago(days=1).isoformat(), "channel": "短视频渠道", "medium": "video"},
    }
    assert check({"touch": {"channel": ["短视频渠道"]}}, body).at == ago(days=1)
    assert not check({"touch": {"which": "first", "channel": ["短视频渠道"]}}, body).holds
    assert check({"touch": {"which": "first", "source": ["wechat"]}}, body).holds
    assert not check({"touch": {"channel": ["短视频渠道"], "medium": ["cpc"]}}, body).holds


def test_silence_is_known_before_it_comes():
    body = {
        "channels": {"web": {"first": ago(days=90).isoformat(), "last": ago(days=10).isoformat()}}
    }
    found = check({"silent": {"days": 60}}, body)
    assert (found.holds, found.next_at) == (False, ago(days=10) + timedelta(days=60))
    later = check({"silent": {"days": 60}}, body, now=found.next_at)
    assert (later.holds, later.values["days"]) == (True, 60)
    assert not check({"silent": {"days": 1}}, {}).holds


def test_looked_and_not_bought_since():
    wanted = {"no_order_since": {"kinds": ["cart"], "after_hours": 2, "within_days": 14}}
    body = {"viewed": [item("phones", "cart", hours=1)]}
    found = check(wanted, body)
    assert (found.holds, found.next_at) == (False, ago(hours=1) + timedelta(hours=2))
    assert check(wanted, body, now=found.next_at).holds
    assert check(wanted, body | orders(order("A", 100, hours=2)), now=found.next_at).holds
    assert not check(wanted, body | orders(order("A", 100, minutes=1)), now=found.next_at).holds
    assert not check(wanted, body, now=NOW + timedelta(days=14)).holds


@pytest.mark.parametrize(
    ("trait", "holds"),
    [
        ({"name": "city_tier", "is_in": ["一线", "新一线"]}, True),
        ({"name": "shoe_size", "at_least": 42, "at_most": 43}, True),
        ({"name": "shoe_size", "at_least": 43}, False),
        ({"name": "gender", "is_in": ["female"]}, False),
        ({"name": "gender", "at_least": 1}, False),
    ],
)
def test_traits(trait, holds):
    body = {"city_tier": "新一线", "traits": {"shoe_size": 42.5, "gender": "male"}}
    assert check({"trait": trait}, body).holds is holds


def test_combinations():
    body = {"city_tier": "一线", "traits": {"gender": "male"}}
    first, male = (
        {"trait": {"name": "city_tier", "is_in": ["一线"]}},
        {"trait": {"name": "gender", "is_in": ["male"]}},
    )
    assert check({"all": [first, male]}, body).holds
    assert not check({"all": [first, {"not": male}]}, body).holds
    assert check({"any": [{"not": male}, first]}, body).holds
    assert not check({"any": [{"not": male}, {"not": first}]}, body).holds


def test_a_conjunction_waits_for_the_part_that_fails():
    body = {
        "channels": {"web": {"first": ago(days=90).isoformat(), "last": ago(days=10).isoformat()}},
        **orders(order("A", 100, days=70)),
    }
    parts = [{"orders": {"at_least": 1}}, {"silent": {"days": 60}}]
    assert check({"all": parts}, body).next_at == ago(days=10) + timedelta(days=60)
    assert check({"all": [{"orders": {"at_least": 2}}, parts[1]]}, body).next_at is None
