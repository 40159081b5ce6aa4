"""What a shopper says of the goods they look for, beside kind, brand and price.

Read off the text: a colour, cheaper or dearer than what was shown, another brand, other ones, and
the rest of the words, which is compared with what the products say of themselves (透气, 拍照 …).
"""

from __future__ import annotations

import math
import re
from collections import Counter

from kg.catalogue import Product

_COLOURS = "黑白红蓝绿灰粉紫黄橙棕金银咖杏青"
_COLOUR = re.compile(rf"([{_COLOURS}])色|(?:^|[有要想个款双件])([{_COLOURS}])的")
_CHEAPER = re.compile(r"便宜|实惠|平价|低一?[点些]|太贵|贵了|预算不(够|多)|性价比")
_DEARER = re.compile(r"贵一?[点些]|好一?[点些]的|高端|高档|更好的|旗舰")
_OTHER_BRAND = re.compile(r"(换|别的?|其[他它]的?|另外|不要这)[一个些家]*(品牌|牌子|牌)")
_OTHERS = re.compile(
    r"(还有|有没有|看看|换)(别的|其[他它]的?|一批|几款|几个)|换一批|还有吗|其他款|别的款"
)
_NO = re.compile(r"否|无$|没有|不支持|不防")
# Words of asking, not of goods.
_FILLER = re.compile(
    r"我们?|你们?|您|想要?|需要|打算|准备|请问|麻烦|帮忙?|给|买|找|看看?|推荐|介绍|来|要|有没有|有|吗|呢|吧|啊|呀|"
    r"的|了|是|一下|一?[双款个件条台只盒部瓶点些]|什么|哪些|哪|适合|用|预算|左右|以内|以下|以上|大概|便宜|"
    r"礼物|礼品|送礼|送|贵|换|别的|其他|品牌|牌子|商品|东西|产品|可以|能|好|最|比较|老婆|老公|女朋友|男朋友|儿子|女儿|"
    r"孩子|小孩|妈妈|爸爸|男|女|款|色|码|块|元|钱|[\d\W]+"
)


def colour(text: str) -> str | None:
    """A plain colour that the text asks for (黑色, 有黑的吗), as 黑色."""
    found = _COLOUR.search(text)
    return f"{found.group(1) or found.group(2)}色" if found else None


def elliptical(text: str) -> bool:
    """Whether a property alone is said, of what was looked for before (降噪的, 要加绒的)."""
    return bool(
        re.fullmatch(r"(我?想?要|有)?[^怎什哪么谁]{1,6}的(吗|呢|吧)?[?？。]?", text.strip())
    )


def cheaper(text: str) -> bool:
    """Whether something cheaper is asked for."""
    return bool(_CHEAPER.search(text))


def dearer(text: str) -> bool:
    """Whether something better, at a higher price, is asked for."""
    return bool(_DEARER.search(text)) and not cheaper(text)


def another_brand(text: str) -> bool:
    """Whether other brands than those shown are asked for."""
    return bool(_OTHER_BRAND.search(text))


def others(text: str) -> bool:
    """Whether other goods than those shown are asked for."""
    return bool(_OTHERS.search(text))


def rest(text: str, named: list[str]) -> str:
    """What the text says beside the names that were found in it and words of asking."""
    for name in sorted(named, key=len, reverse=True):
        text = text.replace(name, " ")
    return " ".join(_FILLER.sub(" ", text).split())


def fitting(products: list[Product], need: str) -> list[Product]:
    """The products in order of how well they fit the words, without those that say they do not."""
    kept = [product for product in products if not _denies(product, need)]
    pairs = {need[i : i + 2] for i in range(len(need) - 1) if " " not in need[i : i + 2]}
    told = {product.id: _told(product) for product in kept}
    spread = Counter(pair for text in told.values() for pair in pairs if pair in text)
    weight = {pair: math.log((1 + len(kept)) / count) for pair, count in spread.items()}
    score = {id: sum(weight[pair] for pair in weight if pair in text) for id, text in told.items()}
    return sorted(kept, key=lambda product: -score[product.id])


def same_size(advised: str, offered: str) -> bool:
    """A product's size may say more than the one meant ("NB 68片") or span several ("39-42")."""
    first = offered.split(" ")[0]
    low, dash, high = first.partition("-")
    if dash and low.isdigit() and high.isdigit() and advised.isdigit():
        return int(low) <= int(advised) <= int(high)
    return first == advised


def _told(product: Product) -> str:
    facts = " ".join(f"{name}{value}" for name, value in product.attributes.items())
    return f"{product.name} {product.description} {facts} {' '.join(product.tags)}"


def _denies(product: Product, need: str) -> bool:
    return any(name in need and _NO.match(value) for name, value in product.attributes.items())
