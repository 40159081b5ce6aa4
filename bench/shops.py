"""Synthetic shops of any size for the graph's benchmark: names and numbers from a seeded dice."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from kg.build import put
from kg.content import Content

LEAVES = 50
TOPICS = 20
_COLUMNS = (
    "id", "name", "brand", "category", "series", "audience", "aliases", "description",
    "attributes", "colours", "sizes", "price", "stock", "goes_with",
)  # fmt: skip
_MATERIALS = ("网布", "棉", "羊毛", "尼龙", "皮革", "硅胶", "不锈钢", "竹纤维")


def frame(brands: int) -> Content:
    """Everything but the products: brands, 50 leaf categories, rules, charts, questions."""
    content = Content()
    problems = []
    for n in range(brands):
        problems += put(content, "brand", {"id": f"b{n}", "name": f"牌子{n}号"}, "bench")
    for root in range(10):
        problems += put(content, "category", {"id": f"r{root}", "name": f"部门{root}"}, "bench")
        for leaf in range(5):
            raw = {"id": f"c{root * 5 + leaf}", "name": f"类{root}之{leaf}", "parent": f"r{root}"}
            problems += put(content, "category", raw, "bench")
    rows = [{"size": str(35 + n), "foot_length": [22 + n / 2, 22.5 + n / 2]} for n in range(12)]
    chart = {"id": "chart", "name": "鞋码", "by": "foot_length", "rows": rows, "categories": ["r0"]}
    problems += put(content, "size_chart", chart, "bench")
    for n in range(200):
        problems += put(content, "policy", _policy(n, brands), "bench")
    for n in range(60):
        problems += put(content, "promotion", _promotion(n, brands), "bench")
    for n in range(500):
        raw = {
            "id": f"f{n}",
            "questions": [f"第{n}种情况能不能退", f"{n}号情况怎么退货", f"情况{n}退换"],
            "answers": {"zh": f"第{n}种情况的回答。"},
        }
        problems += put(content, "faq", raw, "bench")
    if problems:
        raise ValueError("\n".join(map(str, problems)))
    return content


def write_feed(path: Path, products: int, brands: int) -> None:
    """A CSV feed of products, each with four variants and two products that go with it."""
    dice = random.Random(products)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for n in range(products):
            brand = dice.randrange(brands)
            partners = {f"P{dice.randrange(products)}" for _ in range(2)} - {f"P{n}"}
            material = dice.choice(_MATERIALS)
            writer.writerow([
                f"P{n}", f"牌子{brand}号 {material}款第{n}号", f"b{brand}",
                f"c{dice.randrange(LEAVES)}", f"系列{dice.randrange(4)}",
                dice.choice(("men", "women", "unisex", "kids")), f"{n}款|款式{n}",
                f"用{material}做的第{n}号商品，平时用正好。",
                f"材质={material};重量={dice.randrange(50, 900)}克", "黑|白", "M|L",
                dice.randrange(10, 3000), dice.randrange(0, 500), "|".join(sorted(partners)),
            ])  # fmt: skip


def _policy(n: int, brands: int) -> dict[str, Any]:
    scopes = ({"all": True}, {"categories": [f"c{n % LEAVES}"]}, {"brands": [f"b{n % brands}"]})
    return {
        "id": f"rule{n}",
        "topic": f"t{n % TOPICS}",
        "title": f"规则{n}",
        "version": 1,
        "scope": scopes[n % 3],
        "conditions": {} if n % 2 else {"reason": "quality"},
        "allowed": True,
        "days": 7,
        "text": f"第{n}条规则。",
    }


def _promotion(n: int, brands: int) -> dict[str, Any]:
    scopes = ({"all": True}, {"categories": [f"c{n % LEAVES}"]}, {"brands": [f"b{n % brands}"]})
    return {
        "id": f"promo{n}",
        "name": f"活动{n}",
        "kind": "full_reduction",
        "threshold": 200,
        "value": 30,
        "scope": scopes[n % 3],
        "text": "满 200 减 30。",
    }
