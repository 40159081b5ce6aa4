"""A room's messages in the form that Rasa's Socket.IO channel speaks, and what its clients send.

Speaks the events of Rasa 3.6 (rasa.core.channels.socketio) as rasa-webchat 1 knows them:
`session_request`, `session_confirm`, `user_uttered`, `bot_uttered`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors import plain

MAX_ID = 64


def bot_messages(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a client gets of one message of a room: each paragraph alone, choices as quick replies
    below the last, cards as a carousel. A button's payload is its token."""
    links = [f"{one['title']}：{plain.absolute(one['url'])}" for one in shown.get("links") or []]
    texts = [*(shown.get("text") or "").strip().split("\n\n"), *links]
    told: list[dict[str, Any]] = [{"text": text} for text in texts if text]
    if shown.get("cards"):
        elements = [_element(card) for card in shown["cards"]]
        payload = {"template_type": "generic", "elements": elements}
        # Quick replies are only shown below the last message.
        place = max(len(told) - 1, 0) if shown.get("buttons") else len(told)
        told.insert(place, {"attachment": {"type": "template", "payload": payload}})
    if shown.get("buttons"):
        if not told or "text" not in told[-1]:
            told.append({"text": ""})
        told[-1]["quick_replies"] = [
            {"content_type": "text", "title": one["title"], "payload": one["token"]}
            for one in shown["buttons"]
        ]
    return told


def _element(card: Mapping[str, Any]) -> dict[str, Any]:
    title = " ".join(str(card[name]) for name in ("title", "price") if card.get(name))
    rest = [str(card[name]) for name in ("subtitle", "text") if card.get(name)]
    rest += [str(line) for line in card.get("lines") or []]
    element: dict[str, Any] = {"title": title, "subtitle": "\n".join(rest)}
    if card.get("image"):
        element["image_url"] = plain.absolute(card["image"])
    if card.get("url"):
        element["default_action"] = {"type": "web_url", "url": plain.absolute(card["url"])}
    element["buttons"] = [
        {"type": "postback", "title": one["title"], "payload": one["token"]}
        for one in card.get("buttons") or []
    ]
    return element


def text_of(data: Mapping[str, Any]) -> str:
    """The text of a `user_uttered`; "" if there is none."""
    text = data.get("message")
    return text if isinstance(text, str) else ""


def id_of(data: Mapping[str, Any]) -> str | None:
    """The client's own id for a message, by which it is one if it comes again; most have none."""
    said = data.get("id")
    good = isinstance(said, str) and 0 < len(said) <= MAX_ID and said.isprintable()
    return said if good else None


def token_of(data: Any) -> str | None:
    """The session id that a client names."""
    said = data.get("session_id") if isinstance(data, Mapping) else None
    return said if isinstance(said, str) and said else None
