"""Small words that steer a talk: the second one, another order, never mind, yes, no.

These are read only where the talk is waiting for them; what a message means as a whole is the
intent classifier's business.
"""

from __future__ import annotations

import re

_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_ORDINAL = re.compile(
    r"第\s*([一二两三四五六七八九\d]{1,2})\s*(?![\d一二两三四五六七八九])"
    # 第二件半价 is an offer, not a thing of a list.
    r"(?![个件双]?\s*(?:半价|打?\s*[\d一二三四五六七八九.]+\s*折|免))"
)
_BARE = re.compile(r"^\s*([1-9])\s*[.。号个]?\s*$")
_LAST = re.compile(r"最后(一)?[个款双件单]|末(尾|一)")
_FIRST = re.compile(r"^(就)?(前面|上面)(那|这)[个款双件单]")

_LEAVE = re.compile(
    r"^(还是)?(那)?(算了|算啦|不(退|换|修|弄|办|改|取消|开|用|需要|要)了|先不(退|换|弄|办|改|用)?了?|"
    r"没事了|不麻烦了|下次(再)?(说|吧)|以后再说|我再想想|再考虑(一下)?|退出|停|取消操作|不办理了)"
)
_OTHER_ORDER = re.compile(
    r"(另(外)?一?[个单笔]|别的|其[他它]|换(个|一个|一单|别的)?|不是(这|那)?(个|一|单|笔)*)\s*(订单|单子|单|那单|这单)"
    r"|(订单|单子)(号)?(不对|错了|选错|搞错|弄错)|搞错(订单|单)|选错(订单|单|了)"
)
# The whole of what is said: 好慢啊, 对了，还有 and 要不算了 begin like a yes and are none.
_YES = re.compile(
    r"(?:(?:是|对|嗯|恩|好|行|可以|没错|没问题|ok|okay|yes|要|需要|中|成|就这样|就这么办|同意|确认|确定|提交)"
    r"(?:的|滴|呀|啊|哒|呢|吧|了|哈|嘛|提交|申请|取消|修改|拒收|删除|无误|办理)*[\s，,。.!！~～]*)+",
    re.IGNORECASE,
)
_NO = re.compile(r"^(不|否|别|先别|no|取消|错|没有|等等|等一下)", re.IGNORECASE)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_QUESTION = re.compile(
    r"[?？]|[吗么嘛]\s*$|什么|怎么|多少|多久|几天|几号|谁|哪|能不能|可不可以|是不是|有没有|为啥|为何"
)


def ordinal(text: str, size: int) -> int | None:
    """The place (from 0) that 第二个, 2 or 最后一个 names in a list of that size, or None."""
    if _LAST.search(text):
        return size - 1
    if _FIRST.search(text):
        return 0
    match = _ORDINAL.search(text) or _BARE.match(text)
    if not match:
        return None
    said = match.group(1)
    place = int(said) if said.isdigit() else _DIGITS.get(said, 0)
    return place - 1 if 1 <= place <= size else None


def leaves(text: str) -> bool:
    """Whether the shopper wants to drop what is under way (算了, 不退了 …)."""
    return bool(_LEAVE.search(text.strip(" ，,。.!！~")))


def means_another_order(text: str) -> bool:
    """Whether the shopper says that it is about another order than the one at hand."""
    return bool(_OTHER_ORDER.search(text))


def yes_or_no(text: str, intent: str) -> bool | None:
    """What was answered to a question that can be answered so, or None."""
    if intent in ("affirm", "give_consent"):
        return True
    if intent == "deny":
        return False
    short = text.strip()
    if len(short) > 12 or "?" in short or "？" in short or short.endswith(("吗", "呢", "么")):
        return None
    if _NO.match(short):
        return False
    return True if _YES.fullmatch(short) and not short.startswith("对了") else None


def is_question(text: str) -> bool:
    """Whether the text asks something, so that it is no answer to a question of ours."""
    return bool(_QUESTION.search(text))


def wordless(text: str) -> bool:
    """Whether nothing is said: emoji, question marks, blanks."""
    return not any(char.isalnum() for char in text)


def mashed(text: str) -> bool:
    """Whether keys were hit at random: letters without a blank, with few vowels or of one row."""
    plain = text.strip().lower()
    if len(plain) < 4 or not plain.isascii() or not plain.isalpha():
        return False
    vowels = sum(char in "aeiou" for char in plain)
    return vowels * 5 < len(plain) or any(plain[:4] in row for row in _ROWS)


def foreign(text: str) -> bool:
    """Whether the text is a sentence in Latin letters."""
    latin = len(re.findall(r"[A-Za-z]{2,}", text))
    return latin >= 2 and not re.search(r"[\u4e00-\u9fff]", text)
