"""A tiny shop: three categories, five products, no graph engine and no database behind it."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace

from kg.catalogue import Category, Product, Variant
from kg.promotions import Promotion
from kg.sizes import SizeChart
from shop.offers import Offer, ProductOffers
from shop.storefront import Sources

SHOPPERS = {"demo": "陈小满", "lin": "林一帆"}

_CATEGORIES = {
    "sports": Category("sports", "运动户外", None, [], "件", ["sports"]),
    "running_shoes": Category(
        "running_shoes", "跑步鞋", "sports", ["跑鞋"], "双", ["running_shoes", "sports"]
    ),
    "food": Category("food", "食品", None, [], "袋", ["food"]),
}


def _product(id: str, name: str, category: str, variants: list[Variant], **more) -> Product:
    values = {
        "id": id, "name": name, "brand": "lingbu", "brand_name": "凌步", "category": category,
        "category_name": _CATEGORIES[category].name, "category_path": _CATEGORIES[category].path,
        "series": "疾风", "audience": "men", "description": "轻快透气，适合日常慢跑。",
        "attributes": {"鞋面": "工程网布"}, "package": ["跑鞋一双"], "usage": ["清水手洗"],
        "aliases": [], "launched": "2026-03", "tags": [], "images": [], "variants": variants,
    }  # fmt: skip
    return Product(**{**values, **more})


_PRODUCTS = {
    found.id: found
    for found in (
        _product(
            "P1",
            "凌步 疾风3 男款跑步鞋",
            "running_shoes",
            [
                Variant("P1-01", "黑色", "41"),
                Variant("P1-02", "黑色", "42"),
                Variant("P1-03", "云白", "41"),
                Variant("P1-04", "云白", "42"),
            ],
        ),
        _product("P2", "凌步 疾风袜", "running_shoes", [Variant("P2-01", "云白", "均码")]),
        _product("P3", "山野记 每日坚果", "food", [Variant("P3-01", "", "500g")], series=None),
        _product(
            "P4",
            '<script>alert(1)</script> & "引号"',
            "food",
            [Variant("P4-01", "", "")],
            description="<img src=x onerror=alert(1)>",
            series=None,
        ),
    )
}

_PRICES = {
    "P1-01": (49900, 12, None), "P1-02": (49900, 0, 7), "P1-03": (52900, 3, None),
    "P1-04": (52900, 0, None), "P2-01": (3990, 100, None), "P3-01": (8800, 0, None),
}  # fmt: skip


def offers_of(product_ids) -> dict[str, ProductOffers]:
    """`shop.offers.many` over the prices above."""
    made = {}
    for product_id in product_ids:
        variants = {
            sku: Offer(sku, *price, datetime(2026, 11, 22))
            for sku, price in _PRICES.items()
            if sku.startswith(f"{product_id}-")
        }
        made[product_id] = ProductOffers(product_id, variants)
    return made


class FakeGraph:
    """Only says its version; `broken` makes it fail."""

    broken: Exception | None = None

    async def version(self) -> str:
        if self.broken:
            raise self.broken
        return "test-1"


class FakeCatalogue:
    """The functions of `kg.catalogue` that the storefront uses."""

    async def product(self, g, id):
        if g.broken:
            raise g.broken
        return _PRODUCTS.get(id)

    async def products(self, g, ids):
        return [_PRODUCTS[id] for id in ids if id in _PRODUCTS]

    async def categories(self, g):
        if g.broken:
            raise g.broken
        return list(_CATEGORIES.values())

    async def search(self, g, *, category=None, text=None, limit=20):
        found = [
            one
            for one in _PRODUCTS.values()
            if (category is None or category in one.category_path)
            and all(word in one.name for word in (text or "").split())
        ]
        return found[:limit]

    async def goes_with(self, g, id):
        return [_PRODUCTS["P2"]] if id == "P1" else []

    async def same_series(self, g, id, category=None):
        return []


async def _in_force(g, day, product_id=None, category=None, kind=None):
    promotion = Promotion(
        id="PR1", name="全场满200减30", kind="full_reduction", threshold=200, value=30,
        scope={"all": True}, exceptions={}, needs={}, periods=[], interest_free=[], gift=None,
        code="QD30", channels=[], first_day=None, last_day="2026-12-12", text="满200元立减30元",
        terms="", scope_names=[],
    )  # fmt: skip
    return [promotion]


async def _chart_for(g, product_id=None, category=None, audience=None):
    if product_id != "P1":
        return None
    rows = [{"size": "41", "eu": "41", "foot_length": [25.5, 26.0]}]
    return SizeChart("shoes", "成人鞋码表", "unisex", ["foot_length"], [], rows, "傍晚量脚更准")


def sources() -> Sources:
    """The tiny shop as the storefront's sources."""
    return Sources(
        graph=FakeGraph(),
        catalogue=FakeCatalogue(),
        promotions=SimpleNamespace(in_force=_in_force),
        sizes=SimpleNamespace(chart_for=_chart_for),
        many=offers_of,
        today=lambda: date(2026, 11, 22),
    )
