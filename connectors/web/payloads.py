"""Frames of the web chat: JSON text ↔ the channel's own types, without I/O."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

MAX_FRAME = 16_000
_ID_LENGTH = 64
_NEWEST = 2**31 - 1  # the largest sequence number that every database takes
_PRODUCT = re.compile(r"[\w.-]{1,64}")


class BadFrame(ValueError):
    """A frame that is not of the protocol; says what was expected."""


@dataclass(frozen=True)
class Frame:
    """type: one of `_NEEDS`; the other fields as that type needs them.

    `product` is the one whose page the shopper is looking at while typing; `granted`, whether their
    voice may go to a service abroad.
    """

    type: str
    id: str | None = None
    text: str = ""
    token: str = ""
    after: int = 0
    product: str | None = None
    granted: bool = False


_NEEDS = {
    "hello": ("token",),
    "message": ("id", "text"),
    "choice": ("id", "token"),
    "consent": ("id",),
    "fetch": (),
    "ping": (),
}


def parse(raw: str | bytes) -> Frame:
    """A client's frame.

    Raises:
        BadFrame: too large, not JSON, an unknown type, or a field missing or of the wrong kind.
    """
    if not isinstance(raw, str) or len(raw) > MAX_FRAME:
        raise BadFrame(f"expected a text frame of at most {MAX_FRAME} characters")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadFrame("expected a JSON object") from error
    if not isinstance(data, dict) or data.get("type") not in _NEEDS:
        raise BadFrame(f"type: expected one of {', '.join(_NEEDS)}")
    for name in _NEEDS[data["type"]]:
        if not isinstance(data.get(name), str) or not data[name]:
            raise BadFrame(f"{name}: expected a text that is not empty")
    after = data.get("after", 0)
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after <= _NEWEST:
        raise BadFrame(f"after: expected a whole number from 0 to {_NEWEST}")
    client_id = data.get("id")
    if isinstance(client_id, str) and client_id and not is_id(client_id):
        raise BadFrame(f"id: expected at most {_ID_LENGTH} printable characters")
    if data["type"] == "consent" and not isinstance(data.get("granted"), bool):
        raise BadFrame("granted: expected true or false")
    return Frame(
        type=data["type"],
        id=client_id if isinstance(client_id, str) else None,
        text=data["text"] if data["type"] == "message" else "",
        token=data["token"] if data["type"] in ("hello", "choice") else "",
        after=after,
        product=_product(data.get("product")),
        granted=data.get("granted") is True,
    )


def is_id(given: str) -> bool:
    """Whether it may be the id of a client's message."""
    return 0 < len(given) <= _ID_LENGTH and given.isprintable()


def _product(named: object) -> str | None:
    # A hint and no more: what is not an id is no reason to lose the message.
    return named if isinstance(named, str) and _PRODUCT.fullmatch(named) else None


def error(code: str, text: str, client_id: str | None = None) -> dict:
    """An error frame."""
    return {"type": "error", "code": code, "id": client_id, "text": text}
