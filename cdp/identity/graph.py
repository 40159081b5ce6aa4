"""The part of the identity graph that a batch needs, held in memory and written back at its end.

People are read whole (all their identifiers), so what a join or a repair needs is there; nothing
here grows with the number of stored events, nor with the number of people.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy import and_, bindparam, or_, select, text, update
from sqlalchemy.orm import Session

from cdp.identity import rules
from cdp.identity.nodes import Ident, Link, NewIdent, pair_of
from cdp.identity.tables import IdentifierRow, LinkRow, MergeRow, PersonRow, SplitRow
from storage import bulk

_MANY = 5_000  # values in one IN list: SQLite takes 32,766 parameters a statement

# As tables: reading rows through their classes costs several times as much.
_idents = IdentifierRow.__table__
_links = LinkRow.__table__


_IDENT = (
    _idents.c.id,
    _idents.c.kind,
    _idents.c.key,
    _idents.c.person_id,
    _idents.c.shared,
    _idents.c.seen_with,
    _idents.c.last_link,
    _idents.c.first_seen,
    _idents.c.last_seen,
)
_LINK = (
    _links.c.pair,
    _links.c.a_id,
    _links.c.b_id,
    _links.c.a_kind,
    _links.c.b_kind,
    _links.c.position,
    _links.c.seq,
)
_BY_KEY = select(*_IDENT).where(
    _idents.c.kind == bindparam("kind"), bulk.listed(_idents.c.key, "keys")
)
_BY_NUMBER = select(*_IDENT).where(bulk.listed(_idents.c.id, "numbers"))
_BY_PERSON = select(*_IDENT).where(bulk.listed(_idents.c.person_id, "people"))
_SPLITS = select(SplitRow.__table__.c.a_id, SplitRow.__table__.c.b_id)
_BY_PAIR = select(*_LINK).where(bulk.listed(_links.c.pair, "pairs"))


def matches(ids: Iterable[tuple[str, str]]):
    """The condition that an identifier is one of (kind, key)."""
    by_kind: dict[str, list[str]] = {}
    for kind, key in ids:
        by_kind.setdefault(kind, []).append(key)
    return or_(
        *(
            and_(_idents.c.kind == kind, bulk.among(_idents.c.key, sorted(keys)))
            for kind, keys in sorted(by_kind.items())
        )
    )


class Graph:
    """Identifiers, people, links and splits as far as they were asked for."""

    def __init__(self, session: Session):
        self.session = session
        self.idents: dict[int, Ident] = {}
        self.by_key: dict[tuple[str, str], Ident] = {}
        self.members: dict[int, set[int]] = {}
        self.links: dict[int, Link] = {}
        self.around: dict[int, dict[int, Link]] = {}
        self.merges: list[dict] = []
        self._parted: dict[int, set[int]] | None = None
        self._whole: set[int] = set()
        self._new: dict[int, NewIdent] = {}
        self._fresh: dict[int, Link] = {}
        self._moved: dict[int, Link] = {}

    # -- reading

    def load_keys(self, ids: Iterable[tuple[str, str]]) -> None:
        """The identifiers among (kind, key) that are stored."""
        by_kind: dict[str, set[str]] = {}
        for kind, key in ids:
            if (kind, key) not in self.by_key:
                by_kind.setdefault(kind, set()).add(key)
        for kind, keys in sorted(by_kind.items()):
            self._take(bulk.fetch(self.session, _BY_KEY, kind=kind, keys=sorted(keys)))

    def load_idents(self, numbers: Iterable[int]) -> None:
        """The identifiers of these numbers."""
        wanted = sorted({one for one in numbers if one not in self.idents})
        if wanted:
            self._take(bulk.fetch(self.session, _BY_NUMBER, numbers=wanted))

    def load_people(self, people: Iterable[int]) -> None:
        """These people with all their identifiers."""
        wanted = {one for one in people if one not in self.members}
        for one in wanted:
            self.members[one] = set()
        rows = bulk.fetch(self.session, _BY_PERSON, people=sorted(wanted)) if wanted else ()
        for number in self._take(rows):
            self.members[self.idents[number].person].add(number)

    def load_pairs(self, pairs: Iterable[int]) -> None:
        """The links of these pairs that are stored."""
        wanted = sorted({one for one in pairs if one not in self.links})
        if wanted:
            self._hold(bulk.fetch(self.session, _BY_PAIR, pairs=wanted))

    def load_links(self, numbers: Iterable[int]) -> None:
        """The links of these identifiers that count: of each kind, the earliest."""
        wanted = [one for one in numbers if one not in self._whole and not self.idents[one].shared]
        self._whole.update(wanted)
        few = [one for one in wanted if not self._many(one)]
        for part in _parts(few):
            either = or_(bulk.among(_links.c.a_id, part), bulk.among(_links.c.b_id, part))
            self._hold(self.session.execute(select(*_LINK).where(either)))
        for one in wanted:
            if self._many(one):
                self._load_earliest(one)

    def _many(self, number: int) -> bool:
        return any(count > rules.CROWD for count in self.idents[number].seen_with.values())

    def _load_earliest(self, number: int) -> None:
        ends = ((_links.c.a_id, _links.c.b_kind), (_links.c.b_id, _links.c.a_kind))
        for kind in self.idents[number].seen_with:
            for end, other_kind in ends:
                found = select(*_LINK).where(end == number, other_kind == kind)
                found = found.order_by(_links.c.position).limit(rules.CROWD)
                self._hold(self.session.execute(found))

    @property
    def parted(self) -> dict[int, set[int]]:
        """Identifier → those it must not be of one person with. Made by hand, hence few."""
        if self._parted is None:
            self._parted = {}
            for a, b in bulk.fetch(self.session, _SPLITS):
                self.part(a, b)
        return self._parted

    def part(self, a: int, b: int) -> None:
        """Hold two identifiers apart from now on (in memory; the caller writes the row)."""
        self.parted.setdefault(a, set()).add(b)
        self.parted.setdefault(b, set()).add(a)

    def _take(self, rows: Iterable[tuple]) -> list[int]:
        numbers = []
        for number, kind, key, person, shared, seen_with, *times in rows:
            numbers.append(number)
            if number not in self.idents:
                ident = Ident(number, kind, key, person, person, shared, _counts(seen_with), *times)
                self.idents[number] = self.by_key[kind, key] = ident
        return numbers

    def _hold(self, rows: Iterable[tuple]) -> None:
        for pair, *link in rows:
            if pair not in self.links:
                self._keep(Link(*link))

    def _keep(self, link: Link) -> None:
        self.links[pair_of(link.a, link.b)] = link
        self.around.setdefault(link.a, {})[link.b] = link
        self.around.setdefault(link.b, {})[link.a] = link

    # -- changing

    def create(self, fresh: list[NewIdent]) -> None:
        """Take up identifiers that are not stored yet; each is a person of its own at first."""
        if not fresh:
            return
        for number, one in zip(self._numbers(len(fresh)), fresh, strict=True):
            ident = Ident(
                id=number,
                kind=one.kind,
                key=one.key,
                person=number,
                stored=None,
                shared=False,
                seen_with={},
                last_link="",
                first_seen=one.at,
                last_seen=one.at,
            )
            self.idents[number] = self.by_key[one.kind, one.key] = ident
            self.members[number] = {number}
            self._whole.add(number)
            self._new[number] = one

    def _numbers(self, count: int) -> list[int]:
        """Numbers that no identifier has had; nobody else takes any meanwhile (`storage.write`)."""
        if self.session.get_bind().dialect.name == "sqlite":
            given = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
            last = self.session.scalar(given, {"table": _idents.name}) or 0
            return list(range(last + 1, last + 1 + count))
        given = text(
            "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
        )
        return list(self.session.scalars(given, {"table": _idents.name, "count": count}))

    def add_link(self, a: Ident, b: Ident, place: str, seq: int) -> None:
        """A pair that was never seen together before."""
        a, b = sorted((a, b), key=lambda one: one.id)
        link = Link(a.id, b.id, a.kind, b.kind, place, seq)
        self._keep(link)
        self._fresh[pair_of(a.id, b.id)] = link
        for one, other in ((a, b), (b, a)):
            if not one.shared:
                one.seen_with[other.kind] = one.seen_with.get(other.kind, 0) + 1
                one.last_link = max(one.last_link, place)
                one.changed = True

    def move_link(self, link: Link, place: str, seq: int) -> None:
        """A pair that turns out to have been seen together earlier, or with proof."""
        link.place, link.seq = place, seq
        pair = pair_of(link.a, link.b)
        if pair not in self._fresh:
            self._moved[pair] = link

    def assign(self, person: int, numbers: Iterable[int]) -> None:
        """Give these identifiers to that person; their people must all have been loaded."""
        target = self.members.setdefault(person, set())
        for number in numbers:
            ident = self.idents[number]
            if ident.person != person:
                self.members[ident.person].discard(number)
                ident.person, ident.changed = person, True
            target.add(number)

    def merged(self, winner: int, loser: int, edge: rules.Edge) -> None:
        """Note that two people became one, and by which link."""
        _, left, right = edge
        evidence = self.links[pair_of(left, right)].seq
        self.merges.append(
            {
                "winner": winner,
                "loser": loser,
                "left_id": left,
                "right_id": right,
                "evidence": evidence,
            }
        )

    # -- writing back

    def save(self, now: datetime) -> None:
        """Write what changed; `stored` still tells where the identifiers were before."""
        self._save_idents()
        self._save_links()
        if self.merges:
            rows = [{"at": now, "undone_at": None, **one} for one in self.merges]
            bulk.insert_rows(self.session, MergeRow.__table__, rows)
        self._save_people()

    def _save_idents(self) -> None:
        fresh, changed, seen = [], [], []
        for one in self.idents.values():
            new = self._new.get(one.id)
            if new is None and not one.changed:
                if one.stretched:
                    times = {"first_seen": one.first_seen, "last_seen": one.last_seen}
                    seen.append({"id": one.id, **times})
                continue
            row = {
                "id": one.id,
                "person_id": one.person,
                "shared": one.shared,
                "seen_with": orjson.dumps(one.seen_with).decode(),
                "last_link": one.last_link,
                "first_seen": one.first_seen,
                "last_seen": one.last_seen,
            }
            if new is None:
                changed.append(row)
            else:
                named = {"kind": one.kind, "key": one.key, "shown": new.shown, "enc": new.enc}
                fresh.append(row | named)
        bulk.insert_rows(self.session, _idents, fresh)
        bulk.update_rows(self.session, _idents, changed, key=("id",))
        # What no index is of is written for less.
        bulk.update_rows(self.session, _idents, seen, key=("id",))
        self._new.clear()

    def _save_links(self) -> None:
        if self._fresh:
            rows = [
                {
                    "pair": pair,
                    "a_id": link.a,
                    "b_id": link.b,
                    "a_kind": link.a_kind,
                    "b_kind": link.b_kind,
                    "position": link.place,
                    "seq": link.seq,
                }
                for pair, link in self._fresh.items()
            ]
            bulk.insert_rows(self.session, _links, rows)
        if self._moved:
            rows = [
                {"pair": pair, "position": link.place, "seq": link.seq}
                for pair, link in self._moved.items()
            ]
            bulk.update_rows(self.session, _links, rows, key=("pair",))

    def _save_people(self) -> None:
        """A row for everyone who stands alone now; those who are part of another point there."""
        before = {one.stored for one in self.idents.values() if one.stored is not None}
        heads = {one for one, members in self.members.items() if members}
        rows = [
            {"id": one, "created_at": self.idents[one].first_seen, "minor": False}
            for one in sorted(heads - before)
        ]
        back = [one["id"] for one in rows if self.idents[one["id"]].stored is not None]
        for part in _parts(back):
            known = set(
                self.session.scalars(select(PersonRow.id).where(bulk.among(PersonRow.id, part)))
            )
            rows = [one for one in rows if one["id"] not in known]
            again = (
                update(PersonRow).where(bulk.among(PersonRow.id, known)).values(merged_into=None)
            )
            self.session.execute(again, execution_options={"synchronize_session": False})
        bulk.insert_rows(self.session, PersonRow.__table__, rows)
        for one in sorted(before & self.members.keys() - heads):
            self._into(one, self.idents[one].person)

    def _into(self, loser: int, winner: int) -> None:
        was = select(PersonRow.minor).where(PersonRow.id == loser)
        minor = self.session.scalars(was).first()
        for number, values in ((loser, {"merged_into": winner}), (winner, {"minor": True})):
            if number == loser or minor:
                self.session.execute(
                    update(PersonRow).where(PersonRow.id == number).values(**values),
                    execution_options={"synchronize_session": False},
                )


def _counts(seen_with: str) -> dict[str, int]:
    # Most were seen with one other, or none.
    return dict(_counted(seen_with))


@lru_cache(maxsize=1_000)
def _counted(seen_with: str) -> dict[str, int]:
    return orjson.loads(seen_with)


def _parts(values: Iterable) -> Iterable[list]:
    """The values, once each, in lists of a length that one statement takes."""
    listed = list(dict.fromkeys(values))
    for start in range(0, len(listed), _MANY):
        yield listed[start : start + _MANY]
