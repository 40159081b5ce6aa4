"""Believable shoppers for the console's pages: events through the intake and the pipeline.

By hand: `QUDAO_DEMO=1 QUDAO_VAR=/tmp/somewhere python -m tests.web.console_data`.
"""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import groupby

from cdp import decisions, erasers, pipeline, privacy, segments, sources
from cdp.intake.accept import accept
from storage import create_tables, utc_now

NAMES = [
    "陈小满",
    "林一帆",
    "王梓涵",
    "李沐阳",
    "张若曦",
    "刘子墨",
    "赵一诺",
    "黄嘉懿",
    "周雨桐",
    "吴思源",
    "郑可欣",
    "孙浩然",
]
CITIES = ["上海", "北京", "成都", "杭州", "武汉", "苏州", "西安", "长沙", "青岛", "无锡"]
# (campaign, click id) of an ad; None: no ad.
TOUCHES = (
    ({"source": "douyin", "medium": "video", "name": "冬跑计划"}, ("ttclid", "tt-9")),
    ({"source": "wechat", "medium": "social", "name": "会员日"}, None),
    ({"source": "baidu", "medium": "cpc", "name": "跑步鞋"}, ("bd_vid", "bd-7")),
    ({"source": "newsletter", "medium": "email", "name": "双十二预热"}, None),
    (None, None),
)
PRODUCTS = (
    ("P1001", "凌步 疾风3 男款跑步鞋", "running_shoes", "凌步", 499),
    ("P1002", "凌步 云踏 女款训练鞋", "training_shoes", "凌步", 429),
    ("P2001", "山野记 每日坚果", "nuts", "山野记", 88),
    ("P3001", "小雀 婴儿纸尿裤 M", "diapers", "小雀", 129),
    ("P4001", "听云 降噪耳机", "earphones", "听云", 699),
    ("P5001", "凌步 速干运动T恤", "sports_tops", "凌步", 159),
)
# Withdrawals and erasures reach these: their tables have to be there.
__all__ = ["decisions", "erasers", "fill"]
_LATER = timedelta(hours=2)
CONSENT = {"analytics": True, "personalisation": True, "marketing": True}


def fill(people: int = 40, days: int = 20, seed: int = 7) -> None:
    """Shoppers with visits, orders, a refusal here and there, segments and a data request."""
    create_tables()
    chance, now = random.Random(seed), utc_now()
    sources.ensure_builtin()
    web, server = sources.by_name("storefront"), sources.by_name("shop")
    sent: list[tuple] = []
    for number in range(people):
        sent += _shopper(number, days, chance, now, web, server)
    # As they came: what happened in one hour by one source is one batch, received at once.
    sent.sort(key=lambda one: (*_hour_and_source(one), one[0]))
    for _, batch in groupby(sent, key=_hour_and_source):
        some = list(batch)
        accept(some[0][1], [event for _, _, event in some], some[-1][0])
    accept(web, _refused(now))
    while pipeline.run_once():
        pass
    _segments(now)
    privacy.request([("user_id", "u-1")], "export", "message-1")
    privacy.request([("user_id", "u-2")], "delete", "message-2")


def _shopper(number, days, chance, now, web, server) -> list[tuple]:
    events: list[tuple] = []
    anonymous = f"anon-{number:04d}-{chance.randrange(10**6):06d}"
    campaign, click = chance.choice(TOUCHES)
    first = now - timedelta(days=chance.uniform(0.01, days))
    context = {
        "consent": {"categoryPreferences": {**CONSENT, "marketing": chance.random() < 0.7}},
        "locale": "zh-CN",
        "userAgent": _AGENTS[number % len(_AGENTS)],
        "location": {"city": CITIES[number % len(CITIES)], "country": "中国"},
    }
    if campaign:
        context["campaign"] = campaign
    page = {"title": "今日有礼", "path": "/landing", "url": "https://shop.example/landing"}
    if click:
        page["url"] += f"?{click[0]}={click[1]}-{number}"
    event = _event("page", anonymous, first, {**context, "page": page}, number=number)
    events.append((first, web, event))
    liked = chance.sample(PRODUCTS, 2)
    for step in range(chance.randrange(1, 7)):
        at = min(first + timedelta(hours=step * chance.uniform(0.05, 20)), now)
        name = chance.choice(("Product Viewed", "Product Viewed", "Product Clicked"))
        one = _product(chance.choice(liked))
        event = _event("track", anonymous, at, context, name, one, number=number, step=step)
        events.append((at, web, event))
    if number % 3 == 0:
        traits = {"name": NAMES[number % len(NAMES)], "phone": f"138{number:04d}{5000 + number}"}
        traits["gender"] = chance.choice(("female", "male"))
        at = min(first + timedelta(minutes=9), now)
        event = _event("identify", anonymous, at, context, number=number)
        events.append((at, web, {**event, "userId": f"u-{number}", "traits": traits}))
        if number % 2 == 0:
            # Some had ordered by phone before they first came to the page: two people become one.
            at = first - timedelta(hours=3) if number % 12 == 0 else min(at + _LATER, now)
            events.append((at, server, _order(number, liked, at)))
    return events


def _hour_and_source(sent: tuple) -> tuple:
    return sent[0].replace(minute=0, second=0, microsecond=0), sent[1].id


def _event(kind, anonymous, at, context, name=None, properties=None, number=0, step=0) -> dict:
    event = {
        "type": kind,
        "messageId": f"{kind}-{number}-{step}-{name or ''}",
        "anonymousId": anonymous,
        "timestamp": at.isoformat() + "Z",
        "context": context,
    }
    if name:
        event["event"] = name
    if properties:
        event["properties"] = properties
    return event


def _order(number, liked, at) -> dict:
    products = [{**_product(one), "quantity": 1} for one in liked]
    total = sum(one["price"] for one in products)
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"order-{number}",
        "userId": f"u-{number}",
        "timestamp": at.isoformat() + "Z",
        "properties": {
            "order_id": f"D2026{number:04d}",
            "total": total,
            "revenue": total,
            "currency": "CNY",
            "products": products,
        },
    }


def _product(one) -> dict:
    names = ("product_id", "name", "category", "brand", "price")
    return dict(zip(names, one, strict=True))


def _refused(now) -> list[dict]:
    bad = {"type": "track", "event": "Product Viewed", "timestamp": now.isoformat() + "Z"}
    fine = {"context": {"consent": {"categoryPreferences": CONSENT}}}
    return [
        {**bad, "messageId": "bad-1", "anonymousId": "anon-x"},
        {**bad, **fine, "messageId": "bad-2"},
        {**bad, **fine, "messageId": "bad-3", "anonymousId": "anon-y", "properties": "none"},
        {**bad, **fine, "messageId": "bad-4", "anonymousId": "anon-z", "timestamp": "1970-01-01"},
    ]


def _segments(now) -> None:
    made = [
        segments.save("运动新客", 'tag("兴趣:运动装备") and orders.count == 0', actor="tests"),
        segments.save("下过单的人", "orders.count >= 1", "analytics", "所有买过的人", "tests"),
    ]
    for back in range(6, -1, -1):
        segments.rebuild(made, now - timedelta(days=back))


_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; PJD110) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36",
)

if __name__ == "__main__":
    fill()
