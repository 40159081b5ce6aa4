"""Small words that steer a talk."""

from __future__ import annotations

import pytest

from actions import words
from actions.after_sale_words import kind_in, opened_in, reason_in, return_method_in


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("第二个", 1),
        ("第2款多少钱", 1),
        ("2", 1),
        ("最后一个", 2),
        ("第三双", 2),
        ("第五个", None),
        ("我买了2双", None),
        ("就要黑色", None),
    ],
)
def test_ordinals(text, place):
    assert words.ordinal(text, 3) == place


@pytest.mark.parametrize("text", ["算了", "算了吧", "不退了", "先不办了", "下次再说吧", "我再想想"])
def test_leaving(text):
    assert words.leaves(text)


@pytest.mark.parametrize("text", ["退货", "不想要了要退", "能不能算便宜点", "我要取消订单"])
def test_not_leaving(text):
    assert not words.leaves(text)


@pytest.mark.parametrize(
    "text",
    ["不对,是另一个订单", "不是这个订单", "换一个订单", "搞错单了", "订单选错了", "是别的订单"],
)
def test_another_order(text):
    assert words.means_another_order(text)


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("好的", "x", True),
        ("确认提交", "x", True),
        ("不用", "x", False),
        ("嗯", "affirm", True),
        ("可以上门取件吗", "ask_return_method", None),
        ("这个多少钱", "ask_price", None),
    ],
)
def test_yes_or_no(text, intent, answer):
    assert words.yes_or_no(text, intent) is answer


def test_after_sale_words():
    assert kind_in("我想换货") == "exchange" and kind_in("/request_return") is None
    assert reason_in("鞋底开胶了") == "quality" and reason_in("发错颜色了") == "wrong_item"
    assert reason_in("尺码偏小") == "size" and reason_in("不喜欢了") == "no_reason"
    assert opened_in("还没拆封") == "no" and opened_in("已经拆开了") == "yes"
    assert return_method_in("上门取吧") == "pickup" and return_method_in("我自己寄") == "mail"


@pytest.mark.parametrize(
    "text",
    [
        "I'll send it back myself",
        "I will return it by mail",
        "自分で送り返します",
        "제가 직접 반송할게요",
    ],
)
def test_the_way_back_names_no_service(text):
    assert return_method_in(text) == "mail" and kind_in(text) is None


@pytest.mark.parametrize("text", ["can I send these back", "送り返したいです", "반송하고 싶어요"])
def test_sending_back_is_a_return(text):
    assert kind_in(text) == "return"
