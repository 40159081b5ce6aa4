"""Both databases, for what the shop writes into the customer data."""

from tests.cdp.conftest import database, postgresql

__all__ = ["database", "postgresql"]
