"""Product pictures: one drawing a kind of product, painted in the product's colour.

The drawings are SVG fragments in `drawings/`, 400 × 400, with `$main`, `$dark`, `$deep`, `$light`,
`$pale`, `$accent` and `$accent2` in place of colours. Nothing of the product's text but its name
(as the title, escaped) enters a picture. Vendors of chats want PNG (`painted`), some of them wider.
"""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from string import Template

import resvg_py

FOLDER = Path(__file__).parent / "drawings"
FALLBACK = "parcel"
SIDE = 400
# How wide a picture of that height is: by itself, as the cover of an article or a link (2 : 1), as
# the cover of a mini-program's card (5 : 4).
SHAPES = {"square": SIDE, "wide": 2 * SIDE, "card": SIDE * 5 // 4}
_MOST_KEPT = 512  # pictures of about 10 KB

# A category → its drawing; a category that is not here takes that of the one it lies in.
_DRAWINGS = {
    "running_shoes": "shoe", "training_shoes": "shoe_training", "basketball_shoes": "shoe_high",
    "hiking_shoes": "boot", "sports_shoes": "shoe", "sports_tops": "tee", "sports_pants": "pants",
    "sports_socks": "sock",
    "sports_jackets": "jacket", "yoga_wear": "tank", "sportswear": "tee", "socks": "sock",
    "casual_socks": "sock_short", "kids_socks": "sock_kids", "kids_sneakers": "shoe_kids",
    "kids_sandals": "sandal", "toddler_shoes": "shoe_toddler", "kids_shoes": "shoe_kids",
    "kids_backpacks": "backpack", "kids_clothing": "hoodie", "kids": "hoodie",
    "diapers": "diapers", "feeding": "baby_bottle", "baby_care": "pump_bottle",
    "baby_clothing": "onesie", "maternity": "dress", "baby": "onesie", "phones": "phone",
    "tablets": "tablet", "earphones": "earphones", "speakers": "speaker",
    "smart_watches": "watch", "chargers": "charger", "cables": "cable",
    "power_banks": "power_bank", "phone_cases": "phone_case", "screen_films": "film",
    "phone_accessories": "charger", "digital": "phone", "bras": "bra", "briefs": "briefs",
    "thermal": "longsleeve", "homewear": "pyjamas", "underwear": "briefs", "nuts": "nuts",
    "dried_fruit": "dried_fruit", "biscuits": "biscuits", "cereal": "cereal",
    "meat_snacks": "meat", "food": "nuts", "custom_cups": "cup", "custom_tshirts": "tee_print",
    "photo_gifts": "frame", "engraved": "pen", "custom": "cup", "water_purifiers": "purifier",
    "smart_locks": "lock", "kitchen": "kettle", "appliances": "purifier",
}  # fmt: skip

# The longest word found in a colour's name decides: 藏青 before 青.
_COLOURS = {
    "黑": "#2c2e33", "曜石": "#2c2e33", "墨": "#30343c", "碳": "#3a3d42", "深空": "#3d4149",
    "白": "#eceef0", "云白": "#eceef0", "珍珠": "#efeae2", "奶": "#f2e8d8", "米": "#e8dcc6",
    "象牙": "#efe6d2", "灰": "#9ba1aa", "浅灰": "#c3c8ce", "深灰": "#5d636c", "麻灰": "#a7a9ac",
    "银": "#c6ccd3", "钛": "#a39d92", "金": "#d9b36a", "香槟": "#e2cba0", "红": "#cf4440",
    "酒红": "#8c2f3f", "枣红": "#8f3237", "砖红": "#b4553f", "玫红": "#cc3f74", "橙": "#ec7f37",
    "橘": "#ee8a3d", "珊瑚": "#f08670", "黄": "#f0c243", "姜黄": "#d29a35", "柠檬": "#efd75a",
    "绿": "#4f9a68", "墨绿": "#2f5a48", "军绿": "#66704a", "橄榄": "#7b7f4e", "薄荷": "#9bd3bd",
    "荧光绿": "#b4e04a", "抹茶": "#a5b97a", "青": "#3f9c9c", "松": "#41705c", "湖": "#4aa5b5",
    "蓝": "#3f74c8", "藏青": "#2c3d63", "藏蓝": "#2c3d63", "深蓝": "#2f4a82", "天蓝": "#79b4e3",
    "浅蓝": "#92bde6", "雾蓝": "#8ea6bd", "电光蓝": "#2f6bff", "海": "#2d6a9f", "宝蓝": "#2850b8",
    "紫": "#7d62b5", "浅紫": "#b39fd8", "薰衣草": "#b4a4dc", "香芋": "#b9a6c9", "粉": "#eda3b4",
    "樱": "#f2b3c0", "藕": "#d9b3ad", "豆沙": "#b9736f", "肤": "#e3bfa4", "裸": "#e0bfa8",
    "棕": "#8a5f43", "咖": "#7a5540", "褐": "#7b5a41", "驼": "#c19a6b", "卡其": "#b9a37e",
    "沙": "#d3bd95", "杏": "#e6cda9", "燕麦": "#dccfb8", "木": "#b98a5b", "胡桃": "#6f4c37",
    "透明": "#d6e4ee", "拼": "#7fa6d6", "彩": "#ef8f6b", "不锈钢": "#bfc6cd", "竹": "#a9b872",
}  # fmt: skip

_QUIET = ("#5b8def", "#e07a5f", "#58a07c", "#d7a13b", "#8a77c9", "#d9798f", "#4b9fb0", "#b0784f")


def draw(
    product_id: str, category_path: Sequence[str], colour: str, title: str, shape: str = "square"
) -> str:
    """The SVG of a product, in one of `SHAPES`. Same arguments, same picture."""
    seed = zlib.crc32(product_id.encode())
    base = colour_hex(colour) or _QUIET[seed % len(_QUIET)]
    body = _drawing(_drawing_name(category_path)).substitute(palette(base, seed))
    # A nearly white product needs a darker ground than the others to stand out from.
    white = _hls(base)[1] > 0.85
    background = _shift(base, light=0.9 if white else 0.94, saturation=0.28)
    disc = _shift(base, light=0.82 if white else 0.975, saturation=0.2)
    floor = _shift(base, light=0.72 if white else 0.86, saturation=0.26)
    width = SHAPES[shape]
    left = (SIDE - width) // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} 0 {width} {SIDE}" role="img">'
        f"<title>{escape(title)}</title>"
        f'<rect x="{left}" width="{width}" height="{SIDE}" fill="{background}"/>'
        f'<circle cx="200" cy="196" r="150" fill="{disc}"/>'
        f'<ellipse cx="200" cy="326" rx="128" ry="13" fill="{floor}"/>'
        f"{body}</svg>"
    )


