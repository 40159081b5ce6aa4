"""What a shopper says about goods that go back: which service, why, opened or not, by which way."""

from __future__ import annotations

import re

from actions.turn import Turn

KINDS = {
    "request_refund": "refund",
    "request_return": "return",
    "request_exchange": "exchange",
    "ask_repair": "repair",
}
REASONS = {"report_defect": "quality", "report_wrong_or_missing_item": "wrong_item"}
# In the order in which they are offered; their names are the phrases `reason.…`, `method.…`.
CAUSES = ("no_reason", "size", "quality", "wrong_item", "missing_item")
METHODS = ("pickup", "mail")
# Where the policy wants nothing back, `return_method` is this.
NOTHING_BACK = "none"

_KINDS = (
    (
        "exchange",
        re.compile(
            r"换货|换一[个双台件部条](?!订单|单)|换个(?!订单|单|地址)|换新|换[大小]|调换|换成|补发|补寄"
        ),
    ),
    ("repair", re.compile(r"维修|返修|修一?下|修理|保修")),
    ("return", re.compile(r"退货|退回去|退掉|退了|把货退")),
    ("refund", re.compile(r"退款|退钱|退我钱|钱退")),
)
_REASONS = (
    ("missing_item", re.compile(r"少发|漏发|缺件|少了|没有?发全|少一")),
    ("wrong_item", re.compile(r"发错|错发|寄错|不是我(买|拍|要)的|颜色(发)?(不对|错)|货不对")),
    (
        "quality",
        re.compile(
            r"质量|坏|破|开胶|脱胶|裂|瑕疵|故障|失灵|不能用|用不了|开不了机|掉色|起球|断|漏|变形|异味|发霉"
            r"|过期|死机|黑屏|花屏|没反应|不亮|不充电|充不进|有问题|次品"
        ),
    ),
    (
        "size",
        re.compile(
            r"(尺码|大小|码数|号码?).{0,4}(不合适|不对|不合|大|小)|太[大小紧松]|偏[大小]|[大小]了|挤脚"
            r"|穿不[了下上]|不合脚|不合身"
        ),
    ),
    (
        "no_reason",
        re.compile(
            r"不喜欢|不想要|不要了|没(什么)?原因|无理由|买错|拍错|下错|多买|买多|后悔|不需要|用不上"
            r"|不合心意|其他原因"
        ),
    ),
)
_UNOPENED = re.compile(r"没(有)?(拆|开|打开|用|穿|动)|未(拆|开封|使用|穿)|全新|原封|还没拆")
_OPENED = re.compile(r"(已经?)?(拆|打开|开封|用过|穿过|激活|试过)(了|过|开)?|拆了")
_PICKUP = re.compile(r"上门|取件|来取|来拿|派人")
_MAIL = re.compile(r"自己寄|自行寄|自寄|我寄|寄回|快递站|自己发|自己叫")
_DROPS = re.compile(r"^取消(吧|了|掉)?(这个|本次)?(申请|退款|退货|换货|维修)?(吧|了)?[。.!！~]*$")


def service_name(turn: Turn, kind: str, reason: str | None = None) -> str:
    """What the shopper calls it: what was left out is sent on, not exchanged."""
    resent = (kind, reason) == ("exchange", "missing_item")
    return turn.phrase(f"service.{'missing' if resent else kind}")


def what_follows(turn: Turn, method: str | None, kind: str) -> str:
    """How the goods travel back, and what then happens."""
    if method == NOTHING_BACK:
        return turn.phrase(f"nothing_back.{'resend' if kind == 'exchange' else 'refund'}")
    way = "pickup" if method == "pickup" else "mail"
    return turn.phrase(f"way_back.{way}") + turn.phrase(f"afterwards.{kind}")


def drops(text: str) -> bool:
    """Whether the shopper takes an application back that is not handed in yet."""
    return bool(_DROPS.search(text.strip()))


def kind_in(text: str) -> str | None:
    """refund, return, exchange or repair, if the text names one."""
    return _first(_KINDS, text)


def reason_in(text: str) -> str | None:
    """no_reason, size, quality, wrong_item or missing_item, if the text gives one."""
    return _first(_REASONS, text)


def opened_in(text: str) -> str | None:
    """`no` or `yes`, if the text says whether the goods were opened."""
    if _UNOPENED.search(text):
        return "no"
    return "yes" if _OPENED.search(text) else None


def return_method_in(text: str) -> str | None:
    """pickup or mail, if the text names one."""
    if _PICKUP.search(text):
        return "pickup"
    return "mail" if _MAIL.search(text) else None


def _first(patterns, text: str) -> str | None:
    if text.startswith("/"):
        return None
    return next((name for name, pattern in patterns if pattern.search(text)), None)
