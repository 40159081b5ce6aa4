"""Both databases, for what the connectors write into the customer data."""

from tests.cdp.conftest import database, postgresql

__all__ = ["database", "postgresql"]
