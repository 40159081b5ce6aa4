"""Who is one person: pure rules over a set of links, whatever order they became known in.

The people are what remains when all links are taken up in their canonical order (`position`):
proven ones first, then by time; a link joins the two groups it touches if `may_join` lets it.
Nothing here depends on the order of arrival, and nothing touches a database.

- A blocked value (empty, null, -1, zeros, anonymous …) identifies nobody.
- A person has one user_id (more only by proof: an alias, or a trusted source that vouches for
  both ids), and at most five identifiers of each kind; a sixth stays outside.
- Two people who both have a user_id are not joined without proof.
- An identifier seen with a crowd (a kiosk's device id, a shop's own phone number) joins nobody;
  of a user_id's links to one kind, the twenty earliest count.
- Two identifiers that were parted by hand are never of one person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

# From the strongest: an event belongs to the person of its strongest identifier.
KINDS = (
    "user_id",
    "unionid",
    "openid",
    "external_userid",
    "slack_id",
    "phone",
    "email",
    "conversation",
    "anonymous_id",
    "device_id",
)
STRENGTH = {kind: place for place, kind in enumerate(KINDS)}
# These name a browser, a device or a talk, which several people may share.
WEAK = frozenset({"conversation", "anonymous_id", "device_id"})
PER_PERSON = 5
CROWD = 20

BLOCKED = frozenset(
    {"", "null", "none", "nil", "undefined", "anonymous", "unknown", "nan", "n/a", "na", "guest"}
    | {"nobody", "-1", "(null)", "(none)", "[object object]"}
    # The android_id that a whole series of devices was sold with.
    | {"9774d56d682e549c"}
)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_ZEROS = re.compile(r"[0\-_.:\s]*")


@lru_cache(maxsize=20_000)
def usable(kind: str, key: str) -> bool:
    """Whether that value can say who somebody is."""
    text = unicodedata.normalize("NFKC", key).strip().casefold()
    return text not in BLOCKED and _ZEROS.fullmatch(text) is None


def by_strength(ids: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The usable ones among (kind, key), once each, the strongest first."""
    known = dict.fromkeys([(kind, key) for kind, key in ids if usable(kind, key)])
    if len(known) < 2:
        return list(known)
    return sorted(known, key=lambda one: STRENGTH.get(one[0], len(KINDS)))


def is_proof(prove: bool, kind: str, other: str) -> bool:
    """Whether a link proves that both are one person: never by what several people may share."""
    return prove and kind not in WEAK and other not in WEAK


def position(proof: bool, at: datetime, source_id: int, message_id: str, place: int) -> str:
    """A link's place in the canonical order, as digits of one width that sort as text anywhere.

    Proven links come first, then the earlier; two at the same microsecond are told apart by a hash
    of source and message, and those of one event by their place in it.
    """
    name = f"{source_id}|{message_id}".encode()
    tie = int.from_bytes(blake2b(name, digest_size=8).digest(), "big") >> 1
    return f"{opening(proof, at)}{tie:019d}{place:02d}"


def opening(proof: bool, at: datetime) -> str:
    """The digits with which positions of that moment open."""
    return f"{0 if proof else 1}{(at - _EPOCH) // _MICROSECOND:017d}"


def proven(place: str) -> bool:
    """Whether the link at that position is a proven one."""
    return place.startswith("0")


def crowded(kind: str, seen_with: Mapping[str, int]) -> bool:
    """Whether an identifier of that kind was seen with so many that it says nothing any more."""
    if kind in WEAK:
        return any(count > CROWD for count in seen_with.values())
    return kind != "user_id" and seen_with.get("user_id", 0) > CROWD


@dataclass(slots=True)
class Group:
    """Identifiers held to be one person so far: their numbers, how many of each kind."""

    ids: list[int]
    kinds: dict[str, int] = field(default_factory=dict)


def may_join(one: Group, other: Group, proof: bool, parted: Mapping[int, set[int]]) -> bool:
    """Whether the rules let a link make one person of two groups."""
    if one.kinds.get("user_id") and other.kinds.get("user_id") and not proof:
        return False
    for kind, count in one.kinds.items():
        if count + other.kinds.get(kind, 0) > PER_PERSON and kind in other.kinds:
            return False
    if not parted:
        return True
    inside = set(other.ids)
    return not any(parted.get(number, _NOBODY) & inside for number in one.ids)


_NOBODY: frozenset[int] = frozenset()


def join(one: Group, other: Group) -> Group:
    """Both groups as one; the longer list is kept and grows."""
    if len(one.ids) < len(other.ids):
        one, other = other, one
    one.ids.extend(other.ids)
    for kind, count in other.kinds.items():
        one.kinds[kind] = one.kinds.get(kind, 0) + count
    return one


Edge = tuple[str, int, int]


def replay(
    kinds: Mapping[int, str], links: Sequence[Edge], parted: Mapping[int, set[int]]
) -> tuple[dict[int, Group], list[Edge]]:
    """The people that the links make of the identifiers.

    kinds: identifier's number → its kind; links: (position, a, b) in any order, both ends known.
    Gives each identifier's group, and the links that joined two groups.
    """
    groups = {number: Group([number], {kind: 1}) for number, kind in kinds.items()}
    joins = []
    for edge in sorted(links):
        place, a, b = edge
        one, other = groups[a], groups[b]
        if one is other or not may_join(one, other, proven(place), parted):
            continue
        joined = join(one, other)
        absorbed = other if joined is one else one
        for number in absorbed.ids:
            groups[number] = joined
        joins.append(edge)
    return groups, joins


def evidence(joins: Sequence[Edge], start: int, end: int) -> Edge:
    """The link that first brought two identifiers of one group together: the last one on the way
    between them."""
    around: dict[int, list[Edge]] = {}
    for edge in joins:
        around.setdefault(edge[1], []).append(edge)
        around.setdefault(edge[2], []).append(edge)
    latest: dict[int, Edge | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for edge in around.get(here, ()):
            there = edge[2] if edge[1] == here else edge[1]
            if there not in latest:
                so_far = latest[here]
                latest[there] = edge if so_far is None or edge > so_far else so_far
                waiting.append(there)
    return latest[end]
