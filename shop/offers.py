"""Price and stock, which change by the minute and therefore do not live in the graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, String, select

from storage import Base, read


class OfferRow(Base):
    """What one variant costs and how many of it there are."""

    __tablename__ = "offers"

    sku = Column(String(64), primary_key=True)
    product_id = Column(String(64), nullable=False, index=True)
    price_cents = Column(Integer, nullable=False)
    stock = Column(Integer, nullable=False)
    restock_days = Column(Integer)
    updated_at = Column(DateTime, nullable=False)


@dataclass(frozen=True)
class Offer:
    """price_cents: in the currency's hundredths; restock_days: until more come, if known."""

    sku: str
    price_cents: int
    stock: int
    restock_days: int | None
    updated_at: datetime


@dataclass(frozen=True)
class ProductOffers:
    """The offers of one product's variants by sku."""

    product_id: str
    variants: dict[str, Offer] = field(default_factory=dict)
    currency: str = "CNY"

    @property
    def price_min(self) -> int | None:
        """The lowest price in cents, or None where nothing is on offer."""
        return min((offer.price_cents for offer in self.variants.values()), default=None)

    @property
    def price_max(self) -> int | None:
        """The highest price in cents, or None where nothing is on offer."""
        return max((offer.price_cents for offer in self.variants.values()), default=None)

    @property
    def in_stock(self) -> bool:
        """Whether any variant can be bought now."""
        return any(offer.stock > 0 for offer in self.variants.values())


def offers_for(product_id: str) -> ProductOffers:
    """The offers of one product; empty where the shop has none."""
    return many([product_id])[product_id]


def many(product_ids: Iterable[str]) -> dict[str, ProductOffers]:
    """The offers of each product, in one query."""
    wanted = list(dict.fromkeys(product_ids))
    found: dict[str, dict[str, Offer]] = {product_id: {} for product_id in wanted}
    with read() as session:
        rows = session.scalars(select(OfferRow).where(OfferRow.product_id.in_(wanted)))
        for row in rows:
            found[row.product_id][row.sku] = Offer(
                row.sku, row.price_cents, row.stock, row.restock_days, row.updated_at
            )
    return {
        product_id: ProductOffers(product_id, variants) for product_id, variants in found.items()
    }
