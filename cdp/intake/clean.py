"""No personal data in clear, wherever in an event a sender put it.

Named fields (`email`, `phone` …) are taken out and become identifiers; what looks like an e-mail
address, a mobile phone or an identity card number anywhere else is masked; addresses, cards and
passwords are dropped; URLs lose their query, which holds tokens and searches.
"""

from __future__ import annotations

import re

from cdp.intake.refusal import INVALID, Refusal

DEEPEST = 12
_LONGEST_TEXT = 4_000
_COMPOUND = (str, dict, list)

# Field name (lower case, without _ and -) → the kind of identifier that it holds.
IDENTIFIER_FIELDS = {
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "phone": "phone",
    "phonenumber": "phone",
    "mobile": "phone",
    "mobilephone": "phone",
    "tel": "phone",
    "telephone": "phone",
    "openid": "openid",
    "unionid": "unionid",
    "externaluserid": "external_userid",
    "slackid": "slack_id",
}
_DROPPED = frozenset(
    {"address", "shippingaddress", "billingaddress", "deliveryaddress", "street", "idcard"}
    | {"idnumber", "passport", "password", "passwd", "pwd", "token", "accesstoken", "secret"}
    | {"cardnumber", "bankcard", "creditcard", "cvv", "ip", "ipaddress", "useragent", "imei"}
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,190}\.[A-Za-z]{2,}")
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:\+?86[ \-]?)?1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}"
    r"|[1-9]\d{5}(?:19|20)\d{9}[\dXx])(?![0-9A-Za-z])"
)
# Digits to 1, what may stand between them to nothing, all else to a dot: a quick look for numbers.
_RUNS = bytes(49 if 48 <= byte <= 57 else 46 for byte in range(256))
_QUERY = re.compile(r"[?#]\S*")


def plain(name: str) -> str:
    """A field's name as the tables here have it."""
    return name.replace("_", "").replace("-", "").lower()


class _Kinds(dict):
    """Field name → the kind of identifier it holds, "" if it is dropped, None for any other."""

    def __missing__(self, name: str) -> str | None:
        known = plain(name)
        found = "" if known in _DROPPED else IDENTIFIER_FIELDS.get(known)
        if len(self) < 10_000:
            self[name] = found
        return found


_kind_of = _Kinds()


def take_identifiers(fields: dict) -> list[tuple[str, str]]:
    """(kind, value) of what identifies somebody at the top of `fields`; it is removed there."""
    found = []
    for name in [name for name in fields if _kind_of[name]]:
        value = fields.pop(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            found.append((_kind_of[name], str(value)))
    return found


def without_private(fields: dict, place: str, depth: int = 1) -> dict:
    """The same fields without dropped ones, nested identifiers and queries of URLs; a new object.

    Raises:
        Refusal: INVALID if it is nested too deep.
    """
    if depth > DEEPEST:
        raise Refusal(INVALID, place, f"{place}: expected at most {DEEPEST} levels of nesting")
    return {
        name: _value(one, place, depth) if one.__class__ in _COMPOUND else one
        for name, one in fields.items()
        if _kind_of[name] is None
    }


def _value(value, place: str, depth: int):
    if value.__class__ is str:
        if "://" in value and ("?" in value or "#" in value):
            value = _QUERY.sub("", value)
        return value[:_LONGEST_TEXT]
    if value.__class__ is dict:
        return without_private(value, place, depth + 1)
    if value.__class__ is list:
        if depth >= DEEPEST:
            raise Refusal(INVALID, place, f"{place}: expected at most {DEEPEST} levels of nesting")
        return [_value(one, place, depth + 1) for one in value]
    return value


def suspicious(dumped: bytes) -> bool:
    """Whether a dumped body may hold an address or a number that has to be masked."""
    return b"@" in dumped or b"11111111111" in dumped.translate(_RUNS, b" -")


def masked(value, name: str = ""):
    """The same value with e-mail addresses, phones and card numbers masked in every text.

    Digits of fields that hold ids (`order_id`, `sku`) stay: an order's number may look like a
    phone's.
    """
    if value.__class__ is str:
        return mask_text(value, digits=not name.endswith(("id", "sku", "Id")))
    if value.__class__ is dict:
        return {mask_text(key): masked(one, key) for key, one in value.items()}
    if value.__class__ is list:
        return [masked(one, name) for one in value]
    return value


def mask_text(text: str, digits: bool = True) -> str:
    """z***@qq.com, 138****1234; an identity card as its first six digits."""
    text = _EMAIL.sub(lambda found: f"{found[0][0]}***@{found[0].rpartition('@')[2]}", text)
    return _DIGITS.sub(_shown, text) if digits else text


def _shown(found: re.Match) -> str:
    whole = re.sub(r"\D", "", found[0]) if len(found[0]) < 18 else found[0]
    if len(whole) >= 17:
        return f"{whole[:6]}************"
    return f"{whole[-11:-8]}****{whole[-4:]}"