@lru_cache(maxsize=_MOST_KEPT)
def painted(svg: str) -> bytes:
    """A drawn picture as PNG, a pixel for each unit; it takes the processor some 15 ms."""
    return resvg_py.svg_to_bytes(svg_string=svg)


def colour_hex(name: str) -> str | None:
    """The colour that a Chinese colour name speaks of, or None."""
    words = [word for word in _COLOURS if word in name]
    return _COLOURS[max(words, key=len)] if words else None


def palette(base: str, seed: int) -> dict[str, str]:
    """The colours of a drawing from the product's own; `seed` varies the accents."""
    hue, light, saturation = _hls(base)
    accent = _QUIET[seed // 7 % len(_QUIET)]
    return {
        "main": base,
        "dark": _from_hls(hue, light * 0.82, saturation),
        "deep": _from_hls(hue, light * 0.6, saturation),
        "light": _from_hls(hue, light + (1 - light) * 0.32, saturation),
        "pale": _from_hls(hue, light + (1 - light) * 0.72, saturation * 0.7),
        "accent": "#ffffff" if light < 0.62 else accent,
        "accent2": accent,
    }


def _drawing_name(category_path: Sequence[str]) -> str:
    for category in category_path:
        name = _DRAWINGS.get(category)
        if name:
            return name
    return FALLBACK


@cache
def _drawing(name: str) -> Template:
    return Template((FOLDER / f"{name}.svg").read_text(encoding="utf-8"))


def _shift(base: str, light: float, saturation: float) -> str:
    hue, _, own = _hls(base)
    return _from_hls(hue, light, min(own, saturation) if own < 0.08 else saturation)


def _hls(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)


def _from_hls(hue: float, light: float, saturation: float) -> str:
    channels = colorsys.hls_to_rgb(hue, min(light, 1.0), min(saturation, 1.0))
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
