"""What a shopper types, with what is personal in it masked before it is written anywhere.

Phones and e-mail addresses keep what a shopper knows them by (138****1234, z***@qq.com), long
numbers (cards, orders, landlines) their last four digits; identity cards, tax numbers, addresses'
numbers, names and chat accounts keep nothing to find them by.
"""

from __future__ import annotations

import re

LONGEST = 1_000

_FULL_WIDTH = str.maketrans("０１２３４５６７８９＠．－＋", "0123456789@.-+")
_EMAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+\-]*@([A-Za-z0-9.\-]+\.[A-Za-z]{2,})")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)?\d{2}[01]\d[0-3]\d{4}[\dXx]?(?!\d)")
# 统一社会信用代码 (GB 32100-2015): 18 digits and capitals, without I, O, S, V, Z.
_TAX = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Z]*[A-Z])[0-9A-HJ-NP-RT-UW-Y]{18}(?![0-9A-Za-z])")
_MOBILE = re.compile(
    r"(?<!\d)(?:\+?86[ \-]?)?(1[3-9]\d)[ \-.·]?\d{2}(?:\d{2}[ \-.·]?|[ \-.·]\d{2})(\d{4})(?!\d)"
)
# Seven digits and more, in whatever groups: cards, landlines, order and parcel numbers.
_LONG = re.compile(r"(?<!\d)\d(?:[ \-]?\d){6,}(?!\d)")
_PARCEL = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2,4}\d{8,}(?!\d)")
_CODE = re.compile(r"((?:验证码|密码|口令|取件码|code|password|pin)\D{0,4})[0-9A-Za-z]{3,}", re.I)
_ACCOUNT = re.compile(
    r"((?:微信号?|vx|wx|wechat|qq号?|line|telegram|支付宝)\s*(?:id|号|帐号|账号)?\s*[:：是为]?\s*)"
    r"[A-Za-z0-9_\-]{5,}",
    re.I,
)
_NAME = re.compile(
    r"((?:我叫|我的名字[是叫]|姓名[:：是]?|收件人[:：是]?|收货人[:：是]?|联系人[:：是]?)\s*)"
    r"([\u4e00-\u9fff])[\u4e00-\u9fff]{1,3}"
)
_NUMBER = r"(?:\d+|[〇零一二两三四五六七八九十百]+)"
# 人民路12号3单元402室: from the first word of a street or a house, all numbers up to the pause.
_STREET = re.compile(
    r"(?<=[\u4e00-\u9fff])(?:路|街|大道|巷|弄|胡同|小区|花园|公寓|新村|苑|大厦|广场)"
    rf"(?=[^，。！？；,!?;\n]{{0,12}}{_NUMBER})[^，。！？；,!?;\n]*"
)
_HOUSE = re.compile(rf"{_NUMBER}(?=\s*(?:号楼|号院|栋|幢|单元|室|号门))")
_ENGLISH = re.compile(
    r"\b\d{1,6}(?=(?: [A-Z][a-z]+){1,3} (?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Blvd)\b)"
)


def mask(text: str) -> str:
    """The text with personal data masked, at most `LONGEST` characters of it."""
    text = text[:LONGEST].translate(_FULL_WIDTH)
    # Two that follow each other without a pause are found one after the other.
    while (masked := _EMAIL.sub(r"\1***@\2", text)) != text:
        text = masked
    text = _IDENTITY.sub("******************", text)
    text = _TAX.sub("******************", text)
    text = _MOBILE.sub(r"\1****\2", text)
    text = _CODE.sub(r"\1****", text)
    text = _ACCOUNT.sub(r"\1****", text)
    text = _PARCEL.sub(_last_four, text)
    text = _LONG.sub(_last_four, text)
    text = _NAME.sub(r"\1\2**", text)
    text = _STREET.sub(_without_numbers, text)
    text = _HOUSE.sub("*", text)
    return _ENGLISH.sub("*", text)


def last_four(number: str) -> str:
    """An order's number as it may be kept: its last four signs."""
    return number.strip()[-4:]


def _last_four(found: re.Match) -> str:
    signs = re.sub(r"[ \-]", "", found[0])
    return "*" * (len(signs) - 4) + signs[-4:]


def _without_numbers(found: re.Match) -> str:
    return re.sub(_NUMBER, "*", found[0])
