"""The screens' words: Chinese and English here, others in `words.<language>.yml` beside this file.

Texts of products come from the graph in the page's language.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml
from fastapi import Request, Response

from web import i18n_privacy

# Each with what it calls itself and its tag for browsers.
TAGS = {"zh": "zh-CN", "en": "en", "ja": "ja", "ko": "ko"}
NAMES = {"zh": "中文", "en": "English", "ja": "日本語", "ko": "한국어"}
LANGUAGES = tuple(TAGS)
# Those of the console's own words.
STAFF_LANGUAGES = ("zh", "en")
COOKIE = "lang"

_WORDS: dict[str, tuple[str, str]] = {
    "shop": ("云途商城", "Yuntu Mall"),
    "slogan": ("好好逛，慢慢挑，有问必答", "Browse freely. Ask anything."),
    "hero.title": ("出发，从合脚的一双开始", "Start with a pair that fits"),
    "hero.text": (
        "运动户外、童鞋母婴、数码与居家好物，拿不准就问，客服小云随时都在。",
        "Sport, kids, digital and home. Not sure? Ask Xiaoyun, our assistant, any time.",
    ),
    "hero.ask": ("问问客服", "Ask us"),
    "hero.browse": ("逛逛跑步鞋", "Browse running shoes"),
    "search": ("搜索", "Search"),
    "search.hint": ("搜商品、品牌或型号", "Product, brand or model"),
    "search.results": ("“{text}”的搜索结果", "Results for “{text}”"),
    "search.none": ("没有找到相关商品", "Nothing found"),
    "search.none.text": (
        "换个说法试试，或者直接问客服，帮您找。",
        "Try other words, or ask us and we will look for you.",
    ),
    "more": ("查看全部", "See all"),
    "categories": ("商品分类", "Categories"),
    "previous": ("上一页", "Previous"),
    "next": ("下一页", "Next"),
    "page": ("第 {number} 页", "Page {number}"),
    "home": ("首页", "Home"),
    "skip": ("跳到主要内容", "Skip to content"),
    "from": ("{price} 起", "from {price}"),
    "no.price": ("暂无报价", "Price on request"),
    "sold.out": ("已售罄", "Sold out"),
    "promotions": ("优惠活动", "Offers"),
    "promotions.now": ("正在进行的优惠", "On now"),
    "promotion.code": ("优惠码", "Code"),
    "promotion.until": ("{day} 截止", "until {day}"),
    "colour": ("颜色", "Colour"),
    "size": ("规格", "Size"),
    "size.chart": ("尺码表", "Size chart"),
    "stock.plenty": ("有现货", "In stock"),
    "stock.few": ("仅剩 {count} 件", "Only {count} left"),
    "stock.none": ("这一款暂时没货", "Out of stock"),
    "stock.restock": ("这一款暂时没货，预计 {days} 天后到货", "Out of stock, back in {days} days"),
    "ask": ("问客服", "Ask about this"),
    "details": ("商品参数", "Details"),
    "package": ("包装清单", "In the box"),
    "usage": ("使用与保养", "Use and care"),
    "goes.with": ("搭配推荐", "Goes well with"),
    "same.series": ("同系列", "From the same series"),
    "brand": ("品牌", "Brand"),
    "series": ("系列", "Series"),
    "launched": ("上市时间", "Launched"),
    "landing.title": ("今日有礼，欢迎来逛", "Welcome, here is what is on today"),
    "landing.text": (
        "下面是正在进行的优惠和大家常看的好物，有问题直接问客服。",
        "Today's offers and what others look at. Questions? Just ask.",
    ),
    "demo": ("演示模式", "Demo mode"),
    "demo.text": (
        "这是演示商城，人物、品牌和订单均为虚构。",
        "A demonstration shop: people, brands and orders are invented.",
    ),
    "shopper": ("当前顾客", "Shopper"),
    "guest": ("游客", "Guest"),
    "shopper.demo": ("演示顾客（尾号 1234）", "Demo shopper (phone ends in 1234)"),
    "shopper.lin": ("林女士（尾号 5678）", "Ms Lin (phone ends in 5678)"),
    "noscript": (
        "在线客服需要启用 JavaScript。",
        "The chat needs JavaScript to be switched on.",
    ),
    "error.404": ("没有找到这个页面", "Page not found"),
    "error.404.text": (
        "商品可能已下架，看看别的吧。",
        "The product may be gone. Have a look around.",
    ),
    "error.503": ("商品信息暂时打不开", "The catalogue is not available"),
    "error.503.text": (
        "我们正在恢复，请稍后刷新页面。",
        "We are working on it. Please reload in a moment.",
    ),
    "error.other": ("页面出了点问题", "Something went wrong"),
    "error.other.text": ("请稍后再试。", "Please try again later."),
    "back": ("回到首页", "Back to the shop"),
    "chart.size": ("尺码", "Size"),
    "chart.eu": ("欧码", "EU"),
    "chart.foot_length": ("脚长 (cm)", "Foot length (cm)"),
    "chart.height": ("身高 (cm)", "Height (cm)"),
    "chart.weight": ("体重 (kg)", "Weight (kg)"),
    "chart.age": ("参考年龄 (岁)", "Age (years)"),
    "chart.underbust": ("下胸围 (cm)", "Underbust (cm)"),
    "chart.bust": ("上胸围 (cm)", "Bust (cm)"),
    "docs.title": ("接口文档", "API"),
    **i18n_privacy.WORDS,
}

_CATEGORIES_EN = {
    "sports": "Sport & outdoor", "sports_shoes": "Sports shoes", "running_shoes": "Running shoes",
    "training_shoes": "Training shoes", "basketball_shoes": "Basketball shoes",
    "hiking_shoes": "Hiking shoes", "sportswear": "Sportswear", "sports_tops": "Sports tops",
    "sports_pants": "Sports pants", "sports_jackets": "Sports jackets", "yoga_wear": "Yoga wear",
    "socks": "Socks", "sports_socks": "Sports socks", "casual_socks": "Everyday socks",
    "kids_socks": "Kids' socks", "kids": "Kids", "kids_shoes": "Kids' shoes",
    "kids_sneakers": "Kids' sneakers", "kids_sandals": "Kids' sandals",
    "toddler_shoes": "First shoes", "kids_backpacks": "Kids' backpacks",
    "kids_clothing": "Kids' clothing", "baby": "Mother & baby", "diapers": "Diapers",
    "feeding": "Feeding", "baby_care": "Baby care", "baby_clothing": "Baby clothing",
    "maternity": "Maternity", "digital": "Phones & digital", "phones": "Phones",
    "tablets": "Tablets", "earphones": "Earphones", "speakers": "Speakers",
    "smart_watches": "Smart watches", "phone_accessories": "Phone accessories",
    "chargers": "Chargers", "cables": "Cables", "power_banks": "Power banks",
    "phone_cases": "Phone cases", "screen_films": "Screen films", "underwear": "Underwear",
    "bras": "Bras", "briefs": "Briefs", "thermal": "Thermal wear", "homewear": "Homewear",
    "food": "Food", "nuts": "Nuts", "dried_fruit": "Dried fruit",
    "biscuits": "Biscuits & pastry", "cereal": "Cereal", "meat_snacks": "Meat snacks",
    "custom": "Made to order", "custom_cups": "Custom cups", "custom_tshirts": "Custom T-shirts",
    "photo_gifts": "Photo gifts", "engraved": "Engraved gifts", "appliances": "Appliances",
    "water_purifiers": "Water purifiers", "smart_locks": "Smart locks",
    "kitchen": "Kitchen appliances",
}  # fmt: skip


def translator(language: str) -> Callable[..., str]:
    """A function `t(key, **values)` that gives the words of a key; an unknown key raises."""
    said = _words(language)

    def words(key: str, **values: object) -> str:
        text = said[key]
        return text.format(**values) if values else text

    return words


@cache
def _words(language: str) -> dict[str, str]:
    if language in STAFF_LANGUAGES:
        column = STAFF_LANGUAGES.index(language)
        return {key: both[column] for key, both in _WORDS.items()}
    path = Path(__file__).with_name(f"words.{language}.yml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def has_word(key: str) -> bool:
    """Whether the dictionary has that key (for data whose keys the shop may add to)."""
    return key in _WORDS


def words_under(language: str, *prefixes: str) -> dict[str, str]:
    """The words of all keys that begin so, for a script of a page; places stay as {place}."""
    return {key: text for key, text in _words(language).items() if key.startswith(prefixes)}


def category_name(language: str, category_id: str, name: str) -> str:
    """A category's name on the screen: the shop's own, or English where we know it."""
    return _CATEGORIES_EN.get(category_id, name) if language == "en" else name


def language_of(request: Request) -> str:
    """`?lang=`, else the cookie of an earlier choice, else the browser's wish, else Chinese."""
    offered = languages_of(request)
    for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if chosen in offered:
            return chosen
    return _preferred(request.headers.get("accept-language", ""), offered)


def languages_of(request: Request) -> tuple[str, ...]:
    """The languages that the page asked for is there in."""
    staff = request.url.path.startswith("/console")
    return STAFF_LANGUAGES if staff else LANGUAGES


def remember_language(request: Request, response: Response) -> None:
    """Keep a language chosen by `?lang=` for the next pages."""
    chosen = request.query_params.get("lang")
    if chosen in LANGUAGES:
        response.set_cookie(COOKIE, chosen, max_age=31_536_000, httponly=True, samesite="lax")


def _preferred(header: str, offered: tuple[str, ...]) -> str:
    wishes = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        wishes.append((-quality, place, tag[:2].lower()))
    return next((tag for _, _, tag in sorted(wishes) if tag in offered), offered[0])
