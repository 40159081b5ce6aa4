"""Where a shopper came from, and by which channel."""

from __future__ import annotations

import pytest

from cdp.events import Event
from cdp.profiles import touches
from tests.cdp.people import at


def event(type: str = "page", minute: float = 0, **context) -> Event:
    body = {"ids": [], "properties": {}, "context": context, "purposes": ["analytics"]}
    return Event(1, 1, "m", type, None, "page", at(minute), at(minute), None, body)


CHANNELS = [
    ({"campaign": {"source": "douyin", "medium": "cpc"}}, "短视频渠道"),
    ({"campaign": {"source": "Douyin_Feed"}}, "短视频渠道"),
    ({"campaign": {"medium": "short_video", "source": "brandnew"}}, "短视频渠道"),
    ({"click": {"id": "x1", "name": "clickid"}}, "短视频渠道"),
    ({"click": {"id": "x1", "name": "bd_vid"}}, "搜索渠道"),
    ({"click": {"id": "x1", "name": "gdt_vid"}}, "微信渠道"),
    ({"qr_scene": "spring-3"}, "微信渠道"),
    ({"qr_scene": "store-12"}, "线下渠道"),
    ({"campaign": {"source": "newsletter"}}, "邮件渠道"),
    ({"campaign": {"source": "weibo"}, "click": {"id": "1", "name": "gclid"}}, "社交渠道"),
    ({"referrer": "https://www.baidu.com/s"}, "搜索渠道"),
    ({"referrer": "https://tieba.baidu.com/p/1"}, "社交渠道"),
    ({"referrer": "https://m.xiaohongshu.com/a"}, "社交渠道"),
    ({"referrer": "https://blog.example/a"}, "外部链接"),
    ({"campaign": {"source": "partner-17"}}, "其他渠道"),
    ({}, "直接访问"),
]


@pytest.mark.parametrize(("context", "channel"), CHANNELS)
def test_the_channel_of_a_touch(context, channel):
    assert touches.touch_of(event(**context))["channel"] == channel


def test_a_touch_keeps_what_the_link_said():
    touch = touches.touch_of(
        event(
            campaign={"source": "douyin", "name": "double11", "content": "v3"},
            click={"id": "c9", "name": "clickid"},
            referrer="https://www.douyin.com/video",
            page={"path": "/p/1", "url": "http://shop.example/p/1"},
        )
    )
    assert touch == {
        "at": "2026-11-20T08:00:00",
        "channel": "短视频渠道",
        "source": "douyin",
        "campaign": "double11",
        "content": "v3",
        "click_id": "c9",
        "click_id_name": "clickid",
        "referrer": "douyin.com",
        "page": "/p/1",
    }


def test_a_step_within_the_shop_is_no_touch():
    page = {"path": "/p/2", "url": "http://shop.example/p/2"}
    inside = event(referrer="http://www.shop.example/p/1", page=page)
    assert touches.touch_of(inside) is None
    assert touches.touch_of(event("track")) is None
    assert touches.touch_of(event("track", campaign={"source": "wechat"}))["channel"] == "微信渠道"


def test_first_and_last_touch_and_that_a_direct_visit_takes_nothing_from_an_advertisement():
    body: dict = {}
    told = [
        event(minute=9),
        event(minute=3, campaign={"source": "baidu"}),
        event(minute=1, campaign={"source": "douyin"}),
    ]
    for one in told:
        touches.add(body, one)
    assert body["first_touch"]["channel"] == "短视频渠道"
    assert body["last_touch"]["channel"] == "搜索渠道"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("signs: [source]\nchannels: {A: {source: [a]}}\ndirect: d\nreferral: r\n", "other is mis"),
        (
            "signs: [colour]\nchannels: {A: {source: [a]}}\ndirect: d\nreferral: r\nother: o\n",
            "found ['colour']",
        ),
        (
            "signs: [source]\nchannels: {A: {source: a}}\ndirect: d\nreferral: r\nother: o\n",
            "channels.A.source: found 'a', expected a list",
        ),
        (
            "signs: [source]\nchannels: {A: {sorce: [a]}}\ndirect: d\nreferral: r\nother: o\n",
            "channels.A.sorce: expected one of",
        ),
    ],
)
def test_a_wrong_file_of_channels_says_where(tmp_path, text, says):
    path = tmp_path / "channels.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(touches.InvalidChannels) as error:
        touches.load_channels(path)
    assert says in str(error.value)
