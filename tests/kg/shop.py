"""A small shop of the tests' own: every kind of record and relation, and text hard to keep."""

from __future__ import annotations

from typing import Any

from kg.build import put
from kg.content import Content
from kg.problems import Problem

HARD = "逗号, \"引号\" \\反斜杠\n换行 '撇号' {花括号} [方括号] 🎁 \t制表"

BRANDS = [
    {"id": "north", "name": "北风", "aliases": ["BEIFENG"]},
    {"id": "south", "name": "南山", "story": "做袜子"},
]
CATEGORIES = [
    {"id": "wear", "name": "鞋服"},
    {"id": "shoes", "name": "鞋", "parent": "wear", "unit": "双", "aliases": ["鞋子"]},
    {"id": "running", "name": "跑鞋", "parent": "shoes", "unit": "双", "size_chart": "feet"},
    {"id": "socks", "name": "袜子", "parent": "wear", "unit": "双"},
    {"id": "gadgets", "name": "数码"},
]
PRODUCTS: list[dict[str, Any]] = [
    {
        "id": "A1", "name": "北风 疾行 男款跑鞋", "brand": "north", "category": "running",
        "series": "疾行", "audience": "men", "aliases": ["疾行", "疾行男鞋"], "description": HARD,
        "attributes": {"材质": "网布", "备注": HARD}, "package": ["跑鞋一双"], "usage": ["手洗"],
        "colours": ["黑", "白"], "sizes": ["41", "42"], "goes_with": ["B1"], "launched": "2026-03",
        "tags": ["热卖"], "images": ["https://img.example/a1.jpg"],
    },
    {
        "id": "A2", "name": "北风 疾行 女款跑鞋", "brand": "north", "category": "running",
        "series": "疾行", "audience": "women", "colours": ["粉"], "sizes": ["37", "38"],
        "attributes": {"材质": "网布"},
    },
    {"id": "A3", "name": "南山 通勤鞋", "brand": "south", "category": "shoes", "sizes": ["均码"]},
    {
        "id": "B1", "name": "北风 疾行 毛巾底运动袜", "brand": "north", "category": "socks",
        "series": "疾行", "colours": ["白"], "sizes": ["均码"], "goes_with": ["A2"],
    },
    {"id": "G1", "name": "南山 手机", "brand": "south", "category": "gadgets",
     "sizes": ["8GB+128GB", "12GB+256GB"]},
    {"id": "G2", "name": "南山 手机壳", "brand": "south", "category": "gadgets",
     "compatible_with": ["G1"]},
]  # fmt: skip
SIZE_CHARTS = [
    {
        "id": "feet", "name": "成人鞋码", "audience": "unisex", "categories": ["shoes"],
        "by": "foot_length", "note": "脚背高大一码",
        "rows": [
            {"size": "41", "foot_length": [25.5, 26.0]},
            {"size": "42", "foot_length": [26.0, 26.5]},
        ],
    },
    {
        "id": "body_men", "name": "男装", "audience": "men", "categories": ["wear"],
        "by": "height_weight",
        "rows": [
            {"size": "M", "height": [165, 172], "weight": [55, 65]},
            {"size": "L", "height": [172, 178], "weight": [65, 75]},
        ],
    },
    {
        "id": "body_women", "name": "女装", "audience": "women", "categories": ["wear"],
        "by": "height_weight", "rows": [{"size": "S", "height": [150, 160], "weight": [40, 50]}],
    },
]  # fmt: skip


def policy(id: str, scope: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A raw policy of topic `return`, version 1, unless told otherwise."""
    base = {"id": id, "topic": "return", "title": id, "version": 1, "scope": scope, "text": id}
    return {**base, **fields}


POLICIES = [
    policy("all", {"all": True}, **{"except": {"products": ["G2"]}}, days=7, allowed=True),
    policy("all", {"all": True}, version=0, to="2025-12-31", days=3, allowed=True),
    policy("wear", {"categories": ["wear"]}, days=15),
    policy("running", {"categories": ["running"]}, days=20, data={"fee": 8}),
    policy("running_worn", {"categories": ["running"]}, conditions={"opened": True}, allowed=False),
    policy("north", {"brands": ["north"]}, days=30, conditions={"reason": "quality"}),
    policy("series", {"series": ["疾行"]}, **{"from": "2027-01-01"}, days=60),
    policy("a2", {"products": ["A2"]}, freight="seller", reason=HARD),
]
PROMOTIONS: list[dict[str, Any]] = [
    {
        "id": "whole", "name": "满200减30", "kind": "full_reduction", "threshold": 200, "value": 30,
        "scope": {"all": True}, "except": {"categories": ["socks"]}, "text": "满200减30",
        "from": "2026-11-01", "to": "2026-11-30", "channels": ["web", "wechat"],
    },
    {
        "id": "shoes_half", "name": "鞋五折", "kind": "percent", "value": 0.5,
        "scope": {"categories": ["shoes"]}, "text": "鞋五折",
    },
    {
        "id": "series_socks", "name": "同系列袜子八折", "kind": "percent", "value": 0.8,
        "scope": {"series": ["疾行"]}, "needs": {"same_series": True, "with_categories": ["shoes"]},
        "text": "同系列八折",
    },
    {
        "id": "past", "name": "过期券", "kind": "coupon", "value": 5, "code": "OLD",
        "scope": {"brands": ["south"]}, "to": "2026-01-01", "text": "过期",
    },
    {
        "id": "months", "name": "分期", "kind": "instalment", "periods": [3, 6],
        "interest_free": [3], "scope": {"products": ["G1"]}, "text": "分期",
    },
]  # fmt: skip
FAQS = [
    {"id": "q1", "questions": ["可以退货吗", "怎么退货"], "answers": {"zh": "可以", "en": "Yes"},
     "intent": "ask_return", "topic": "return", "about": ["policy:all", "topic:return"]},
    {"id": "q2", "questions": ["发什么快递", "用哪家物流"], "answers": {"zh": "顺路快递"},
     "intent": "ask_shipping"},
    {"id": "q3", "questions": ["手机防水吗"], "answers": {"zh": "不防水"},
     "about": ["product:G1", "category:gadgets", "promotion:months"]},
]  # fmt: skip

TRANSLATIONS = [
    {
        "id": "en:product:A1",
        "language": "en",
        "kind": "product",
        "of": "A1",
        "texts": {"name": "Swift runner", "aliases": ["swift"], "attributes": {"Upper": "mesh"}},
    },
    {
        "id": "en:brand:north",
        "language": "en",
        "kind": "brand",
        "of": "north",
        "texts": {"name": "Northwind"},
    },
    {
        "id": "en:policy:all@1",
        "language": "en",
        "kind": "policy",
        "of": "all@1",
        "texts": {"title": "Returns in English", "text": "Said in English."},
    },
    {
        "id": "en:words:shop",
        "language": "en",
        "kind": "words",
        "of": "shop",
        "texts": {"colours": {"黑": "black"}},
    },
]

_RAW: dict[str, list[dict[str, Any]]] = {
    "brand": BRANDS,
    "category": CATEGORIES,
    "product": PRODUCTS,
    "size_chart": SIZE_CHARTS,
    "policy": POLICIES,
    "promotion": PROMOTIONS,
    "faq": FAQS,
    "translation": TRANSLATIONS,
}


def small_shop(**more: list[dict[str, Any]]) -> Content:
    """The shop, with more raw records by kind; every one must be in order."""
    content = Content()
    problems: list[Problem] = []
    for kind, records in _RAW.items():
        for raw in (*records, *more.get(kind, ())):
            problems += put(content, kind, raw, "test")
    assert not problems, problems
    return content
