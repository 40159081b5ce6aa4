"""The fixtures of `trial`, found by their names here."""

from tests.vendors.wecom.trial import clock, enterprise, vendor

__all__ = ["clock", "enterprise", "vendor"]
