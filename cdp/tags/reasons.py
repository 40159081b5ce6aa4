"""Reasons: Chinese sentences for the shopper, with what the rule's conditions found filled in.

{count} how often   {items} names of products   {last} the day of the newest evidence
{orders} how many orders   {value} what they came to   {channel} where from   {days} how long
{value_of_trait} the trait's value
"""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

# A shopper reads Chinese time; the database keeps UTC.
_HERE = timedelta(hours=8)


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


def render(template: str, values: dict[str, Any]) -> str:
    """The sentence; values that were not found read as nothing."""
    shown = {name: _shown(name, values.get(name)) for name in fields_of(template)}
    return template.format(**shown).replace("（）", "").replace("「」", "")


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = value + _HERE
        return f"{local.month}月{local.day}日"
    if name == "value":
        return f"{value / 100:.2f}".removesuffix(".00")
    return str(value)
