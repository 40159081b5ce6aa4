"""How a message is made comparable before its intent is looked for.

`normalise` keeps what tells intents apart (the words, a question mark, that there is a number at
all) and drops what does not (which number it is, full or half width, how often a mark is
repeated). Entities are read from the original text, never from this one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from kg.text import simplified

# One character stands for each kind of detail, so that n-grams see it as one letter.
ORDER_MARK = "№"
PHONE_MARK = "☎"
ADDRESS_MARK = "⌂"
PERSON_MARK = "☺"
LINK_MARK = "⚭"
NUMBER_MARK = "0"

# Transcripts that have been made anonymous carry such stand-ins: [ORDERID_1002], [电话x], [数字x].
_STAND_INS = (
    (re.compile(r"\[orderid_\d+\]|\[订单(?:编号|号)?x?\]"), ORDER_MARK),
    (re.compile(r"\[(?:电话|手机)(?:号码?)?x?\]"), PHONE_MARK),
    (re.compile(r"\[(?:地址|地点|站点|组织机构|城市)x?\]"), ADDRESS_MARK),
    (re.compile(r"\[(?:姓名|人名|昵称)x?\]"), PERSON_MARK),
    (re.compile(r"\[(?:链接|网址|商品快照|url)x?\]"), LINK_MARK),
    (re.compile(r"\[金额x?\]"), NUMBER_MARK + "元"),
    (re.compile(r"\[(?:数字|日期|时间|身份证号|邮箱)x?\]"), NUMBER_MARK),
)
_EMOTICON = re.compile(r"#e-s(?:\[数字x\]|\d+)?|\[[a-z]{2,12}\]|/:[^\s]{1,4}")
_LINK = re.compile(r"https?://[^\s\u4e00-\u9fff]+")
_DIGIT = re.compile(r"\d")
_ORDER = re.compile(r"(?<![a-z0-9])(?:qd|as|sr|jd|sn|no\.?)[\s:-]*\d(?:[\s-]?\d){7,}", re.ASCII)
_PHONE = re.compile(r"(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)")
_LONG_NUMBER = re.compile(r"\d{8,}")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_REPEATED_MARK = re.compile(r"([^\w\s])(?:\s*\1)+")
_REPEATED_LETTER = re.compile(r"(\w)\1{2,}")
_SPACE = re.compile(r"\s+")
_PUNCTUATION = str.maketrans({"。": ".", "、": ",", "…": ".", "~": "", "～": "", "`": ""})


@lru_cache(maxsize=32)  # one message is read by several components
def normalise(text: str) -> str:
    """The text that the intent classifier reads: folded, details masked, marks squeezed."""
    text = simplified(unicodedata.normalize("NFKC", text).lower())
    text = _EMOTICON.sub("", text)
    if "[" in text:
        for pattern, mark in _STAND_INS:
            text = pattern.sub(mark, text)
    if "http" in text:
        text = _LINK.sub(LINK_MARK, text)
    if _DIGIT.search(text):
        text = _ORDER.sub(ORDER_MARK, text)
        text = _PHONE.sub(PHONE_MARK, text)
        text = _LONG_NUMBER.sub(ORDER_MARK, text)
        text = _NUMBER.sub(NUMBER_MARK, text)
    text = text.translate(_PUNCTUATION)
    text = _REPEATED_MARK.sub(r"\1", text)
    text = _REPEATED_LETTER.sub(r"\1\1", text)
    return _SPACE.sub(" ", text).strip()
