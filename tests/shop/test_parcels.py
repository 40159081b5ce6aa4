"""Couriers' names and reports in the shopper's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from shop import parcels

LANGUAGES = ("en", "ja", "ko")
SEED = yaml.safe_load(Path("shop/seed/orders.yml").read_text(encoding="utf-8"))["orders"]
TEXTS = sorted({entry["text"] for order in SEED for entry in order.get("shipments", [])})
CARRIERS = sorted({order["carrier"] for order in SEED if order.get("carrier")})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_courier_and_report_of_the_demo_shop_is_told_in_each_language(language):
    assert TEXTS and CARRIERS
    for text in TEXTS:
        told = parcels.event(text, language)
        assert told != text and "{" not in told and "【" not in told
        if language != "ja":
            assert not re.search(r"[\u4e00-\u9fff]", told), told
    for name in CARRIERS:
        assert parcels.carrier(name, language) != name


def test_chinese_and_what_is_not_known_stay_as_reported():
    report = "快件已从【杭州转运中心】发出，下一站【温州龙湾站】"
    assert parcels.event(report, "zh") == report
    assert parcels.event(report, "en") == "Left Hangzhou sorting center, next stop 温州龙湾站"
    assert parcels.event("包裹异常", "en") == "包裹异常"
    assert parcels.carrier("山里快递", "ko") == "山里快递"
