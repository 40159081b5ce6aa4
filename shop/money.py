"""Amounts of money as a shopper reads them, in the chat and on every page."""

from __future__ import annotations


def yuan(cents: int) -> str:
    """An amount in cents: 49900 → "¥499", 1290 → "¥12.90"."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}¥{whole}" + (f".{rest:02d}" if rest else "")
