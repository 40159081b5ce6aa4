"""Where a conversation came from, what was learnt in it, and what is known of who is talking.

Every channel and the actions use these calls; what they note goes through the intake as events of
source `chat`, so identity, consent, profile and tags follow by themselves.

    note_entry      a conversation begins: its channel, and where its shopper came from
    note_tags       what was spoken of; rules make tags of it
    note_traits     what the shopper told of themselves (a size, a language)
    known           what the profile allows an answer to use

Nothing here raises, and nothing keeps an answer waiting (`connectors.behind`): if the database or
the platform is away the talk goes on, saying less, and the log says so once.

What the law asks for is asked of the one gate (`cdp.consent`): where a shopper came from and what
they looked at want consent to analytics, what makes an answer personal wants personalisation.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from cdp import consent, identity, profiles, sources
from cdp.intake.accept import accept
from connectors.behind import Behind
from storage import read

MEASURES = ("foot_length", "height", "weight")
_REMEMBERED = 5_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """What an answer may use of a profile.

    language: the one last used ("zh", "en" …); orders: the newest first, {"id", "at",
    "total_cents", "products"}. Only with consent to personalisation: measures (foot_length,
    height, in cm, and weight in kg), measured_for ("men", "women", "unisex" or None), and viewed:
    ids of products looked at, the newest first.
    """

    language: str | None = None
    orders: tuple[dict, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    measured_for: str | None = None
    viewed: tuple[str, ...] = ()


NOTHING = Known()


def ids_of(
    conversation: str, shopper: str | None = None, anonymous_id: str | None = None
) -> list[tuple[str, str]]:
    """The identifiers of who is talking, the strongest first."""
    named = (("user_id", shopper), ("conversation", conversation), ("anonymous_id", anonymous_id))
    return [(kind, key) for kind, key in named if key]


def note_entry(
    conversation: str,
    channel: str,
    touch: Mapping[str, Any] | None = None,
    shopper: str | None = None,
    anonymous_id: str | None = None,
    purposes: Iterable[str] | None = None,
    identifier: tuple[str, str] | None = None,
) -> None:
    """Note that a conversation began, or goes on knowing more; the same is noted once.

    identifier: what a vendor knows its shopper by, as (kind, value): an openid, a Slack id.

    touch: {"first", "last"} or one arrival alone, with utm_source, utm_medium, utm_campaign,
    utm_term, utm_content, clickid, clickid_name, qr_scene, referrer (host), page, at (ISO 8601).
    purposes: what was allowed where the conversation began. Without analytics, there or at the
    gate, neither the touch nor the anonymous id is kept.
    """
    allowed = None if purposes is None else frozenset(purposes)
    entry = _Entry(channel, touch and dict(touch), shopper, anonymous_id, allowed, identifier)
    if _noted.seen(conversation, entry):
        return
    _platform.note(lambda: _entered(conversation, entry), lambda: _noted.forget(conversation))


def note_tags(
    conversation: str,
    channel: str,
    shopper: str | None = None,
    *,
    category: str | None = None,
    brand: str | None = None,
    product: str | None = None,
    name: str | None = None,
) -> None:
    """Note what was spoken of, with consent to analytics: a product, or a kind of them (ids)."""
    about = {"category": category, "brand": brand, "product_id": product, "name": name}
    about = {key: value for key, value in about.items() if value}
    if not about:
        return
    event = "Product Viewed" if product else "Products Searched"
    ids = ids_of(conversation, shopper)
    told = {**_event(conversation, channel, shopper), "type": "track", "event": event}
    told["properties"] |= about
    _platform.note(lambda: [told] if _allowed(ids, "analytics") else [])


def note_traits(
    conversation: str, channel: str, traits: Mapping[str, Any], shopper: str | None = None
) -> None:
    """Note what the shopper told of themselves, with consent to personalisation."""
    if not traits:
        return
    ids = ids_of(conversation, shopper)
    told = {**_event(conversation, channel, shopper), "type": "identify", "traits": dict(traits)}
    _platform.note(lambda: [told] if _allowed(ids, "personalisation") else [])


def known(conversation: str, shopper: str | None = None) -> Known:
    """What the profile allows to use for whoever is talking; nothing if it takes too long."""
    ids = ids_of(conversation, shopper)
    return _platform.ask(lambda: _known(ids), NOTHING)


def settle(seconds: float = 5.0) -> None:
    """Wait until what was noted is written: for the end of a process, and for tests."""
    _platform.settle(seconds)


# What is noted and asked.


@dataclass(frozen=True)
class _Entry:
    """What is told of a conversation's beginning, as `note_entry` is given it."""

    channel: str
    touch: dict[str, Any] | None
    shopper: str | None
    anonymous_id: str | None
    purposes: frozenset[str] | None
    identifier: tuple[str, str] | None

    @property
    def mark(self) -> str:
        """The same in every process for what is the same."""
        parts = {**vars(self), "purposes": sorted(self.purposes or ())}
        said = json.dumps(list(parts.values()), sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def _entered(conversation: str, entry: _Entry) -> list[dict]:
    named = [entry.identifier] if entry.identifier else []
    ids = [*ids_of(conversation, entry.shopper), *named]
    told = entry.purposes is not None
    analytics = "analytics" in entry.purposes if told else _allowed(ids, "analytics")
    common = _event(conversation, entry.channel, entry.shopper)
    # The talk's own events (`cdp.talk`) say when it started: this says whose it is, and from where.
    number = f"entry:{entry.mark}:{_short(conversation)}"
    joined = {**common, "type": "identify", "messageId": number}
    joined["context"] = {
        "externalIds": [
            {"id": value, "type": kind} for kind, value in [("conversation", conversation), *named]
        ]
    }
    if analytics and entry.anonymous_id:
        joined["anonymousId"] = entry.anonymous_id
    arrivals = _arrivals(entry.touch) if analytics else []
    return [joined, *(_arrival(common, one, conversation) for one in arrivals)]


def _arrivals(touch: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The arrivals told, each once."""
    if not touch:
        return []
    several = [touch[name] for name in ("first", "last") if touch.get(name)]
    found = several or [touch]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def _arrival(common: dict, touch: Mapping[str, Any], conversation: str) -> dict:
    said = json.dumps(touch, sort_keys=True, default=str)
    mark = hashlib.sha256(said.encode()).hexdigest()[:24]
    campaign = {
        name: touch.get(key)
        for name, key in (
            ("source", "utm_source"),
            ("medium", "utm_medium"),
            ("name", "utm_campaign"),
            ("term", "utm_term"),
            ("content", "utm_content"),
        )
        if touch.get(key)
    }
    context: dict[str, Any] = {"campaign": campaign} if campaign else {}
    if touch.get("clickid"):
        context["click"] = {"id": touch["clickid"], "name": touch.get("clickid_name")}
    if touch.get("qr_scene"):
        context["qr_scene"] = touch["qr_scene"]
    page = {"path": touch.get("page") or "/"}
    if touch.get("referrer"):
        page["referrer"] = f"https://{touch['referrer']}/"
    at = touch.get("at") or _time()
    return {
        **common,
        "type": "track",
        # Not a page again: the page itself is told by whoever showed it.
        "event": "Campaign Arrived",
        "messageId": f"touch:{mark}:{_short(conversation)}",
        "timestamp": at,
        "context": {**context, "page": page},
    }


def _event(conversation: str, channel: str, shopper: str | None) -> dict:
    told = {
        "messageId": str(uuid.uuid4()),
        "timestamp": _time(),
        "properties": {"conversation_id": conversation, "channel": channel},
    }
    return {**told, "userId": shopper} if shopper else told


def _send(events: list[dict]) -> None:
    source = sources.ensure("chat", **sources.BUILTIN["chat"])
    for verdict in accept(source, events):
        if verdict.status == "refused":
            logger.warning("provenance.refused code=%s field=%s", verdict.code, verdict.field)


def _allowed(ids: list[tuple[str, str]], purpose: str) -> bool:
    with read() as session:
        return consent.allowed_ids(session, ids, purpose)


def _known(ids: list[tuple[str, str]]) -> Known:
    with read() as session:
        person = identity.person_of(session, ids)
        if person is None or not consent.allowed(session, person, "service"):
            return NOTHING
        body = profiles.get(session, person) or {}
        personal = consent.allowed(session, person, "personalisation")
    orders = list(reversed((body.get("orders") or {}).get("recent") or []))
    orders.sort(key=lambda order: order.get("at") or "", reverse=True)
    traits = (body.get("traits") or {}) if personal else {}
    viewed = (body.get("viewed") or []) if personal else []
    newest = sorted(viewed, key=lambda one: one.get("at") or "", reverse=True)
    return Known(
        language=body.get("language"),
        orders=tuple(orders),
        measures={name: float(traits[name]) for name in MEASURES if _is_number(traits.get(name))},
        measured_for=traits.get("measured_for"),
        viewed=tuple(dict.fromkeys(one["id"] for one in newest if one.get("id"))),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(conversation: str) -> str:
    return hashlib.sha256(conversation.encode()).hexdigest()[:24]


def _time() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class _Noted:
    """What was noted last of each of the newest conversations."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def seen(self, conversation: str, entry: _Entry) -> bool:
        """Whether the same was noted last; remembers it."""
        with self._lock:
            same = self._entries.pop(conversation, None) == entry
            self._entries[conversation] = entry
            if len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)
            return same

    def forget(self, conversation: str) -> None:
        """It has to be noted again."""
        with self._lock:
            self._entries.pop(conversation, None)


_noted = _Noted()
_platform = Behind("provenance", _send)
