"""Products and orders as cards, in the channels' common form."""

from __future__ import annotations

from actions.turn import Turn
from kg.catalogue import Product
from shop.money import yuan
from shop.offers import ProductOffers
from shop.orders import Order


def money(turn: Turn, cents: int | None) -> str:
    """An amount in cents, or that it is not known."""
    return turn.phrase("price.unknown") if cents is None else yuan(cents)


def price_range(turn: Turn, offers: ProductOffers) -> str:
    """What a product costs: one price, or from the lowest on."""
    lowest = money(turn, offers.price_min)
    if offers.price_min == offers.price_max:
        return lowest
    return turn.phrase("price.from", price=lowest)


def product_card(turn: Turn, product: Product, offers: ProductOffers) -> dict:
    """A product with its picture, price, and what one most often asks next."""
    stock = "" if offers.in_stock else turn.phrase("stock.card_none")
    if product_has_sizes(product):
        following = turn.button("pick_size", "ask_size", product=product.id)
    else:
        following = turn.button("see_offers", "ask_promotion", product=product.id)
    return {
        "kind": "product",
        "id": product.id,
        "title": product.name,
        "subtitle": f"{product.brand_name} · {product.category_name}{stock}",
        "price": price_range(turn, offers),
        "image": f"/media/products/{product.id}.svg",
        "url": f"/products/{product.id}",
        "buttons": [following],
    }


def product_has_sizes(product: Product) -> bool:
    """Whether the product comes in sizes of the body (not storage sizes or packs)."""
    roots = {"sports", "kids", "socks", "underwear", "baby"}
    return bool(roots & set(product.category_path)) and len(product.sizes) > 1


def contents(turn: Turn, order: Order) -> str:
    """What is in an order, in few words: its first goods, and how many kinds there are."""
    title = order.lines[0].title
    if len(order.lines) == 1:
        return title
    return turn.phrase("order.contents", title=title, count=len(order.lines))


def state_name(turn: Turn, order: Order) -> str:
    """Where an order stands."""
    return turn.phrase(f"state.{order.state}")


def state_text(turn: Turn, order: Order) -> str:
    """Where an order stands, with the days since it was delivered."""
    days = order.days_since_delivery()
    if order.state != "delivered" or days is None:
        return state_name(turn, order)
    if days == 0:
        return turn.phrase("state.delivered_today")
    return turn.phrase("state.delivered_days", days=days)


def order_card(turn: Turn, order: Order, choose: bool = False) -> dict:
    """An order with its state; `choose` adds the button that picks it."""
    first = order.lines[0]
    picks = turn.button("this_order", "inform", order_number=order.number)
    return {
        "kind": "order",
        "id": order.number,
        "title": contents(turn, order),
        "subtitle": f"{order.number} · {state_name(turn, order)}",
        "price": money(turn, order.total_cents),
        "image": f"/media/products/{first.product_id}.svg",
        "url": None,
        "buttons": [picks] if choose else [],
    }
