"""One turn of the talk as an action sees it: what was said, what is known, what is answered.

Reads of the tracker: the latest message's text, intent, entities and metadata (`shopper`,
`address`, `product`), and the slots; phrases are in the language of slot `language`. What an action
sets or says is collected here and leaves as rasa-sdk events and messages.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions import knowledge, phrases, words
from kg.errors import GraphError
from shop.gate import Viewer

Made = TypeVar("Made")


@dataclass(frozen=True)
class Exchange:
    """What a message meant, and all that was answered to it."""

    intent: str
    answer: str


class Turn:
    """The tracker, the dispatcher and the events of one call of an action."""

    def __init__(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self.tracker = tracker
        self._set: dict[str, Any] = {}
        self._words: dict[str, str] = {}
        self._once: dict[str, Any] = {}
        self.extra_events: list[EventType] = []

    # what was said

    @property
    def text(self) -> str:
        """The message as it was typed."""
        return self.tracker.latest_message.get("text") or ""

    @property
    def chosen(self) -> bool:
        """Whether the message is a button of ours and not something typed."""
        return self.text.startswith("/")

    @property
    def intent(self) -> str:
        """The message's intent, `nlu_fallback` included."""
        return (self.tracker.latest_message.get("intent") or {}).get("name") or ""

    @property
    def message_key(self) -> str:
        """An id of the message that is the same however often it is processed."""
        message = self.tracker.latest_message
        return f"{self.conversation}:{message.get('message_id') or message.get('text')}"

    def entities(self, kind: str) -> list[dict]:
        """The entities of one kind, in the order they stand in the text."""
        found = [
            entity
            for entity in self.tracker.latest_message.get("entities") or []
            if entity.get("entity") == kind
        ]
        return sorted(found, key=lambda entity: entity.get("start") or 0)

    def entity(self, kind: str) -> Any:
        """The value of the first entity of that kind, or None."""
        found = self.entities(kind)
        return found[0]["value"] if found else None

    # who says it

    @property
    def conversation(self) -> str:
        """The conversation's id."""
        return self.tracker.sender_id

    @property
    def metadata(self) -> dict:
        """What the channel said about the message."""
        return self.tracker.latest_message.get("metadata") or {}

    @property
    def shopper(self) -> str | None:
        """The signed-in shopper, vouched for by the channel."""
        return self.metadata.get("shopper")

    @property
    def person(self) -> str:
        """The id under which this person's consent and requests are kept."""
        return self.shopper or self.conversation

    @property
    def viewer(self) -> Viewer:
        """Who is looking, for the order gate."""
        return Viewer(self.conversation, self.shopper, self.metadata.get("address"))

    # what is known

    def slot(self, name: str) -> Any:
        """A slot's value, as this turn has left it."""
        return self._set[name] if name in self._set else self.tracker.get_slot(name)

    def set(self, **slots: Any) -> None:
        """Set slots."""
        self._set.update(slots)

    @property
    def active_form(self) -> str | None:
        """The form that is under way, if any."""
        return (self.tracker.active_loop or {}).get("name")

    def events_since_message(self) -> list[dict]:
        """The tracker's events after the shopper's latest message, oldest first."""
        recent: list[dict] = []
        for event in reversed(self.tracker.events or []):
            if event.get("event") == "user":
                break
            recent.append(event)
        return recent[::-1]

    def said(self) -> list[str]:
        """The shopper's latest messages as they were typed, this one last."""
        return [event.get("text") or "" for event in self._messages()]

    def moods(self) -> list[dict]:
        """What `sentiment` their latest messages had ({label, score}), this one last."""
        parsed = [event.get("parse_data") or {} for event in self._messages()]
        return [found.get("sentiment") or {} for found in parsed]

    def exchanges(self) -> list[Exchange]:
        """Their latest messages with what was answered, this one last."""
        found: list[Exchange] = []
        for event in self.tracker.events or []:
            if event.get("event") == "user":
                intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name") or ""
                found.append(Exchange(intent, ""))
            elif event.get("event") == "bot" and found:
                last = found.pop()
                found.append(
                    Exchange(last.intent, f"{last.answer}\n{event.get('text') or ''}".strip())
                )
        return found

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, worked out at its first call of that name in this turn."""
        if name not in self._once:
            self._once[name] = make()
        return self._once[name]

    def _messages(self) -> list[dict]:
        return [event for event in self.tracker.events or [] if event.get("event") == "user"]

    def picked(self, offered: list | None) -> Any:
        """What of a list offered before is meant by 第二个, 2, 最后一个 …, or None."""
        if not offered or self.chosen:
            return None
        place = words.ordinal(self.text, len(offered))
        return None if place is None else offered[place]

    # what is answered

    async def prepare(self) -> None:
        """Speak the shopper's language: read the graph in it, and know its names."""
        knowledge.speak(self.slot("language"))
        try:
            self._words = await knowledge.words()
        except GraphError:
            # A greeting needs no graph; what does will say that it is away.
            self._words = {}

    def named(self, name: str) -> str:
        """What a series, colour or size is called in the shopper's language."""
        if not self._words or name in self._words:
            return self._words.get(name, name)
        return "/".join(self._words.get(part, part) for part in name.split("/"))

    def phrase(self, key: str, **values: Any) -> str:
        """The phrase of that key (`state.paid`) in the shopper's language, filled in."""
        return phrases.phrase(self.slot("language"), key, **values)

    def desk_phrase(self, key: str, **values: Any) -> str:
        """The phrase of that key as it is read at the desk, in Chinese."""
        return phrases.phrase(None, key, **values)

    def joined(self, names: Iterable[str]) -> str:
        """Names in a row, as the shopper's language joins them."""
        return self.phrase("list.names").join(self.named(name) for name in names)

    def button(self, key: str, intent: str, **entities: Any) -> dict:
        """A quick reply whose title is the phrase `button.<key>`."""
        return button(self.phrase(f"button.{key}"), intent, **entities)

    def say(
        self,
        response: str,
        buttons: list[dict] | None = None,
        cards: list[dict] | None = None,
        links: list[dict] | None = None,
        **values: Any,
    ) -> None:
        """Answer with the domain's response of that name (without `utter_`), filled in."""
        custom = {name: part for name, part in (("cards", cards), ("links", links)) if part}
        self._dispatcher.utter_message(
            response=f"utter_{response}",
            **({"buttons": buttons} if buttons else {}),
            **({"json_message": custom} if custom else {}),
            **{
                name: self.named(value) if isinstance(value, str) else value
                for name, value in values.items()
            },
        )

    def say_text(self, text: str, cards: list[dict] | None = None) -> None:
        """Answer with a text that comes from the graph, in the shop's own words."""
        custom = {"cards": cards} if cards else None
        self._dispatcher.utter_message(text=text, json_message=custom)

    @property
    def answered(self) -> bool:
        """Whether anything has been said in this turn yet."""
        return bool(self._dispatcher.messages)

    def events(self) -> list[EventType]:
        """The slots that were set, then the other events."""
        return [SlotSet(name, value) for name, value in self._set.items()] + self.extra_events


def button(title: str, intent: str, **entities: Any) -> dict:
    """A quick reply that means an intent with entities, whatever its title says."""
    payload = f"/{intent}"
    if entities:
        payload += json.dumps(entities, ensure_ascii=False)
    return {"title": title, "payload": payload}


async def in_thread(function, *args, **kwargs):
    """Call something that waits for the database, away from the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)
