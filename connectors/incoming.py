"""What a vendor brought, in the channels' common form, and what it means to the assistant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import plain, rooms
from connectors.fixed_words import spoken_in, words
from connectors.guard import MAX_TEXT, TextRefused, plain_text, readable

# What is no text, as a reader of the room sees it; what the shopper reads instead of an answer is
# under the same names in fixed_words.yml.
NAMES = {
    "image": "图片",
    "voice": "语音",
    "location": "位置",
    "video": "视频",
    "file": "文件",
    "link": "链接",
    "entry": "进入会话",
    "choice": "选项",
    "unknown": "其他消息",
}
GREETING = "/greet"


@dataclass(frozen=True)
class Incoming:
    """One thing that a vendor brought.

    id: the vendor's own, by which it is known when it comes again. address: whose it is, and where
    an answer goes. kind: "text", "image", "voice", "location", "video", "file", "link", "unknown";
    "entry" (followed, scanned, came in: `touch` says from where) or "left"; "choice", whose text is
    its token; "strange", an event that nobody here knows and that wants no answer. text: what was
    written or recognised, or what there is to say of something else (a picture's address, a place's
    name). who: the shopper's identifier, where the address is not it. raw: the whole of what is not
    known. media: the vendor's number of a recording.
    """

    id: str
    address: str
    kind: str
    text: str = ""
    touch: Mapping[str, Any] | None = None
    who: str = ""
    raw: Mapping[str, Any] | None = None
    media: str = ""

    @property
    def sender(self) -> str:
        """Whose it is, on whatever address."""
        return self.who or self.address


def meaning(conversation: str, incoming: Incoming) -> tuple[str, str | None]:
    """What a reader of the room sees, and what Rasa gets; no text: what is answered at once."""
    if incoming.kind == "entry":
        return "（进入会话）", GREETING
    if incoming.kind == "choice":
        chosen = rooms.choice(conversation, incoming.text)
        return chosen or (not_read(conversation, "choice"), None)
    if incoming.kind not in ("text", "voice") or not incoming.text.strip():
        return not_read(conversation, incoming.kind), None
    chosen = _chosen(conversation, incoming.text)
    if chosen:
        return chosen
    try:
        return readable(incoming.text), plain_text(incoming.text)
    except TextRefused:
        return not_read(conversation, "too_long"), None


def described(incoming: Incoming) -> str:
    """What a reader of the room sees of what is no text."""
    said = readable(incoming.text)[:MAX_TEXT]
    if incoming.kind == "text" and said:
        return said
    name = NAMES.get(incoming.kind, NAMES["unknown"])
    return f"[{name}] {said}" if said and incoming.kind != "choice" else f"[{name}]"


def _chosen(conversation: str, typed: str) -> tuple[str, str] | None:
    """Title and payload of the choice whose number was written, if choices were offered."""
    number = plain.number_of(typed)
    if number is None:
        return None
    choices = plain.choices_of(plain.merged(rooms.offered(conversation)))
    if number > len(choices):
        return None
    return rooms.choice(conversation, choices[number - 1]["token"])


def not_read(conversation: str, kind: str) -> str:
    """What is said to a message that is no text."""
    return words(kind if kind in (*NAMES, "too_long") else "unknown", spoken_in(conversation))
