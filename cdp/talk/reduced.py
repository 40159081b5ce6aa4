"""A Rasa event with nothing personal in it: what leaves the machine on its way to the platform.

Kept is what `translate` reads, with texts masked, so the translation of the reduced event is that
of the whole one. Everything else (values of slots and entities, a button's payload, what a channel
noted) stays here.
"""

from __future__ import annotations

from cdp import keys
from cdp.talk.masking import last_four, mask
from cdp.talk.translate import SLOTS, said

_PLAIN = ("sender_id", "event", "timestamp", "message_id", "name", "input_channel", "policy")


def reduced(event: dict) -> dict:
    """The event (`Event.as_dict()` of Rasa with `sender_id`) as it may be written elsewhere."""
    kept = {name: event[name] for name in (*_PLAIN, "confidence") if event.get(name) is not None}
    kind = event.get("event")
    if kind == "user":
        kept |= {"text": said(event.get("text") or ""), "parse_data": _parsed(event)}
        shopper = (event.get("metadata") or {}).get("shopper")
        if isinstance(shopper, str) and keys.form_of("user_id", shopper) is None:
            kept["metadata"] = {"shopper": shopper}
    elif kind == "bot":
        kept |= {"text": mask(event.get("text") or ""), "data": {"custom": _cards(event)}}
        kept["metadata"] = {"utter_action": (event.get("metadata") or {}).get("utter_action")}
    elif kind == "slot":
        value = event.get("value") if event.get("name") in SLOTS else None
        kept["value"] = mask(value) if isinstance(value, str) else value
    return kept


def _parsed(event: dict) -> dict:
    parsed = event.get("parse_data") or {}
    intent = parsed.get("intent") or {}
    entities = [one for one in parsed.get("entities") or [] if isinstance(one, dict)]
    return {
        "intent": {name: intent.get(name) for name in ("name", "confidence")},
        "entities": [
            {"entity": one.get("entity")}
            | ({"value": one.get("value")} if one.get("entity") == "product" else {})
            for one in entities
        ],
    }


def _cards(event: dict) -> dict:
    custom = (event.get("data") or {}).get("custom") or {}
    cards = custom.get("cards") if isinstance(custom, dict) else None
    shown = []
    for card in cards or []:
        if isinstance(card, dict) and card.get("kind") == "order":
            shown.append({"kind": "order", "id": last_four(str(card.get("id")))})
        elif isinstance(card, dict) and card.get("kind") == "product":
            shown.append({"kind": "product", "id": card.get("id")})
    return {"cards": shown}
