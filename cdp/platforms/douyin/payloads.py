"""Douyin's payloads as events and amounts: pure functions, one for each version.

orders   order.list        `child`, `order_total_amount` (older)
         order.searchList  `sku_order_list`, `pay_amount`
spend    2                 /open_api/2/report/campaign/get/      flat rows, `cost`
         v3.0              /open_api/v3.0/report/custom/get/     `dimensions`, `metrics`

Sources: op.jinritemai.com (order), open.oceanengine.com (report). Orders' amounts are in fen,
reports' in yuan. Receivers' names, addresses and phones are in the payloads and are never read.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

import yaml

from cdp.platforms.base import Read
from cdp.platforms.douyin.signature import param_json
from cdp.spend import Spend, cents_of

FIELDS_FILE = Path(__file__).with_name("fields.yml")
CHANNEL = "短视频渠道"
SEARCH_LIST, LIST, UNKNOWN = "order.searchList", "order.list", "unknown"
REPORT_2, REPORT_3 = "2", "v3.0"

# order_status: 1 unpaid, 105 paid, 2 being packed, 101 partly and 3 wholly shipped, 4 cancelled,
# 5 finished.
_PAID, _UNPAID, _CANCELLED = (105, 2, 101, 3, 5), (1,), 4


def read_order(payload: dict) -> Read:
    """An order; of what shape is none of the known ones, nothing but that it came."""
    name = str(payload.get("order_id") or "")
    if name and isinstance(payload.get("sku_order_list"), list):
        lines = _objects(payload["sku_order_list"])
        unknown = _strange(payload, _fields("order.searchList")) + _strange_lines(
            "sku_order_list", lines, _fields("order.searchList.sku_order_list")
        )
        return _order(payload, SEARCH_LIST, unknown, "pay_amount", [_line(one) for one in lines])
    if name and isinstance(payload.get("child"), list):
        lines = _objects(payload["child"])
        unknown = _strange(payload, _fields("order.list")) + _strange_lines(
            "child", lines, _fields("order.list.child")
        )
        total = "order_total_amount"
        return _order(payload, LIST, unknown, total, [_old_line(one) for one in lines])
    item = name or str(payload.get("id") or hash_of(payload))
    return Read(UNKNOWN, kept=(str(payload.get("type") or "order"), item))


def read_spend(payload: dict) -> Read:
    """A row of a report on campaigns by day."""
    if isinstance(payload.get("dimensions"), dict) and isinstance(payload.get("metrics"), dict):
        dimensions, metrics = payload["dimensions"], payload["metrics"]
        unknown = _strange(payload, {"dimensions", "metrics"})
        unknown += tuple(
            f"dimensions.{name}" for name in _strange(dimensions, _fields("report v3.0.dimensions"))
        )
        unknown += tuple(
            f"metrics.{name}" for name in _strange(metrics, _fields("report v3.0.metrics"))
        )
        told = (
            dimensions.get("cdp_project_name") or dimensions.get("cdp_project_id"),
            dimensions.get("stat_time_day"),
            metrics.get("stat_cost"),
            metrics.get("show_cnt"),
            metrics.get("click_cnt"),
        )
        return _spend(REPORT_3, unknown, payload, *told)
    if "cost" in payload and "stat_datetime" in payload:
        told = (
            payload.get("campaign_name") or payload.get("campaign_id"),
            payload["stat_datetime"],
            payload["cost"],
            payload.get("show"),
            payload.get("click"),
        )
        return _spend(REPORT_2, _strange(payload, _fields("report 2")), payload, *told)
    return Read(UNKNOWN, kept=("report", hash_of(payload)))


@cache
def _fields(name: str) -> frozenset[str]:
    return frozenset(
        yaml.load(FIELDS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)[name]
    )


def hash_of(payload: dict) -> str:
    """A name for a payload that has none."""
    return hashlib.sha256(param_json(payload).encode()).hexdigest()[:40]


def _order(payload: dict, version: str, unknown: tuple, total: str, lines: list[dict]) -> Read:
    name, status = str(payload["order_id"]), _whole(payload.get("order_status"))
    if status not in (*_PAID, *_UNPAID, _CANCELLED):
        return Read(version, unknown=unknown, kept=(f"order_status {status}", f"{name}:{status}"))
    paid_at = _moment(payload.get("pay_time"))
    if status in _UNPAID or paid_at is None:
        return Read(version, unknown=unknown)
    amount, post = _whole(payload.get(total)), _whole(payload.get("post_amount"))
    buyer = payload.get("doudian_open_id") or payload.get("open_id")
    live = any(str(one.pop("room", "") or "0") != "0" for one in lines)
    common = {
        "type": "track",
        "context": {"campaign": {"source": "douyin", "medium": "live" if live else "shop"}},
    }
    if buyer:
        # Douyin's open ids are its own: never those of WeChat.
        common["context"]["externalIds"] = [{"id": f"douyin:{buyer}", "type": "openid"}]
    else:
        common["anonymousId"] = f"douyin-order-{name}"
    properties = {
        "order_id": f"douyin:{name}",
        "total_cents": amount or 0,
        "revenue_cents": max(0, (amount or 0) - (post or 0)),
        "shipping_cents": post or 0,
        "currency": "CNY",
        "products": lines,
    }
    events = [
        {
            **common,
            "event": "Order Completed",
            "messageId": f"order:{name}:completed",
            "timestamp": paid_at.isoformat() + "Z",
            "properties": properties,
        }
    ]
    if status == _CANCELLED:
        at = _moment(payload.get("update_time")) or paid_at
        events.append(
            {
                **common,
                "event": "Order Cancelled",
                "messageId": f"order:{name}:cancelled",
                "timestamp": at.isoformat() + "Z",
                "properties": properties,
            }
        )
    return Read(version, events=events, unknown=unknown)


def _line(one: dict) -> dict:
    return _product(
        # The merchant's own numbers, where given, are those of the shop's catalogue.
        one.get("out_product_id") or one.get("product_id"),
        one.get("code") or one.get("out_sku_id") or one.get("sku_id"),
        one.get("product_name"),
        one.get("goods_price") if one.get("goods_price") is not None else one.get("origin_amount"),
        one.get("item_num"),
        one.get("room_id_str") or one.get("room_id"),
    )


def _old_line(one: dict) -> dict:
    return _product(
        one.get("out_product_id") or one.get("product_id"),
        one.get("code") or one.get("out_sku_id") or one.get("combo_id"),
        one.get("product_name"),
        one.get("combo_amount"),
        one.get("combo_num"),
        one.get("room_id"),
    )


def _product(number, sku, name, price, quantity, room) -> dict:
    made = {
        "product_id": str(number) if number else None,
        "sku": str(sku) if sku else None,
        "name": str(name)[:200] if name else None,
        "price_cents": _whole(price),
        "quantity": _whole(quantity) or 1,
        "room": room,
    }
    return {key: value for key, value in made.items() if value is not None}


def _spend(version, unknown, payload, campaign, day, cost, shows, clicks) -> Read:
    try:
        row = Spend(
            CHANNEL,
            str(campaign)[:200] if campaign else "",
            date.fromisoformat(str(day)[:10]),
            cents_of(str(cost)),
            impressions=_whole(shows),
            clicks=_whole(clicks),
        )
    except ValueError:
        return Read(version, unknown=unknown, kept=("report", hash_of(payload)))
    if not row.campaign:
        return Read(version, unknown=unknown, kept=("report", hash_of(payload)))
    return Read(version, spend=[row], unknown=unknown)


def _objects(listed: list) -> list[dict]:
    return [one for one in listed if isinstance(one, dict)]


def _strange(payload: dict, known) -> tuple[str, ...]:
    return tuple(sorted(name for name in payload if name not in known))


def _strange_lines(name: str, lines: list[dict], known) -> tuple[str, ...]:
    strange = {field for line in lines for field in _strange(line, known)}
    return tuple(f"{name}.{field}" for field in sorted(strange))


def _whole(value) -> int | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return int(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _moment(value) -> datetime | None:
    """Naive UTC of seconds since 1970, or of the older versions' 2026-11-22 08:00:00 (China)."""
    number = _whole(value)
    if number:
        return datetime.fromtimestamp(number, timezone.utc).replace(tzinfo=None)
    try:
        at = datetime.fromisoformat(f"{value}+08:00")
    except ValueError:
        return None
    return at.astimezone(timezone.utc).replace(tzinfo=None)
