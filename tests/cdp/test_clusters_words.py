"""Clusters in English: every word a name, a feature or a card can have."""

from __future__ import annotations

import re

import pytest

from cdp.clusters import naming, words
from cdp.clusters.features import CHOICES, NUMBERS, word
from cdp.clusters.report import _VERDICTS

CHINESE = re.compile("[\u4e00-\u9fff]")


def test_every_word_and_label_has_english():
    for one in NUMBERS:
        for text in (one.high, one.low):
            assert not CHINESE.search(words.word(text, "en")), text
        assert not CHINESE.search(words.label(one.label, "en")), one.label
    for choice in CHOICES:
        assert not CHINESE.search(words.label(choice.label, "en")), choice.label
    assert words.name(naming.PLAIN, "en") == "average customers"
    assert set(words._EN_SENTENCES["meaning"]) == set(_VERDICTS)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("高频低客单·短视频来客", "frequent orders, small orders · from short video"),
        ("低频爱咨询·微信来客（2）", "rare orders, asks a lot · from WeChat (2)"),
        ("手机用户", "on the phone"),
        ("高客单·新一线城市", "large orders · new tier 1 cities"),
        ("久未来访·25-34岁", "long away · aged 25-34"),
        ("一家店的词", "一家店的词"),
    ],
)
def test_names(text, english):
    assert words.name(text, "en") == english
    assert words.name(text, "zh") == text


def test_signs_keep_their_strength_and_levels_their_names():
    assert words.word("常来（+1.4σ）", "en") == "often here (+1.4σ)"
    assert words.label("首次来源：短视频渠道", "en") == "first channel: short video"
    assert words.label("主要设备：手机", "en") == "main device: mobile"
    by_name = {one.name: one for one in CHOICES}
    assert words.word(word(by_name["gender"], "female"), "en") == "women"
    assert words.word(word(by_name["channel"], "外部链接"), "en") == "from another site's link"


def test_a_card_without_clusters():
    card = {
        "version": "v", "made_at": "2026-11-22T03:00:00Z", "verdict": "not enough data",
        "meaning": "数据不足", "data": {"people": 3, "who": "顾客", "window": "至今"},
        "features": ["活跃天数"], "method": "方法", "use": "用途", "tries": [],
    }  # fmt: skip
    english = words.card_in(card, "en")
    assert not CHINESE.search(str(english)) and english["data"]["people"] == 3
    assert words.card_in(card, "zh") is card
