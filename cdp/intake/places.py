"""Where a shopper is: the city by one name, and its tier (cdp/cities_tiers.yml)."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import yaml

TIERS_FILE = Path(__file__).parent.parent / "cities_tiers.yml"
REST = "三线及以下"
_HOME = {"", "cn", "chn", "china", "中国", "中华人民共和国", "people's republic of china"}
_LONGEST = 80


@cache
def _cities() -> dict[str, tuple[str, str]]:
    tiers = yaml.load(TIERS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {
        spelling.lower(): (city, tier)
        for tier, cities in tiers.items()
        for city, spellings in cities.items()
        for spelling in (city, *spellings)
    }


def of_context(context: dict) -> dict | None:
    """{city, region, country, tier} of `context.location`, what is known of it; None if nothing."""
    location = context.get("location")
    if not isinstance(location, dict):
        return None
    parts = [location.get(name) for name in ("city", "region", "country")]
    return _standard(*(part if part.__class__ is str else "" for part in parts))


@lru_cache(maxsize=5_000)
def _standard(city: str, region: str, country: str) -> dict | None:
    city, region, country = (part.strip()[:_LONGEST] for part in (city, region, country))
    name, tier = tier_of(city, country)
    found = {"city": name, "region": region, "country": country, "tier": tier}
    return {key: value for key, value in found.items() if value} or None


def tier_of(city: str, country: str = "") -> tuple[str, str | None]:
    """(the city's one name, its tier); the tier is None for a city abroad, or none.

    Without a country a city counts as Chinese if it is listed or written in Chinese.
    """
    known = _cities().get(city.lower()) or _cities().get(city.removesuffix("市").lower())
    if country.lower() not in _HOME or not city:
        return city, None
    if known:
        return known
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in city)
    return city.removesuffix("市"), (REST if chinese or country else None)
