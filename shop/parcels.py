"""What couriers are called and what they report, in the shopper's language.

Couriers report in Chinese, in sentences of their own forms; parcels.yml has those that are known in
other languages. What is not there is told as it was reported.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("parcels.yml")
_PLACE = re.compile(r"\\{(\w+)\\}")


def carrier(name: str, language: str | None) -> str:
    """A courier's name in that language."""
    return _table()["carriers"].get(name, {}).get(language, name)


def event(text: str, language: str | None) -> str:
    """An entry of a parcel's way in that language."""
    for pattern, said in _events():
        match = pattern.fullmatch(text)
        if match and language in said:
            places = _table()["places"]
            named = {
                group: places.get(place, {}).get(language, place)
                for group, place in match.groupdict().items()
            }
            return said[language].format(**named)
    return text


@lru_cache(maxsize=1)
def _table() -> dict:
    return yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@lru_cache(maxsize=1)
def _events() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    """The Chinese form of each report, with what it is in other languages."""
    return [
        (re.compile(_PLACE.sub(r"(?P<\1>[^】]+)", re.escape(said["zh"]))), said)
        for said in _table()["events"]
    ]
