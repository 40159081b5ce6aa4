"""Fields of a request, as the vendor checks them.

Errors: 40058 for a missing field, a wrong type or a length; real answers of it read
`field "x" exceed max length 64. invalid Request Parameter`.
"""

from __future__ import annotations

import re
from typing import Any

from tests.vendors.wecom.records import Refusal

_MSGID = re.compile(r"[0-9a-zA-Z_-]*")
_KINDS = {str: "string", int: "integer", list: "array", dict: "object", float: "number"}


def get(body: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    """The field, or `default` where it is absent; 40058 when its type is wrong."""
    value = body.get(name)
    if value is None:
        return default
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise Refusal(40058, f"Warning: wrong json format. field `{name}` expect {_KINDS[kind]}.")
    return value


def need(body: dict[str, Any], name: str, kind: type = str) -> Any:
    """The field, which may be neither absent nor empty."""
    value = get(body, name, kind, None)
    if value is None or value in ("", [], {}):
        raise Refusal(40058, f"field `{name}` is required.")
    return value


def within(name: str, value: str, most: int, least: int = 0) -> str:
    """`value`, whose UTF-8 bytes are counted as the vendor does."""
    size = len(value.encode())
    if size > most:
        raise Refusal(40058, f"field `{name}` exceed max length {most}.")
    if size < least:
        raise Refusal(40058, f"field `{name}` less than min length {least}.")
    return value


def cut(value: str, most: int) -> str:
    """What is left of a text that the vendor cuts by itself, at a whole character."""
    return value.encode()[:most].decode(errors="ignore")


def own_msgid(body: dict[str, Any]) -> str:
    """The caller's msgid or "": at most 32 bytes of 0-9a-zA-Z_-."""
    msgid = within("msgid", get(body, "msgid", str, ""), 32)
    if not _MSGID.fullmatch(msgid):
        raise Refusal(40058, "field `msgid` does not match [0-9a-zA-Z_-]*.")
    return msgid


def scene(value: str) -> str:
    """A link's scene: at most 32 bytes of 0-9a-zA-Z_-."""
    if not _MSGID.fullmatch(within("scene", value, 32)):
        raise Refusal(40058, "field `scene` does not match [0-9a-zA-Z_-]*.")
    return value
