"""What the assistant says, as a channel gets it: Rasa's bot messages in the project's own form.

An answer is {"text": str, "buttons": [{"title", "payload"}], "cards": [...], "links": [...]}. Cards
and links travel in Rasa's `custom` part of a message as {"cards": [...], "links": [...]}.
"""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import OutputChannel
from rasa.shared.core.events import BotUttered, UserUttered

from connectors.fixed_words import CHINESE, language_of, words


class AnswerCollector(OutputChannel):
    """Collects the answers to one message, so that they can be kept before they are shown."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.answers: list[dict[str, Any]] = []

    def name(self) -> str:  # type: ignore[override]
        """The channel's name, by which responses can be written for it."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one bot message."""
        answer = to_answer(message)
        if any(answer.values()):
            self.answers.append(answer)

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Take a bare text (Rasa's own actions send these)."""
        self.answers.append(to_answer({"text": text}))


def to_answer(message: dict[str, Any]) -> dict[str, Any]:
    """A bot message (text, buttons, quick_replies, image, custom …) as an answer."""
    custom = message.get("custom") or {}
    buttons = (message.get("buttons") or []) + (message.get("quick_replies") or [])
    links = list(custom.get("links") or [])
    if message.get("image"):
        spoken = language_of(message.get("text") or "") or CHINESE
        links.append({"title": words("look_at_picture", spoken), "url": message["image"]})
    return {
        "text": message.get("text") or "",
        "buttons": [{"title": b["title"], "payload": b["payload"]} for b in buttons],
        "cards": list(custom.get("cards") or []),
        "links": links,
    }


def answers_after(events, message_id: str) -> list[dict[str, Any]] | None:
    """The answers a tracker already holds for that message, or None if it never saw it."""
    found: list[dict[str, Any]] | None = None
    for event in events:
        if isinstance(event, UserUttered):
            # Each question of a message has that message's id.
            if event.message_id == message_id:
                found = found or []
            elif found is not None:
                break
        elif found is not None and isinstance(event, BotUttered):
            found.append(to_answer({"text": event.text, **(event.data or {})}))
    return found
