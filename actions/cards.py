"""Products and orders as cards, in the channels' common form."""

from __future__ import annotations

from actions.turn import button
from kg.catalogue import Product
from shop.offers import ProductOffers
from shop.orders import Order

STATE_NAMES = {
    "paid": "待发货",
    "shipped": "运输中",
    "delivered": "已签收",
    "cancelled": "已取消",
    "refunding": "退款中",
}


def money(cents: int | None) -> str:
    """An amount in cents as a shopper reads it: ¥499 or ¥12.90."""
    if cents is None:
        return "暂无报价"
    yuan, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}¥{yuan}" + (f".{rest:02d}" if rest else "")


def price_range(offers: ProductOffers) -> str:
    """What a product costs: one price, or from the lowest on."""
    if offers.price_min == offers.price_max:
        return money(offers.price_min)
    return f"{money(offers.price_min)} 起"


def product_card(product: Product, offers: ProductOffers, subtitle: str = "") -> dict:
    """A product with its picture, price, and what one most often asks next."""
    stock = "" if offers.in_stock else " · 暂时缺货"
    return {
        "kind": "product",
        "id": product.id,
        "title": product.name,
        "subtitle": (subtitle or f"{product.brand_name} · {product.category_name}") + stock,
        "price": price_range(offers),
        "image": f"/media/products/{product.id}.svg",
        "url": f"/products/{product.id}",
        "buttons": [
            button(
                "选尺码" if product_has_sizes(product) else "看优惠",
                _next(product),
                product=product.id,
            )
        ],
    }


def product_has_sizes(product: Product) -> bool:
    """Whether the product comes in sizes of the body (not storage sizes or packs)."""
    roots = {"sports", "kids", "socks", "underwear", "baby"}
    return bool(roots & set(product.category_path)) and len(product.sizes) > 1


def _next(product: Product) -> str:
    return "ask_size" if product_has_sizes(product) else "ask_promotion"


def contents(order: Order) -> str:
    """What is in an order, in few words: its first goods, and how many kinds there are."""
    more = f" 等 {len(order.lines)} 件" if len(order.lines) > 1 else ""
    return f"{order.lines[0].title}{more}"


def state_text(order: Order) -> str:
    """Where an order stands, with the days since it was delivered."""
    days = order.days_since_delivery()
    if order.state == "delivered" and days is not None:
        return "今天刚签收" if days == 0 else f"已签收 {days} 天"
    return STATE_NAMES[order.state]


def order_card(order: Order, choose: bool = False) -> dict:
    """An order with its state; `choose` adds the button that picks it."""
    first = order.lines[0]
    return {
        "kind": "order",
        "id": order.number,
        "title": contents(order),
        "subtitle": f"{order.number} · {STATE_NAMES[order.state]}",
        "price": money(order.total_cents),
        "image": f"/media/products/{first.product_id}.svg",
        "url": None,
        "buttons": [button("就这单", "inform", order_number=order.number)] if choose else [],
    }
