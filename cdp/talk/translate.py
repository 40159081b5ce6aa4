"""A Rasa event as an event of the platform: Segment's Live Chat spec, personal data masked.

Spec: https://segment.com/docs/connections/spec/live-chat. Its four events are what was said;
what was done has names of its own: Action Taken, Detail Noted, Handed Over, Handed Back.

The translation depends on nothing but the event, and so does its message id: an event that comes
twice, or by two ways (outbox, Kafka), is counted once.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone

from cdp.talk.masking import last_four, mask

STARTED, SENT, RECEIVED, ENDED = (
    "Conversation Started",
    "Message Sent",
    "Message Received",
    "Conversation Ended",
)
ACTION, DETAIL, OVER, BACK = "Action Taken", "Detail Noted", "Handed Over", "Handed Back"

# What these slots hold says what a talk is about, and of nobody who they are.
SLOTS = frozenset(
    {"language", "category", "product", "flow", "outcome", "after_sale_kind", "return_method"}
    | {"order_service", "size_category", "size_audience"}
)
# A shopper's mood as far as the meaning of the message tells it: −1 … 1.
MOODS = {"complain": -1.0, "report_defect": -0.5, "report_wrong_or_missing_item": -0.5}
MOODS |= {"report_delivery_problem": -0.5, "praise": 1.0, "thank": 0.5}
_RASAS_OWN = frozenset(
    {"action_listen", "action_session_start", "action_extract_slots", "action_restart"}
    | {"action_unlikely_intent", "action_back", "action_deactivate_loop", "action_default_fallback"}
)
_CHANNELS = ("web", "rest", "wechat", "wecom", "slack", "email", "voice")
_PRODUCT = re.compile(r"[A-Z]{1,3}\d{3,8}")
_MOST = 20
_LONGEST_ID = 255


def translate(event: dict) -> dict | None:
    """The raw envelope for `intake.accept`, or None if the event is only for Rasa itself.

    event: `Event.as_dict()` of Rasa with `sender_id`, as brokers are given it.

    Raises:
        ValueError: it names no conversation or no time.
    """
    make = _MAKERS.get(event.get("event"))
    if make is None:
        return None
    made = make(event)
    if made is None:
        return None
    conversation = event.get("sender_id")
    if not isinstance(conversation, str) or not 0 < len(conversation) <= _LONGEST_ID:
        raise ValueError("sender_id: expected the id of a conversation")
    name, properties = made
    raw = {
        "type": "track",
        "event": name,
        "messageId": _message_id(event),
        "timestamp": _time(event).isoformat() + "Z",
        "properties": {"conversation_id": conversation, **_channel(event), **properties},
        "context": {"library": {"name": "rasa", "version": "3.6"}},
    }
    spoken = _language(event)
    if spoken:
        raw["context"]["locale"] = spoken
    shopper = (event.get("metadata") or {}).get("shopper")
    if isinstance(shopper, str) and shopper and name == SENT:
        raw["userId"] = shopper
    return raw


def _language(event: dict) -> str | None:
    """The language that a shopper's message surely is in."""
    entities = (event.get("parse_data") or {}).get("entities") or []
    found = (one.get("value") for one in entities if one.get("entity") == "language")
    return next((value for value in found if isinstance(value, str)), None)


def ended(conversation: str, started: datetime, at: datetime) -> dict:
    """The end of a talk, which Rasa does not tell: at its last message (naive UTC)."""
    named = hashlib.sha256(f"{conversation}|ended|{started.isoformat()}".encode()).hexdigest()
    return {
        "type": "track",
        "event": ENDED,
        "messageId": f"talk-{named[:40]}",
        "timestamp": at.isoformat() + "Z",
        "properties": {
            "conversation_id": conversation,
            **_channel({"sender_id": conversation}),
            "seconds": int((at - started).total_seconds()),
        },
    }


def _message_id(event: dict) -> str:
    parts = (
        event.get("sender_id"),
        event["event"],
        repr(event.get("timestamp")),
        event.get("message_id") or event.get("name") or "",
    )
    return f"talk-{hashlib.sha256('|'.join(map(str, parts)).encode()).hexdigest()[:40]}"


def _time(event: dict) -> datetime:
    told = event.get("timestamp")
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        raise ValueError("timestamp: expected seconds since 1970")
    return datetime.fromtimestamp(told, timezone.utc).replace(tzinfo=None)


def _channel(event: dict) -> dict:
    told = event.get("input_channel") or str(event.get("sender_id")).partition("-")[0]
    return {"channel": told} if told in _CHANNELS else {}


def _started(_event: dict):
    return STARTED, {}


def _restarted(_event: dict):
    return ENDED, {"reason": "restarted"}


def _paused(_event: dict):
    return OVER, {}


def _resumed(_event: dict):
    return BACK, {}


def said(text: str) -> str:
    """What a shopper wrote, masked; of a button its meaning: no mask knows its payload's values."""
    return text.partition("{")[0].strip() if text.startswith("/") else mask(text)


def _sent(event: dict):
    parsed = event.get("parse_data") or {}
    intent = parsed.get("intent") or {}
    entities = [one for one in parsed.get("entities") or [] if isinstance(one, dict)]
    properties = {
        "message_id": str(event.get("message_id") or "")[:100],
        "text": said(event.get("text") or ""),
        "intent": intent.get("name"),
        "entities": sorted({str(one.get("entity")) for one in entities})[:_MOST],
        "product_ids": _ids(one.get("value") for one in entities if one.get("entity") == "product"),
    }
    if isinstance(intent.get("confidence"), (int, float)):
        properties["confidence"] = round(float(intent["confidence"]), 4)
    if intent.get("name") in MOODS:
        properties["sentiment"] = MOODS[intent["name"]]
    return SENT, {name: value for name, value in properties.items() if value not in (None, "", [])}


def _received(event: dict):
    custom = (event.get("data") or {}).get("custom") or {}
    cards = custom.get("cards") if isinstance(custom, dict) else None
    cards = [card for card in cards or [] if isinstance(card, dict)]
    properties = {
        "agent_id": "assistant",
        "text": mask(event.get("text") or ""),
        "response": (event.get("metadata") or {}).get("utter_action"),
        "product_ids": _ids(card.get("id") for card in cards if card.get("kind") == "product"),
        "orders_shown": [
            last_four(str(card.get("id"))) for card in cards if card.get("kind") == "order"
        ][:_MOST],
    }
    return RECEIVED, {name: value for name, value in properties.items() if value}


def _acted(event: dict):
    name = str(event.get("name") or "")
    if not name or name in _RASAS_OWN or name.startswith("validate_"):
        return None
    properties: dict = {"action": name[:100], "policy": event.get("policy")}
    if isinstance(event.get("confidence"), (int, float)):
        properties["confidence"] = round(float(event["confidence"]), 4)
    return ACTION, {name: value for name, value in properties.items() if value is not None}


def _noted(event: dict):
    name, value = event.get("name"), event.get("value")
    if name not in SLOTS or value is None or not isinstance(value, (str, int, float, bool)):
        return None
    properties = {"detail": name, "value": mask(value) if isinstance(value, str) else value}
    if name == "product":
        properties["product_ids"] = _ids([value])
    return DETAIL, properties


def _ids(values) -> list[str]:
    found = (value for value in values if isinstance(value, str) and _PRODUCT.fullmatch(value))
    return list(dict.fromkeys(found))[:_MOST]


_MAKERS = {
    "session_started": _started,
    "restart": _restarted,
    "pause": _paused,
    "resume": _resumed,
    "user": _sent,
    "bot": _received,
    "action": _acted,
    "slot": _noted,
}
