"""From a raw Segment envelope to the one form in which an event is kept, or a refusal.

The order matters: consent first, so that nothing is read, let alone kept, of an event without it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import orjson

from cdp.intake import clean, commerce, context, devices, names, times
from cdp.intake.common import Common
from cdp.intake.consent_carried import carried, purposes_of
from cdp.intake.identifiers import Identifiers
from cdp.intake.models import Envelope, parse
from cdp.intake.refusal import (
    BOT,
    CONSENT_DENIED,
    INVALID,
    MISSING_ID,
    TOO_LARGE,
    Refusal,
)
from cdp.sources import Source

LARGEST_EVENT = 32 * 1024

_MOST_TRAITS = 100
# What shoppers do with a product, without words of their own.
_COMMON_KINDS = frozenset({"view", "click", "cart", "promotion", "favourite", "share"})
_PAGE_ADDRESS = ("url", "search", "referrer", "path", "title", "name", "category", "keywords")


@dataclass(slots=True)
class Standard:
    """One event ready for the table; `refusal` is set where only its denial of consent is kept."""

    message_id: str
    type: str
    name: str | None
    kind: str
    occurred_at: datetime
    body: str
    refusal: Refusal | None = None


def standardise(source: Source, raw, received_at: datetime) -> Standard:
    """Check one raw event and bring it into its form.

    raw: a decoded JSON object, Segment's envelope. received_at: naive UTC.

    Raises:
        Refusal: it cannot be taken.
    """
    consent = carried(raw)
    try:
        purposes = purposes_of(source, consent)
    except Refusal as refusal:
        if refusal.code == CONSENT_DENIED and consent:
            denial = _denial(source, raw, consent, received_at, refusal)
            if denial is not None:
                return denial
        raise
    if not isinstance(raw, dict):
        raise Refusal(INVALID, None, "expected a JSON object")
    _check_size(raw)
    return _event(source, raw, consent, purposes, received_at)


def _event(source, raw: dict, consent, purposes: list[str], received_at: datetime) -> Standard:
    envelope = parse(Envelope, raw)
    told = envelope.get("context") or {}
    agent = told.get("userAgent")
    if source.kind == "web" and agent.__class__ is str and devices.is_bot(agent):
        raise Refusal(BOT, "context.userAgent", "a crawler's user agent")
    at = times.occurred(
        *map(envelope.get, ("timestamp", "originalTimestamp", "sentAt")), received_at
    )
    kind, name = _kind_and_name(envelope)
    # Only a page call repeats its address in the properties.
    kept = _context(told, (envelope.get("properties") or {}) if kind == "page" else {})
    found = Identifiers()
    properties = _properties(envelope, kind, found)
    traits = _traits(envelope, told, found)
    _identify(found, envelope, told, properties)
    body = {
        "ids": found.entries,
        "properties": properties,
        "traits": traits,
        "context": kept,
        "purposes": purposes,
        "prove": envelope["type"] == "alias" or source.trusted,
        "consent": consent or {},
    }
    return Standard(
        envelope.get("messageId") or str(uuid.uuid4()),
        envelope["type"],
        clean.mask_text(name) if name and clean.suspicious(name.encode()) else name,
        kind,
        at,
        _dump(body),
    )


def _kind_and_name(envelope: dict) -> tuple[str, str | None]:
    if envelope["type"] == "track":
        if not envelope.get("event"):
            raise Refusal(INVALID, "event", "event: a track call names what happened")
        return names.standard(envelope.get("event"))
    if envelope["type"] in ("page", "screen"):
        return "page", envelope.get("name") or envelope.get("category")
    return envelope["type"], None


def _properties(envelope: dict, kind: str, found: Identifiers) -> dict:
    told = dict(envelope.get("properties") or {})
    for one, value in clean.take_identifiers(told):
        found.add(one, value)
    if kind == "page":
        # The library repeats the address here, with its query; `context.page` has what is kept.
        for name in _PAGE_ADDRESS:
            told.pop(name, None)
        if envelope.get("category"):
            told["page_category"] = envelope.get("category")
    elif kind == "group":
        told |= envelope.get("traits") or {}
        if envelope.get("groupId"):
            told["group_id"] = envelope.get("groupId")
    return (_common_properties if kind in _COMMON_KINDS else _standard_properties)(told, kind)


def _standard_properties(told: dict, kind: str) -> dict:
    return clean.without_private(commerce.standard(told, kind), "properties")


_context = Common(context.standard)
_common_properties = Common(_standard_properties)


def _traits(envelope: dict, told: dict, found: Identifiers) -> dict:
    """Scalars that a person says of themselves; phones and addresses become identifiers."""
    traits: dict = {}
    for given in (
        told.get("traits"),
        envelope.get("traits") if envelope["type"] != "group" else None,
    ):
        if isinstance(given, dict):
            given = dict(given)
            for kind, value in clean.take_identifiers(given):
                found.add(kind, value)
            traits |= given
    if len(traits) > _MOST_TRAITS:
        raise Refusal(INVALID, "traits", f"traits: expected at most {_MOST_TRAITS}")
    return clean.without_private(
        {
            name: value
            for name, value in traits.items()
            if value is None or isinstance(value, (str, int, float, bool, list))
        },
        "traits",
    )


def _identify(found: Identifiers, envelope: dict, told: dict, properties: dict) -> None:
    """Put the envelope's own ids before those that were found in traits and properties."""
    others, found.entries = found.entries, []
    found.add("user_id", envelope.get("userId"))
    previous = envelope.get("previousId") if envelope["type"] == "alias" else None
    if previous and previous != envelope.get("anonymousId"):
        # The caller does not say whether it was a user's or a visitor's id: it is both.
        found.add("user_id", previous)
        found.add("anonymous_id", previous)
    found.add("anonymous_id", envelope.get("anonymousId"))
    found.add_external(told.get("externalIds"))
    device = told.get("device")
    if isinstance(device, dict) and isinstance(device.get("id"), str):
        found.add("device_id", _opaque(device["id"]))
    conversation = properties.get("conversation_id")
    if isinstance(conversation, str):
        found.add("conversation", _opaque(conversation))
    present = {(one["kind"], one["key"]) for one in found.entries}
    found.entries += [one for one in others if (one["kind"], one["key"]) not in present]
    if not found.entries:
        raise Refusal(
            MISSING_ID, "anonymousId", "expected userId, anonymousId or another identifier"
        )


