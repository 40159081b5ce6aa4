"""Reasons: sentences for the shopper, with what the rule's conditions found filled in.

{count} how often   {items} names of products   {last} the day of the newest evidence
{orders} how many orders   {value} what they came to   {channel} where from   {days} how long
{value_of_trait} the trait's value
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

NAMES_SHOWN = 3
# A shopper reads Chinese time; the database keeps UTC.
_HERE = timedelta(hours=8)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What stands between names, and what says that there are more of them.
_LISTS = {
    "zh": ("、", "等"),
    "en": (", ", " and more"),
    "ja": ("、", "など"),
    "ko": (", ", " 등"),
}


@lru_cache(maxsize=1_000)
def fields_of(template: str) -> frozenset[str]:
    """The names in braces.

    Raises:
        ValueError: a brace is not closed, or a name has an index, an attribute or a format.
    """
    found = set()
    for _, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}}: expected a plain name in braces")
        found.add(name)
    return frozenset(found)


def quoted(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Of what was found that which a rule's reasons quote, as it is kept (JSON)."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if name in names and value is not None
    }


def render(
    template: str,
    values: Mapping[str, Any],
    language: str = "zh",
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """The sentence; values that were not found read as nothing.

    values: as found, or as `quoted` keeps them. words: what channels are called.
    """
    shown = {
        name: _shown(name, values.get(name), language, words or {}) for name in fields_of(template)
    }
    said = template.format(**shown)
    if "" not in shown.values():
        return said
    for nothing in ("（）", "「」", " ()", "()"):
        said = said.replace(nothing, "")
    return said


def _shown(name: str, value: Any, language: str, words: Mapping) -> str:
    if value is None:
        return ""
    if name == "last":
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return _day(at, language)
    if name == "items":
        between, more = _LISTS[language]
        return between.join(value[:NAMES_SHOWN]) + (more if len(value) > NAMES_SHOWN else "")
    if name == "value":
        return f"{value / 100:.2f}".removesuffix(".00")
    return words.get(value, {}).get(language, value) if name == "channel" else str(value)


def _day(at: datetime, language: str) -> str:
    local = at + _HERE
    if language == "en":
        return f"{local.day} {_MONTHS[local.month - 1]}"
    return f"{local.month}월 {local.day}일" if language == "ko" else f"{local.month}月{local.day}日"
