"""What clusters are called in English: their names, features, and the sentences of a card.

A model is made and kept in Chinese; another language is a matter of reading it. What has no word
here (a name that an operator's feed brought, for instance) stays as it is.
"""

from __future__ import annotations

import re

from cdp.clusters.features import CHOICES, DAYS, NUMBERS
from cdp.clusters.limits import (
    DEVIATIONS,
    FEWEST_PEOPLE,
    LEAST_SILHOUETTE,
    LEAST_STABILITY,
    MARGIN,
    RESAMPLES,
)
from cdp.clusters.model import CLUSTERS
from cdp.tags import wording

LANGUAGES = ("zh", "en")
_LABELS = {
    "active_days": "active days",
    "silent_days": "days since the last visit",
    "views": "views",
    "searches": "searches",
    "carts": "put into the cart",
    "orders": "orders",
    "average_order": "average order (¥)",
    "refunded": "share refunded",
    "offers": "coupons and promotions",
    "talks": "talks",
    "social": "shares, saves, reviews",
    "breadth": "breadth of interests",
    "mood": "mood in talks",
    "channel": "first channel",
    "device": "main device",
    "city_tier": "city tier",
    "gender": "gender",
    "age_band": "age band",
}
_EN_LABELS = {one.label: _LABELS[one.name] for one in (*NUMBERS, *CHOICES)}
# The words for much and for little of each number, in the order of the features.
_EN_WORDS = {
    "常来": "often here",
    "少来": "seldom here",
    "久未来访": "long away",
    "近期来访": "here lately",
    "多浏览": "looks a lot",
    "少浏览": "looks little",
    "爱搜索": "searches a lot",
    "少搜索": "searches little",
    "爱加购": "fills the cart",
    "少加购": "seldom fills the cart",
    "高频": "frequent orders",
    "低频": "rare orders",
    "高客单": "large orders",
    "低客单": "small orders",
    "多退款": "many refunds",
    "少退款": "few refunds",
    "爱优惠": "likes offers",
    "少用券": "few coupons",
    "爱咨询": "asks a lot",
    "少咨询": "asks little",
    "爱分享": "shares a lot",
    "少分享": "shares little",
    "兴趣广": "broad interests",
    "兴趣专": "narrow interests",
    "情绪好": "good mood",
    "情绪差": "bad mood",
    "一般顾客": "average customers",
    "女性": "women",
    "男性": "men",
    "手机用户": "on the phone",
    "电脑用户": "on a computer",
    "平板用户": "on a tablet",
    "一线城市": "tier 1 cities",
    "新一线城市": "new tier 1 cities",
    "二线城市": "tier 2 cities",
    "三线及以下城市": "tier 3 cities and below",
}
_EN_LEVELS = {
    "女性": "female",
    "男性": "male",
    "手机": "mobile",
    "电脑": "desktop",
    "平板": "tablet",
    "一线": "tier 1",
    "新一线": "new tier 1",
    "二线": "tier 2",
    "三线及以下": "tier 3 and below",
}
_ACTS = re.compile("|".join(sorted(_EN_WORDS, key=len, reverse=True)))
_NUMBERED = re.compile(r"（(\d+)）$")
_SIGN = re.compile(r"（([+-][\d.]+σ)）$")
_EN_SENTENCES = {
    "meaning": {
        CLUSTERS: "Stable groups were found.",
        "not enough data": f"Not enough data: at least {FEWEST_PEOPLE} customers who allow "
        "analytics are needed.",
        "no clear groups": "No clear groups: no way of grouping is both clear and stable, so none "
        "is used.",
    },
    "who": "customers who allow analytics, are not under 14 and were not taken out of training",
    "method": "K-means on standardised features; of the numbers of clusters that fulfil all of "
    "these the one with the highest silhouette: clearly above two kinds of data without groups "
    "(normal draws of the same covariance, and a Gaussian copula of each feature's own values; by "
    f"{DEVIATIONS:g} deviations and by {MARGIN}), a silhouette of {LEAST_SILHOUETTE} or more, a "
    f"mean adjusted Rand index of {LEAST_STABILITY} or more in {RESAMPLES} bootstrap resamples, "
    "and enough people in each.",
    "use": "To understand customers and for marketing segments; never to raise a price or to "
    "refuse service. Who withdraws consent to analytics leaves at once.",
}


def name(text: str, language: str) -> str:
    """A cluster's name: 高频·短视频来客 → frequent orders · from short video."""
    if language == "zh":
        return text
    base, again = _NUMBERED.sub("", text), _NUMBERED.search(text)
    parts = [_acts(part) or word(part, language) for part in base.split("·")]
    return " · ".join(parts) + (f" ({again[1]})" if again else "")


def word(text: str, language: str) -> str:
    """One thing that sets a cluster apart, with its strength if it has one."""
    if language == "zh":
        return text
    strength = _SIGN.search(text)
    if strength:
        return f"{word(_SIGN.sub('', text), language)} ({strength[1]})"
    if text in _EN_WORDS:
        return _EN_WORDS[text]
    if text.endswith("来客"):
        return f"from {_level(text.removesuffix('来客'))}"
    if text.endswith("岁"):
        return f"aged {text.removesuffix('岁')}"
    return text


def label(text: str, language: str) -> str:
    """A feature's label, with the level of a choice if it has one."""
    if language == "zh":
        return text
    feature, colon, level = text.partition("：")
    return _EN_LABELS.get(feature, feature) + (f": {_level(level)}" if colon else "")


def card_in(card: dict, language: str) -> dict:
    """A card with all its texts in that language."""
    if language == "zh":
        return card
    made_on = card["made_at"][:10]
    return {
        **card,
        "meaning": _EN_SENTENCES["meaning"].get(card["verdict"], card["meaning"]),
        "data": {
            **card["data"],
            "who": _EN_SENTENCES["who"],
            "window": f"{DAYS} days of behaviour up to {made_on}, and all orders",
        },
        "features": [label(one, language) for one in card["features"]],
        "method": _EN_SENTENCES["method"],
        "use": _EN_SENTENCES["use"],
        **({"clusters": [_cluster(one) for one in card["clusters"]]} if "clusters" in card else {}),
    }


def _cluster(one: dict) -> dict:
    return {
        **one,
        "name": name(one["name"], "en"),
        "signs": [word(sign, "en") for sign in one["signs"]],
        "typical": {label(text, "en"): value for text, value in one["typical"].items()},
        "differences": {label(text, "en"): value for text, value in one["differences"].items()},
    }


def _acts(part: str) -> str:
    """Words that stand in one: 高频低客单; nothing if it is not made of them alone."""
    found = _ACTS.findall(part)
    return ", ".join(_EN_WORDS[one] for one in found) if "".join(found) == part else ""


def _level(text: str) -> str:
    if text in _EN_LEVELS:
        return _EN_LEVELS[text]
    for whole in (text, f"{text}渠道"):
        said = wording.word(whole, "en")
        if said != whole:
            return said
    return text
