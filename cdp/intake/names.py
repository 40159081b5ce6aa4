"""What an event is called here: Segment's e-commerce and live-chat names, and their older and
plainer spellings, as one canonical name and one kind.

Spec: https://segment.com/docs/connections/spec/ecommerce/v2 and …/spec/live-chat.
"""

from __future__ import annotations

import re
from functools import lru_cache

_BY_KIND = {
    "click": ("Product Clicked", "Ad Clicked", "Link Clicked", "Element Clicked", "Button Clicked"),
    "view": ("Product Viewed", "Product List Viewed", "Product List Filtered"),
    "search": ("Products Searched",),
    "cart": ("Product Added", "Cart Viewed", "Product Added To Cart"),
    "checkout": (
        "Checkout Started",
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Payment Info Entered",
    ),
    "order": ("Order Completed", "Order Updated", "Order Placed", "Order Paid"),
    "refund": ("Order Refunded", "Order Cancelled"),
    "coupon": ("Coupon Entered", "Coupon Applied", "Coupon Denied"),
    "promotion": ("Promotion Viewed",),
    "share": ("Product Shared", "Cart Shared", "Content Shared"),
    "favourite": (
        "Product Added to Wishlist",
        "Wishlist Product Added to Cart",
        "Product Favourited",
        "Content Liked",
    ),
    "review": ("Product Reviewed", "Content Commented"),
    "follow": ("Shop Followed", "Account Followed"),
    "experiment": ("Experiment Viewed",),
    "talk": ("Conversation Started", "Message Sent", "Message Received", "Conversation Ended"),
}
# Promotion Clicked leads somewhere, as an advertisement does.
_ALSO = {
    "Promotion Clicked": ("click", "Promotion Clicked"),
    "Viewed Product": ("view", "Product Viewed"),
    "Viewed Product Category": ("view", "Product List Viewed"),
    "Viewed Promotion": ("promotion", "Promotion Viewed"),
    "Clicked Promotion": ("click", "Promotion Clicked"),
    "Added Product": ("cart", "Product Added"),
    # What is taken back shows no interest.
    "Product Removed": ("other", "Product Removed"),
    "Removed Product": ("other", "Product Removed"),
    "Coupon Removed": ("other", "Coupon Removed"),
    "Product Removed from Wishlist": ("other", "Product Removed from Wishlist"),
    "Shop Unfollowed": ("other", "Shop Unfollowed"),
    "Completed Order": ("order", "Order Completed"),
    "Order Canceled": ("refund", "Order Cancelled"),
    "Product Reviewed by User": ("review", "Product Reviewed"),
    "Live Chat Conversation Started": ("talk", "Conversation Started"),
    "Live Chat Message Sent": ("talk", "Message Sent"),
    "Live Chat Message Received": ("talk", "Message Received"),
    "Live Chat Conversation Ended": ("talk", "Conversation Ended"),
    # One word is enough for those who have no spec at hand.
    "Click": ("click", "Link Clicked"),
    "View": ("view", "Product Viewed"),
    "Search": ("search", "Products Searched"),
    "Cart": ("cart", "Product Added"),
    "Checkout": ("checkout", "Checkout Started"),
    "Order": ("order", "Order Completed"),
    "Refund": ("refund", "Order Refunded"),
    "Share": ("share", "Content Shared"),
    "Favourite": ("favourite", "Product Favourited"),
    "Favorite": ("favourite", "Product Favourited"),
    "Review": ("review", "Product Reviewed"),
    "Follow": ("follow", "Shop Followed"),
}
_BREAKS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_.\-:/]+")


def _plain(name: str) -> str:
    return _BREAKS.sub(" ", name).strip().lower()


_KNOWN = {_plain(name): (kind, name) for kind, names in _BY_KIND.items() for name in names}
_KNOWN |= {_plain(name): found for name, found in _ALSO.items()}


@lru_cache(maxsize=5_000)
def standard(name: str) -> tuple[str, str]:
    """(kind, canonical name) of a track call's event name; ("other", name) if it is the shop's own.

    Case, spaces, underscores and camelCase make no difference: `product_viewed`, `ProductViewed`
    and `Viewed Product` are all ("view", "Product Viewed").
    """
    return _KNOWN.get(_plain(name), ("other", name))
