"""What can be read off a Korean message by its form, beside what pattern_rules.py finds.

뒷자리 1234, 두 켤레, 예산 400, 키 165에 몸무게 50킬로, 5살 반, 발길이 253mm, L 사이즈, and cities
in hangul. Rules are as in pattern_rules.py; days are in dates_ko.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from nlu import measures
from nlu.dates_ko import COUNT, counted, dates
from nlu.spans import Span, spans

_ABOUT = r"(?:\s|:|=|,|은|는|이|가|도|약|대략|한|지금)*"

_LAST4 = re.compile(
    r"(?:뒷?\s?번호|뒷?\s?(?:4|네)\s?자리|뒷\s?자리|끝\s?(?:번호|(?:4|네)?\s?자리)|마지막\s?(?:4|네)\s?자리|끝)"
    rf"(?:\s?(?:번호|숫자))?{_ABOUT}(?P<m>\d{{4}})(?![\d-])"
    rf"|(?:전화|휴대폰|핸드폰|폰)\s?(?:번호)?(?:\s?(?:뒤|뒷자리|끝))?{_ABOUT}(?P<m2>\d{{4}})(?![\d-])"
    r"|^\W*(?P<m3>\d{4})\s?(?:이?요|입니다|이에요|예요|이야|임|일\s?거예요|맞아요)\W*$"
    r"|(?<!\d)(?P<m4>\d{4})(?:으로|로)\s?끝나"
)


def _phone_last4(text: str) -> Iterator[Span]:
    yield from spans(_LAST4, lambda m: m["m"] or m["m2"] or m["m3"] or m["m4"], text)


_COUNTERS = (
    r"켤레|벌|개(?!월|입|국|사)|장|박스|상자|봉지?|팩|병|캔|세트|묶음|통|대(?!비|신|로|부분|의|한|문|해|형|한)|"
    r"자루|쌍|권|잔|매(?!일|장|번|우|주|월)"
)
_QUANTITY = re.compile(
    rf"(?<![\d.가-힣제])(?P<n>\d{{1,3}}|{COUNT})\s?(?:{_COUNTERS})(?!째|씩|이상|당)"
    r"(?P<buy>\s?(?:만|를|을)?\s?(?:더\s)?(?:주문|구매|구입|사|살|주세요|줘|담|보내|반품|환불|교환|취소|빼))?"
)


def _quantity(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> int | None:
        count = counted(match["n"])
        # 한 개 and 1개 are mostly no count: 하나만 여쭤볼게요.
        return None if not count or (count == 1 and not match["buy"]) else count

    yield from spans(_QUANTITY, value, text)


_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_TENS = {"만": 10_000, "천": 1_000, "백": 100}
_WON_FROM = 10_000
_MONEY = re.compile(
    rf"(?<![\d.])(?P<n>{_NUMBER})\s?(?P<unit>[만천백])?\s?(?:위안|위엔|원(?!피스|산|래|단|형)|콰이)"
    rf"|예산{_ABOUT}(?P<m>\d{{2,5}})(?![\d%]|\s?(?:cm|kg|살|세|개|호|명|월|일))"
    r"|(?<![\d.])(?P<limit>\d{2,5})\s?(?:이하|이내|미만|이상|안쪽|까지|대|정도)(?:로|의|에서|면)?\s?"
    r"(?:추천|보여|찾|있|거|걸|것|짜리|운동화|러닝화|신발|가격|예산|살|사)"
)


def _money(text: str) -> Iterator[Span]:
    for match in _MONEY.finditer(text):
        group = "limit" if match["limit"] else "m" if match["m"] else 0
        said = match["n"] or match["m"] or match["limit"]
        amount = float(said.replace(",", "")) * _TENS.get(match["unit"] or "", 1)
        # 300원 is a slip for yuan, 30만원 is won, in which nothing here is priced.
        if not (match[0].endswith("원") and amount >= _WON_FROM):
            yield match.start(group), match.end(group), amount


_CM = r"(?:cm|㎝|센티(?:미터)?|센치)"
_HEIGHT = re.compile(
    rf"(?:키|신장){_ABOUT}(?:(?P<metre>1)\s?(?:m|미터)\s?(?P<rest>\d\d)|(?P<said>\d{{2,3}}(?:\.\d)?))\s?{_CM}?"
    r"(?![\d살세개])"
    rf"|(?<![\d.])(?P<cm>(?:1\d\d|[6-9]\d)(?:\.\d)?)\s?(?:센티(?:미터)?|센치)(?!\s?(?:높이|폭|굽|길이))"
    rf"|(?<![\d.])(?P<child>\d{{2,3}})\s?{_CM}?(?:인|되는|짜리|의)?\s?(?:아이|애기|아기|아들|딸|남아|여아|조카)"
    r"|(?<![\d.])(?P<beside>1[4-9]\d)(?:에|/|\s)\s?(?=\d{2,3}\s?(?:kg|㎏|킬로|키로))"
)


def _height(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["metre"]:
            return 100.0 + float(match["rest"])
        said = match["said"] or match["cm"] or match["child"] or match["beside"]
        return measures.height(float(said))

    yield from spans(_HEIGHT, value, text)


_KG = r"(?:kg|㎏|킬로(?:그램)?|키로(?:그램)?)"
_WEIGHT = re.compile(
    rf"(?:몸무게|체중){_ABOUT}(?P<said>\d{{1,3}}(?:\.\d)?)(?:\s?{_KG})?(?![\d살세])"
    rf"|(?<![\d.])(?P<bare>\d{{1,3}}(?:\.\d)?)\s?(?:킬로(?:그램)?|키로(?:그램)?)(?!미터|바이트|와트|칼로리)"
)


def _weight(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        kilograms = float(match["said"] or match["bare"])
        return measures.weight(kilograms)

    yield from spans(_WEIGHT, value, text)


_SHOES = "신발|운동화|러닝화|슈즈|구두|샌들|농구화|등산화|아동화"
# Shoes are sized in Korea by the foot's length in millimetres.
_FOOT = re.compile(
    rf"(?<![가-힣])(?:발\s?(?:길이|사이즈|크기|실측)?|실측|맨발){_ABOUT}(?P<said>\d{{2,3}}(?:\.\d)?)\s?(?:{_CM}|mm|밀리(?:미터)?)?"
    r"(?![\d살세개]|\s?사이즈|호)"
    r"|(?<![\d.])(?P<mm>[12]\d[05])\s?(?:mm|밀리(?:미터)?)"
    rf"|(?<![\d.])(?P<near>[12]\d[05])(?=\s?(?:사이즈|싸이즈)?\s?(?:신어|신는|신으|{_SHOES}))"
    rf"|(?<![\d.])(?P<cm>[123]\d(?:\.\d)?)\s?{_CM}(?=\s?(?:{_SHOES}|발))"
    rf"|^\W*(?P<alone>[123]?\d(?:\.\d)?)\s?{_CM}\s?(?:정도|쯤|이?요|입니다|이에요|예요|인데요?|이네요|나와요|돼요|\s)*\W*$"
)


def _foot_length(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        return measures.foot_length(float(next(said for said in match.groups() if said)))

    yield from spans(_FOOT, value, text)


_YEARS = {"돌": 1, "두돌": 2, "두 돌": 2, "세돌": 3, "세 돌": 3}
_AGE = re.compile(
    rf"(?<![\d.가-힣])(?:만\s?)?(?P<years>\d{{1,3}}|{COUNT})\s?(?:살|세)(?![가-힣]*트|일|제|탁|척|번)(?P<half>\s?반)?"
    r"|(?<![\d.])(?P<months>\d{1,2})\s?개월(?:\s?된)?(?=\s?(?:아기|아이|애기|애|딸|아들|조카|남아|여아|영아|된))"
    r"|(?<![가-힣])(?P<born>두\s?돌|세\s?돌|돌)(?=\s?(?:된|지난|아기|아이|애기|쯤))"
)


def _age(text: str) -> Iterator[Span]:
    def value(match: re.Match[str]) -> float | None:
        if match["born"]:
            return float(_YEARS[match["born"]])
        if match["years"]:
            years = counted(match["years"]) + (0.5 if match["half"] else 0)
        else:
            years = int(match["months"]) / 12
        return measures.age(years)

    yield from spans(_AGE, value, text)


_LETTERS = r"(?:[2-6]xl|x{1,4}l|x{1,2}s|[sml])"
_SPOKEN = {
    "엑스라지": "XL", "투엑스라지": "XXL", "라지": "L", "미디움": "M", "미디엄": "M", "스몰": "S",
    "엑스스몰": "XS",
}  # fmt: skip
_EU = r"(?:3[4-9]|4\d|50)(?:\.5)?"
_SIZE = re.compile(
    rf"(?<![\d.a-z])(?P<before>\d{{2,3}}(?:\.5)?|{_LETTERS})\s?(?:사이즈|싸이즈|싸쥬|호(?!점|선|실|차|텔|수|환|기|동))"
    rf"|(?:사이즈|싸이즈|유럽|eu)(?:\s|:|은|는|이|가|를|을)*(?P<m>(?:\d{{2,3}}(?:\.5)?|{_LETTERS})"
    r"(?![\d.a-z%]|개월|살|세|센티|일|위안|원|켤레|\s?cm|\s?mm))"
    rf"|(?<![a-z0-9])(?P<letters>{_LETTERS})(?=(?:로|으로|은|는|이|가|도|를|을|랑|하고|입|있)(?![가-힣]*(?:pro)))"
    rf"|(?<![\d.a-z-])(?P<bare>{_EU})(?=(?:은|는|도|로|으로|가|이|을|를)?\s?(?:재고|있|남았|남은|없|품절|신|교환|바꿔|바꾸|변경|맞|입고|어때|괜찮))"
    rf"|^\W*(?:그럼|그러면|혹시)?\s?(?P<then>{_EU})(?=(?:은|는|이)요?\W*$)"
    rf"|(?<![가-힣])(?P<spoken>{'|'.join(sorted(_SPOKEN, key=len, reverse=True))})"
    r"(?=\s?(?:사이즈|로|는|은|도|가|있|입|$))"
    r"|(?P<one>프리\s?사이즈|원\s?사이즈)"
)
_SAME_SIZE = {"2XL": "XXL", "3XL": "XXXL"}
# The size of what comes in one size only, as the graph calls it.
_ONE_SIZE = "均码"


def _size(text: str) -> Iterator[Span]:
    for match in _SIZE.finditer(text):
        group = next(name for name, said in match.groupdict().items() if said)
        if group == "one":
            yield match.start(), match.end(), _ONE_SIZE
            continue
        said = match[group]
        size = _SPOKEN.get(said) or said.upper()
        # 260 사이즈 is the foot's length in millimetres.
        if group in ("before", "m") and re.fullmatch(r"2[0-9][05]", said):
            continue
        yield match.start(group), match.end(group), _SAME_SIZE.get(size, size)


# Cities by the names that Korean news and maps use, and by the Korean reading of the characters
# where that is in use too.
_CITY_NAMES = {
    "北京": "베이징 북경", "上海": "상하이 상해", "天津": "톈진 천진 텐진", "重庆": "충칭 중경",
    "广州": "광저우 광주", "深圳": "선전 심천 센젠", "成都": "청두 성도", "杭州": "항저우 항주",
    "南京": "난징 남경", "武汉": "우한 무한", "西安": "시안 서안", "苏州": "쑤저우 소주",
    "宁波": "닝보", "厦门": "샤먼", "青岛": "칭다오 청도", "大连": "다롄 대련 다렌",
    "哈尔滨": "하얼빈", "济南": "지난시 제남", "石家庄": "스자좡", "呼和浩特": "후허하오터",
    "乌鲁木齐": "우루무치", "喀什": "카스시 카슈가르", "拉萨": "라싸", "昆明": "쿤밍 곤명",
    "桂林": "구이린 계림", "三亚": "싼야 산야", "海口": "하이커우", "佛山": "포산",
    "惠州": "후이저우", "东莞": "둥관 동관", "珠海": "주하이", "中山": "중산시",
    "烟台": "옌타이 연태", "潍坊": "웨이팡", "威海": "웨이하이 위해시", "临沂": "린이",
    "盐城": "옌청", "无锡": "우시 무석",
    "常州": "창저우", "南通": "난퉁", "徐州": "쉬저우", "扬州": "양저우", "温州": "원저우",
    "嘉兴": "자싱", "绍兴": "사오싱", "金华": "진화", "义乌": "이우", "台州": "타이저우",
    "合肥": "허페이", "芜湖": "우후", "福州": "푸저우", "泉州": "취안저우", "南昌": "난창",
    "郑州": "정저우", "洛阳": "뤄양", "长沙": "창사", "株洲": "주저우", "宜昌": "이창",
    "襄阳": "샹양", "南宁": "난닝", "柳州": "류저우", "贵阳": "구이양", "遵义": "쭌이",
    "兰州": "란저우", "西宁": "시닝", "银川": "인촨", "太原": "타이위안", "大同": "다퉁",
    "长春": "창춘 장춘", "沈阳": "선양 심양", "延边": "옌볜 연변", "延吉": "옌지 연길",
    "吉林": "지린", "丹东": "단둥", "唐山": "탕산", "保定": "바오딩", "秦皇岛": "친황다오",
    "汕头": "산터우", "大理": "다리시", "丽江": "리장", "香港": "홍콩", "澳门": "마카오",
    "台北": "타이베이", "高雄": "가오슝",
}  # fmt: skip
_CITIES = {name: city for city, names in _CITY_NAMES.items() for name in names.split()}
# A name begins a word, and what follows it is a particle or what one does with a place: 선전해 is
# to advertise, 우시장 a cattle market.
_CITY = re.compile(
    rf"(?<![가-힣])(?P<name>{'|'.join(sorted(_CITIES, key=len, reverse=True))})시?"
    r"(?=$|[^가-힣]|(?:에서|에|까지|으로|로|은|는|이|가|도|사는|쪽|인데|이요|요|행|지역|시내)(?:$|[^가-힣]|[가-힣]{1,3}))"
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
