"""What the identity graph is made of, in memory: identifiers, and links between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Ident:
    """An identifier as it stands now; `stored` is the person the database has for it."""

    id: int
    kind: str
    key: str
    person: int
    stored: int | None
    shared: bool
    seen_with: dict[str, int]
    last_link: str
    first_seen: datetime
    last_seen: datetime
    changed: bool = False
    stretched: bool = False

    @property
    def alone_with_one(self) -> bool:
        """Whether it was seen with one other identifier only."""
        return not self.shared and sum(self.seen_with.values()) == 1

    def seen(self, at: datetime) -> None:
        """Stretch the time it was seen in."""
        if at > self.last_seen:
            self.last_seen, self.stretched = at, True
        elif at < self.first_seen:
            self.first_seen, self.stretched = at, True


@dataclass(slots=True)
class Link:
    """Two identifiers (a < b) seen together; `place` is the earliest position."""

    a: int
    b: int
    a_kind: str
    b_kind: str
    place: str
    seq: int

    def kind_beside(self, number: int) -> str:
        """The kind of the identifier at the other end."""
        return self.b_kind if number == self.a else self.a_kind


@dataclass(slots=True)
class NewIdent:
    """An identifier that is not stored yet."""

    kind: str
    key: str
    shown: str | None
    enc: str | None
    at: datetime


def pair_of(a: int, b: int) -> int:
    """Both numbers in one, the smaller first."""
    return (min(a, b) << 31) | max(a, b)
