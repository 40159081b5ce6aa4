"""Which measures of people are believed in any language: what lies beyond is another number."""

from __future__ import annotations

# A foot's length above this was said in millimetres.
_MOST_CM_OF_FOOT = 40


def height(centimetres: float) -> float | None:
    """A person's height in centimetres."""
    return _within(centimetres, 45, 230, 1)


def weight(kilograms: float) -> float | None:
    """A person's weight in kilograms."""
    return _within(kilograms, 0.1, 300, 2)


def foot_length(length: float) -> float | None:
    """A foot's length in centimetres, said in these or in millimetres."""
    return _within(length / 10 if length > _MOST_CM_OF_FOOT else length, 8, 34, 2)


def age(years: float) -> float | None:
    """A person's age in years."""
    return _within(years, 0.01, 120, 2)


def _within(value: float, least: float, most: float, digits: int) -> float | None:
    return round(value, digits) if least <= value <= most else None