def _opaque(value: str) -> str | None:
    value = value.strip()
    return value if len(value) <= 255 and value.isprintable() else None


def _denial(source, raw, consent, received_at: datetime, refusal: Refusal) -> Standard | None:
    """The decision alone, with whose it is; None if nobody can be told to be the one who denied."""
    found = Identifiers()
    try:
        envelope = parse(
            Envelope,
            {name: raw.get(name) for name in ("type", "messageId", "userId", "anonymousId")},
        )
    except Refusal:
        return None
    found.add("user_id", envelope.get("userId"))
    found.add("anonymous_id", envelope.get("anonymousId"))
    if not found.entries:
        return None
    body = {
        "ids": found.entries,
        "properties": {},
        "traits": {},
        "context": {},
        "purposes": [],
        "prove": False,
        "consent": consent,
    }
    return Standard(
        envelope.get("messageId") or str(uuid.uuid4()),
        envelope["type"],
        None,
        "consent",
        received_at,
        _dump(body),
        refusal,
    )


def _check_size(raw: dict) -> None:
    try:
        size = len(orjson.dumps(raw))
    except TypeError as error:
        raise Refusal(INVALID, None, "expected JSON: texts, numbers, lists and objects") from error
    if size > LARGEST_EVENT:
        raise Refusal(TOO_LARGE, None, f"found {size:,} bytes, expected at most {LARGEST_EVENT:,}")


def _dump(body: dict) -> str:
    dumped = orjson.dumps(body)
    if clean.suspicious(dumped):
        for part in ("properties", "traits", "context"):
            body[part] = clean.masked(body[part])
        dumped = orjson.dumps(body)
    return dumped.decode()
