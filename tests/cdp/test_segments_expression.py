"""The language of segments: what it says of a person, and its errors."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.segments.errors import ExpressionError
from cdp.segments.expression import parse
from cdp.segments.fields import FIELDS

NOW = datetime(2026, 11, 22, 12)


def ago(**span) -> str:
    return (NOW - timedelta(**span)).isoformat()


PERSON = {
    "tags": ["兴趣:运动装备", "新客"],
    "traits": {"gender": "female", "shoe_size": 38.5, "vip": True},
    "city": "杭州",
    "city_tier": "新一线",
    "counts": {"view": 40, "share": 2},
    "days": {"2026-11-22": {"view": 2}, "2026-11-16": {"view": 1}, "2026-10-01": {"view": 9}},
    "channels": {"web": {"first": ago(days=100), "last": ago(days=3), "events": 50}},
    "orders": {
        "count": 2,
        "value_cents": 60_050,
        "refunded_cents": 10_000,
        "first": ago(days=90),
        "last": ago(days=20),
    },
    "first_touch": {"at": ago(days=100), "channel": "短视频渠道", "source": "douyin"},
    "viewed": [{"id": "P1", "category": "running_shoes", "kind": "view", "at": ago(days=2)}],
    "social": {"share": 2},
    "sentiment": {"n": 4, "sum": -1.0},
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('tag("新客")', True),
        ('tag("流失风险")', False),
        ('not tag("流失风险")', True),
        ("orders.value >= 500.5", True),
        ("orders.value > 500.5", False),
        ("orders.average == 250.25", True),
        ("orders.count = 2", True),
        ("orders.count != 2", False),
        ("last_seen within 3 days", True),
        ("last_seen within 2 days", False),
        ("not orders.last within 10 days", True),
        ("orders.last within 480 hours", True),
        ('city_tier in ("一线", "新一线")', True),
        ('city_tier not in ("一线", "新一线")', False),
        ('language not in ("en")', False),
        ("language is unknown", True),
        ("city is known", True),
        ('events("view", 7 days) >= 3', True),
        ('events("view", 6 days) >= 3', True),
        ('events("view", 5 days) >= 3', False),
        ('events("view") = 40', True),
        ('events("order") = 0', True),
        ('looked("运动装备", 30 days) = 1', True),
        ('looked("running_shoes", 1 days) = 0', True),
        ('trait("shoe_size") >= 38.5', True),
        ('trait("shoe_size") = "38.5"', False),
        ('trait("vip") is known', True),
        ('trait("gender") = "Female"', True),
        ('touch.first.channel = "短视频渠道"', True),
        ('touch.last.channel = "短视频渠道"', False),
        ("social.share >= 2 and social.review = 0", True),
        ("sentiment < 0", True),
        ("minor", False),
        ('tag("x") or tag("y") or tag("新客")', True),
        ('tag("新客") or tag("x") and tag("y")', True),
        ('(tag("新客") or tag("x")) and tag("y")', False),
        ("not (orders.count = 2 and minor)", True),
        ("tag（“新客”） 且 非 minor 且 orders.value ≥ 500 或 minor", True),
        ("last_seen within 3 天", True),
    ],
)
def test_what_it_says_of_a_person(text, fits):
    assert parse(text).matches(PERSON, NOW) is fits


def test_the_issues_example():
    text = (
        'tag("兴趣:运动装备") and orders.value >= 500 and last_seen within 30 days '
        'and not tag("流失风险") and city_tier in ("一线","新一线") and events("view", 7 days) >= 3'
    )
    expression = parse(text)
    assert expression.matches(PERSON, NOW)
    assert expression.needs_tags == {"兴趣:运动装备"}


def test_of_somebody_unknown_every_field_can_be_asked():
    for name, field in FIELDS.items():
        test = {"time": "within 9 days", "text": '= "x"', "yesno": ""}.get(field.type, "> 0")
        assert parse(f"{name} {test}").matches({}, NOW) is False, name
        assert parse(f'{name} {test} or tag("x")').matches({"tags": ["x"]}, NOW), name


@pytest.mark.parametrize(
    ("text", "tags", "orders"),
    [
        ('tag("a") and tag("b") and orders.count >= 1', {"a", "b"}, True),
        ('tag("a") or tag("b")', set(), False),
        ('not tag("a") and (tag("b") or minor)', set(), False),
        ('(tag("a")) and orders.last within 9 days', {"a"}, True),
        ("orders.count >= 0", set(), False),
        ("orders.count < 5", set(), False),
    ],
)
def test_what_a_query_may_leave_out(text, tags, orders):
    expression = parse(text)
    assert (expression.needs_tags, expression.needs_orders) == (tags, orders)


@pytest.mark.parametrize(
    ("text", "position", "en", "zh"),
    [
        ("", 0, "found the end; expected a field, tag(…)", "这里是结尾，应为字段"),
        ("orders.vlue > 5", 0, "expected a field: orders.value", "应为字段：orders.value"),
        ("orders.count >", 14, "found the end; expected a number", "应为数字"),
        ('orders.count > "5"', 15, 'found `"5"`; expected a number', "应为数字"),
        ("city = 5", 7, "found `5`; expected a text in quotes", "应为加引号的文字"),
        ('city > "a"', 5, "expected `==` or `!=`: it is a text", "文字不能比大小"),
        ('trait("x") > "a"', 11, "expected `==` or `!=`: it is a text", "文字不能比大小"),
        ("last_seen > 5", 10, "expected `within` and a duration", "应为within 加时长"),
        ("orders.count within 5 days", 0, "expected a time (last_seen, orders.last)", "时间字段"),
        ("last_seen within days", 17, "expected a whole number from 1 to 3650", "1 到 3650"),
        ("last_seen within 5", 18, "expected `days` or `hours`", "days（天）或 hours（小时）"),
        ("last_seen within 0 days", 17, "found `0`; expected a whole number", "整数"),
        ("orders.count", 12, "found the end; expected a comparison", "应为比较"),
        ('tag("a") = 5', 9, "expected `and`, `or` or the end", "and、or 或结尾"),
        ('tag("a") tag("b")', 9, "found `tag`; expected `and`, `or` or the end", "「tag」"),
        ("tag(a)", 4, "found `a`; expected a text in quotes", "加引号的文字"),
        ('tag("a"', 7, "found the end; expected `)`", "应为「)」"),
        ("(minor", 6, "found the end; expected `)`", "应为「)」"),
        ("minor and", 9, "found the end; expected a field", "结尾"),
        ('events("glance") > 1', 7, 'found `"glance"`; expected one of alias', "应为事件种类"),
        ("city in ()", 9, "found `)`; expected a text in quotes", "应为加引号的文字"),
        ("last_seen in (1)", 0, "expected no field that is a time", "这是时间"),
        ("city is empty", 8, "found `empty`; expected `known` or `unknown`", "known 或 unknown"),
        ("minor # x", 6, "found `#`; expected a field, a number", "不认识的符号「#」"),
        ('city = "杭州', 7, 'the quote is not closed; expected "', "引号没有结束"),
        ("and minor", 0, "found `and`; expected a field", "「and」"),
        ("not " * 60 + "minor", 160, "expected at most 40 levels", "不超过 40 层"),
        ("minor or " * 300, 2000, "2700 characters; at most 2000", "最多 2000 个"),
    ],
)
def test_errors_have_their_place_in_two_languages(text, position, en, zh):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert error.position == position
    assert en in error.message("en")
    assert zh in error.message("zh")
    assert error.message("zh").startswith(f"第 {position + 1} 个字符：")


@given(st.text(max_size=80))
def test_any_text_is_an_expression_or_has_an_error(text):
    try:
        parse(text).matches(PERSON, NOW)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)


_PIECES = """tag(" x ") and or not ( ) orders.count >= 3 within days last_seen in , "a" is known
events( minor city = trait("""
_pieces = st.sampled_from(_PIECES.split())


@given(st.lists(_pieces, max_size=14))
def test_any_pieces_are_an_expression_or_have_an_error(pieces):
    test_any_text_is_an_expression_or_has_an_error.hypothesis.inner_test(" ".join(pieces))


_trees = st.recursive(
    st.sampled_from(["tag('a')", "tag('b')", "orders.count >= 1"]),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=8,
)


def _text(tree) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"not ({_text(tree[1])})"
    return f"({_text(tree[1])}) {tree[0]} ({_text(tree[2])})"


def _truth(tree, person: dict) -> bool:
    if isinstance(tree, str):
        return person["orders"]["count"] >= 1 if "orders" in tree else tree[5] in person["tags"]
    if tree[0] == "not":
        return not _truth(tree[1], person)
    both = [_truth(part, person) for part in tree[1:]]
    return all(both) if tree[0] == "and" else any(both)


@given(_trees, st.sets(st.sampled_from("ab")), st.integers(0, 2))
def test_and_or_not_mean_what_they_say(tree, tags, count):
    person = {"tags": tags, "orders": {"count": count}}
    expression = parse(_text(tree))
    assert expression.matches(person, NOW) == _truth(tree, person)
    if expression.matches(person, NOW):
        assert expression.needs_tags <= tags
        assert count >= 1 or not expression.needs_orders
