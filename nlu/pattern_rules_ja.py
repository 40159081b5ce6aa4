"""What can be read off a Japanese message by its form, beside what pattern_rules.py finds.

下4桁, 2足, 予算400, 身長165センチ, 体重50キロ, 5歳半, 足長25.3センチ, Lサイズ, and cities in
katakana and in the characters of Japan. Rules are as in pattern_rules.py; days are in dates_ja.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kg.text import fold, simplified
from nlu import measures
from nlu.dates_ja import dates
from nlu.numerals import CHINESE, number
from nlu.spans import Span, spans

_IS = r"(?:\s|:|=|、|は|が|で|も|だいたい|大体|約|たぶん|今|現在)*"


def _pattern(expression: str) -> re.Pattern[str]:
    """The rule over folded text, in which characters are Simplified ones."""
    return re.compile(simplified(expression))


_LAST4 = _pattern(
    r"(?:下|末尾|後ろ|最後の?)\s?(?:4|四)\s?(?:桁|ケタ|けた|文字)(?:の番号|の数字)?(?:\s|:|は|が|、|,)*(?P<m>\d{4})(?!\d)"
    r"|(?:電話|携帯)(?:番号)?(?:の(?:下|末尾))?(?:\s|:|は|が|、|,)*(?P<m2>\d{4})(?![\d-])"
    r"|^\W*(?P<m3>\d{4})\s?(?:です|になります|だよ|でお願いします|だと思います)\W*$"
)


def _phone_last4(text: str) -> Iterator[Span]:
    yield from spans(_LAST4, lambda m: m["m"] or m["m2"] or m["m3"], text)


_COUNTERS = "足|点|枚|着|セット|箱|袋|本|個(?!工|半|小)|台|缶|パック|ケース|つ"
_NATIVE = {"ひと": 1, "ふた": 2, "みっ": 3, "よっ": 4, "いつ": 5}
_BUYING = r"を?(?:ください|下さい|注文|購入|買|お願い|頼|返品|返金|キャンセル|欲し|ほし)"
_QUANTITY = _pattern(
    rf"(?<![\d.第])(?P<n>\d{{1,3}}|[一二三四五六七八九十]+)(?:{_COUNTERS})(?!目|月|間|以上|で)(?P<buy>{_BUYING})?"
    rf"|(?P<native>{'|'.join(_NATIVE)})つ(?!目|ずつ)(?P<buy2>{_BUYING})?"
)


def _quantity(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> int | None:
        count = _NATIVE[match["native"]] if match["native"] else number(match["n"])
        # 一つ and 1つ are mostly no count: 一つ聞きたい.
        if not count or (count == 1 and not (match["buy"] or match["buy2"])):
            return None
        return int(count)

    yield from spans(_QUANTITY, value, text)


_MONEY = _pattern(
    r"予算(?:\s|:|は|が|だいたい|大体|約)*(?P<m>\d{2,5})(?![\d]|円|歳|cm|kg|人)"
    r"|(?<![\d.])(?P<man>\d+(?:\.\d+)?)万元"
)


def _money(text: str) -> Iterator[Span]:
    yield from spans(_MONEY, lambda m: float(m["m"]) if m["m"] else float(m["man"]) * 10_000, text)


_CM = r"(?:cm|㎝|センチ(?:メートル)?|糎)"
_HEIGHT = _pattern(
    rf"(?:身長|背丈|背|身丈){_IS}(?:(?P<metre>1)\s?(?:m|メートル)\s?(?P<rest>\d\d)|(?P<said>\d{{2,3}}(?:\.\d)?))"
    rf"\s?{_CM}?(?![\d歳])"
    rf"|(?<![\d.])(?P<cm>1\d\d|[6-9]\d)(?:\.\d)?\s?センチ(?:メートル)?(?!丈|幅)"
)


def _height(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["metre"]:
            return 100.0 + float(match["rest"])
        centimetres = float(match["said"] or match["cm"])
        return measures.height(centimetres)

    yield from spans(_HEIGHT, value, text)


_KG = r"(?:kg|㎏|キロ(?:グラム)?)"
_WEIGHT = _pattern(
    rf"体重{_IS}(?P<said>\d{{1,3}}(?:\.\d)?)(?:\s?{_KG}|(?=.*[\u3041-\u30ff]))(?![\d歳])(?:です|くらい|ぐらい)?"
    rf"|(?<![\d.])(?P<bare>\d{{1,3}}(?:\.\d)?)\s?キロ(?:グラム)?(?!メートル|ロ|バイト|ワット|カロリー|m)"
)


def _weight(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        kilograms = float(match["said"] or match["bare"])
        return measures.weight(kilograms)

    yield from spans(_WEIGHT, value, text)


_SHOES = "靴(?!下)|シューズ|スニーカー|くつ(?!した)"
# Shoes are sized in Japan by the foot's length in centimetres.
_FOOT = _pattern(
    rf"(?<![\d\u4e00-\u9fff])(?:足長|足の(?:長さ|サイズ|実寸)|足|実寸|裸足){_IS}(?P<said>\d{{2,3}}(?:\.\d)?)\s?(?:{_CM}|mm|ミリ)?(?![\d歳点足])"
    rf"|(?<![\d.])(?P<cm>[123]\d(?:\.\d)?)\s?{_CM}(?=の?(?:{_SHOES})|を?(?:履|はい))"
    rf"|日本の?サイズ(?:で|だと|なら|では|は)?\s?(?P<japan>[123]\d(?:\.\d)?)(?:\s?{_CM})?"
    rf"|^\W*(?P<alone>[123]?\d(?:\.\d)?)\s?{_CM}\s?(?:です|くらい|ぐらい|ちょうど|かな|だよ|の|子|足|で)*\W*$"
    rf"|(?<![\d.])(?P<beside>[123]\d(?:\.\d)?)\s?{_CM}(?=.*(?:{_SHOES}|足))"
    rf"|(?:{_SHOES}).{{0,12}}?(?<![\d.])(?P<m>[123]\d(?:\.\d)?\s?{_CM})"
)


def _foot_length(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        said = next(
            match[name] for name in ("said", "cm", "japan", "alone", "beside", "m") if match[name]
        )
        return measures.foot_length(float(re.match(r"[\d.]+", said)[0]))

    yield from spans(_FOOT, value, text)


_AGE = _pattern(
    rf"(?<![\d.])(?P<years>\d{{1,3}}|{CHINESE})\s?(?:歳|才)(?P<half>半)?(?:(?P<plus>\d{{1,2}})(?:か|ヶ|カ|ケ|ヵ|箇)月)?"
    r"|生後(?P<born>\d{1,2})(?:か|ヶ|カ|ケ|ヵ|箇)月(?P<born_half>半)?"
    r"|(?<![\d.])(?P<months>\d{1,2})(?:か|ヶ|カ|ケ|ヵ|箇)月(?=の?(?:赤ちゃん|子|ベビー|息子|娘|孫|児|女の子|男の子))"
)


def _age(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["years"]:
            years = number(match["years"])
            if years is None:
                return None
            years += (0.5 if match["half"] else 0) + int(match["plus"] or 0) / 12
        else:
            half = 0.5 if match["born_half"] else 0
            years = (int(match["born"] or match["months"]) + half) / 12
        return measures.age(years)

    yield from spans(_AGE, value, text)


_LETTERS = r"(?:[2-6]xl|x{1,4}l|x{1,2}s|[sml])"
_BARE_SIZE = r"(?:3[4-9]|4\d)(?:\.5)?"
_SIZE = _pattern(
    rf"(?<![\d.a-z])(?P<before>\d{{2,3}}(?:\.5)?|{_LETTERS})\s?サイズ"
    rf"|(?<![a-z])(?:サイズ|eu)(?:\s|:|は|が|を|の)*(?P<m>(?:\d{{2,3}}(?:\.5)?|{_LETTERS})"
    r"(?![\d.a-z%]|か月|ヶ月|歳|センチ|日|元|足|点))"
    rf"|(?<![a-z0-9])(?P<letters>{_LETTERS})(?=[をにがはでも]|の(?:在庫|方|ほう|[ぁ-ん]))"
    rf"|(?<![\d.a-z])(?P<bare>{_BARE_SIZE})(?=(?:は|って|も|なら)(?:まだ)?(?:在庫|ある|あり|残|どう|ない)|の在庫|を(?:履|はい|くだ)|に(?:交換|変|替|換)|でぴったり|が(?:あり|ある|欲し|ほし|いい))"
    r"|(?P<even>フリーサイズ|ワンサイズ)"
)
_SAME_SIZE = {"2XL": "XXL", "3XL": "XXXL"}
ONE_SIZE = "均码"


def _size(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> str:
        if match["even"]:
            return ONE_SIZE
        said = next(match[name] for name in ("before", "m", "letters", "bare") if match[name])
        return _SAME_SIZE.get(said.upper(), said.upper())

    yield from spans(_SIZE, value, text)


# Cities that Japanese writes with other characters than those the list of cities has, folded, or
# that are said in katakana.
_CITY_NAMES = {
    "北京": "ペキン", "上海": "シャンハイ", "天津": "テンシン", "重庆": "チョンチン",
    "广州": "広州 コウシュウ", "深圳": "深セン シンセン", "成都": "チェンドゥ",
    "杭州": "ハンチョウ ハンジョウ", "南京": "ナンキン", "武汉": "ウーハン", "西安": "シーアン",
    "苏州": "スーチョウ 蘇洲", "宁波": "ニンポー", "厦门": "アモイ", "青岛": "チンタオ",
    "大连": "ダイレン", "哈尔滨": "ハルビン 哈爾浜", "济南": "済南", "石家庄": "石家荘",
    "呼和浩特": "フフホト", "乌鲁木齐": "ウルムチ", "喀什": "カシュガル", "拉萨": "ラサ",
    "昆明": "クンミン", "桂林": "グイリン", "三亚": "三亜 サンヤ", "海口": "ハイコウ",
    "佛山": "仏山", "惠州": "恵州", "东莞": "トンガン ドングァン", "珠海": "ジューハイ",
    "烟台": "煙台", "潍坊": "濰坊", "临沂": "臨沂", "盐城": "塩城", "德州": "徳州",
    "香港": "ホンコン", "澳门": "マカオ", "台北": "タイペイ", "高雄": "カオシュン",
    "景德镇": "景徳鎮", "常德": "常徳", "延边": "延辺", "莆田": "プーティエン",
}  # fmt: skip
_CITIES = {fold(name): city for city, names in _CITY_NAMES.items() for name in names.split()}
# A name in katakana is one only where no katakana of another word stands beside it.
_CITY = re.compile(
    rf"(?<![ァ-ヶー])(?P<name>{'|'.join(sorted(_CITIES, key=len, reverse=True))})市?(?![ァ-ヶー])"
)


def _city(text: str) -> Iterator[Span]:
    yield from spans(_CITY, lambda m: _CITIES[m["name"]], text)


RULES: dict[str, Callable[[str], Iterator[Span]]] = {
    "phone_last4": _phone_last4,
    "foot_length": _foot_length,
    "height": _height,
    "weight": _weight,
    "age": _age,
    "size": _size,
    "money": _money,
    "quantity": _quantity,
    "city": _city,
}

__all__ = ["RULES", "dates"]
