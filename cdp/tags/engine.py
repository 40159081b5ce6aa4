"""Tags as events arrive: rules against the profiles of a batch, and only what changed is written.

What one person costs does not grow with their history: conditions look at the profile's bounded
lists and counters, and rules that the arriving kinds of events cannot change are passed over. The
number of statements does not grow with the batch, but for chunks of some hundreds of people.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cdp import consent
from cdp.events import KINDS, Event, EventRow
from cdp.tags import reasons, rules, store
from cdp.tags.facts import TOUCHED, Facts
from cdp.tags.findings import Finding
from cdp.tags.rules import Rule
from cdp.tags.tables import CheckRow, TagRow
from storage import bulk

logger = logging.getLogger(__name__)

MOST_SOURCES = 20
_ENOUGH_SOURCES = 5
# A tag that is confirmed is written again once a day at most, not with every event.
_REFRESH = timedelta(days=1)
_LOOKED_BACK = 50
_ALIKE = 10_000
_ANY = frozenset(KINDS)

_tags = TagRow.__table__
_checks = CheckRow.__table__
_STANDING = select(
    _tags.c.person_id, _tags.c.tag, _tags.c.version, _tags.c.sources, _tags.c.expires_at
).where(bulk.listed(_tags.c.person_id, "people"))
_DUE = select(_checks.c.person_id, _checks.c.due_at).where(
    bulk.listed(_checks.c.person_id, "people")
)

Touched = Mapping[int, tuple[dict, Sequence[Event]]]


class _Standing(NamedTuple):
    """What a tag that stands is asked about."""

    version: str
    sources: str
    expires_at: datetime | None

    @property
    def rests_on_few(self) -> bool:
        """Whether more events are noted as its sources."""
        return self.sources.count(",") < _ENOUGH_SOURCES - 1


@dataclass(slots=True)
class _Person:
    """One person's evaluation: what stands, and what is to change."""

    id: int
    facts: Facts
    purposes: Mapping[str, bool]
    tags: dict[str, _Standing]
    due_at: datetime | None
    put: dict[str, tuple[Rule, Finding, datetime]] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    next_at: datetime | None = None
    whole: bool = True


@dataclass
class _Writes:
    """The rows of a batch that are to be written."""

    inserts: list[dict] = field(default_factory=list)
    updates: list[dict] = field(default_factory=list)
    # Of tags whose rule is as it was: less is written, and no index of rules.
    confirmed: list[dict] = field(default_factory=list)
    drops: list[dict] = field(default_factory=list)


def evaluate(
    session: Session, person_id: int, body: dict, events: Sequence[Event], now: datetime
) -> int:
    """The same as `evaluate_many` for one person."""
    return evaluate_many(session, {person_id: (body, events)}, now)


def evaluate_many(
    session: Session,
    touched: Touched,
    now: datetime,
    in_force: Sequence[Rule] | None = None,
    whole: bool = False,
    states: Mapping[int, Mapping[str, bool]] | None = None,
) -> int:
    """Set, refresh and take away the tags of these people; how many rows changed.

    touched: person → (body, events that have just been folded into it). now: naive UTC.
    whole: look at every rule, whatever events arrived. states: `consent.states` of these people,
    where the caller has them. In the caller's write transaction.
    """
    if not touched:
        return 0
    in_force = _in_force(session, touched) if in_force is None else in_force
    if in_force is None:
        return 0
    states = consent.states(session, touched) if states is None else states
    people = _load(session, touched, states, now, whole)
    choice = _choice_of(in_force)
    for person in people:
        _judge(person, choice, now)
    fresh = [person.id for person in people if person.put.keys() - person.tags.keys()]
    objections = store.objections(session, fresh) if fresh else set()
    writes = _Writes()
    for person in people:
        _collect(session, person, objections, writes, now)
    _write(session, writes)
    _write_checks(session, people, now)
    return sum(map(len, (writes.inserts, writes.updates, writes.confirmed, writes.drops)))


def _in_force(session: Session, touched: Touched) -> tuple[Rule, ...] | None:
    """The rules; None while their files are broken, which must not stop events: everybody touched
    meanwhile is looked at by the sweep as soon as they are mended."""
    try:
        return rules.current()
    except rules.InvalidRules as error:
        logger.error(
            "tags.rules.invalid problems=%d first=%s", len(error.problems), error.problems[0]
        )
        store.check_soon(session, touched)
        return None


def _load(
    session: Session,
    touched: Touched,
    states: Mapping[int, Mapping[str, bool]],
    now: datetime,
    whole: bool,
) -> list[_Person]:
    wanted = sorted(touched)
    tags: dict[int, dict[str, _Standing]] = {}
    for person_id, tag, *standing in bulk.fetch(session, _STANDING, people=wanted):
        tags.setdefault(person_id, {})[tag] = _Standing(*standing)
    due = dict(bulk.fetch(session, _DUE, people=wanted))
    people = []
    for person_id, (body, events) in touched.items():
        one = _Person(
            person_id,
            Facts(body, events, now),
            states.get(person_id, {}),
            tags.get(person_id, {}),
            due.get(person_id),
        )
        one.whole = whole or one.due_at is None or one.due_at <= now
        people.append(one)
    return people


class _Choice:
    """Which rules to look at, worked out once for all who are alike in what counts."""

    def __init__(self, in_force: Sequence[Rule]):
        self.in_force = in_force
        self.by_tag = {rule.tag: rule for rule in in_force}
        self._known: dict[tuple, tuple[dict[str, Rule], frozenset[str]]] = {}

    def rules_for(self, person: _Person) -> list[Rule]:
        """Those that may hold, or of whose tags it has to be asked whether they still hold."""
        chosen, asked = self._of(person)
        tags = person.tags
        found = [
            rule
            for tag, rule in chosen.items()
            if (row := tags.get(tag)) is None or not _settled(person, rule, row)
        ]
        for tag, row in tags.items():
            rule = self.by_tag.get(tag)
            if rule is None or tag in chosen:
                continue
            if (
                person.whole
                or tag in asked
                or rule.version != row.version
                or (rule.of_any_event and row.rests_on_few)
            ) and not _settled(person, rule, row):
                found.append(rule)
        return found

    def _of(self, person: _Person) -> tuple[dict[str, Rule], frozenset[str]]:
        """The rules that may hold by tag, and the tags that the others may have to lose."""
        facts = person.facts
        if person.whole:
            alike = None, facts.met_kinds, facts.categories, facts.channels
        else:
            # Of a category that nothing arrived of the answer is what it was.
            categories = facts.arriving_categories
            alike = facts.arriving_kinds, facts.met_kinds, categories, facts.channels
        known = self._known.get(alike)
        if known is None:
            if len(self._known) >= _ALIKE:
                self._known.clear()
            known = self._known[alike] = self._choose(*alike)
        return known

    def _choose(self, kinds: frozenset[str] | None, met: frozenset[str], *there):
        chosen = {
            tag: rule
            for tag, rule in self.by_tag.items()
            if (kinds is None or rule.changed_by(kinds)) and rule.may_hold(met, *there)
        }
        # By which channels somebody came is what it was, unless they came anew.
        anew = kinds is None or TOUCHED in kinds
        asked = frozenset(
            tag
            for tag, rule in self.by_tag.items()
            if (anew and rule.channels is not None) or not rule.met_by(met)
        )
        return chosen, asked


def _settled(person: _Person, rule: Rule, row: _Standing) -> bool:
    """Whether nothing that has just arrived can change this tag: it stays until it expires, rests
    on events enough, and its time is not to be written again today."""
    return (
        rule.sticks
        and not person.whole
        and rule.version == row.version
        and not row.rests_on_few
        and person.purposes.get(rule.purpose, False)
        and row.expires_at > person.facts.now
        and row.expires_at + _REFRESH > person.facts.now + rule.expires
    )


def _choice_of(in_force: Sequence[Rule]) -> _Choice:
    """The choice for these rules, kept until others are in force."""
    global _choice
    if _choice.in_force is not in_force:
        _choice = _Choice(in_force)
    return _choice


_choice = _Choice(())


def _judge(person: _Person, choice: _Choice, now: datetime) -> None:
    if not person.purposes.get("analytics", False):
        person.drop = set(person.tags)
        return
    for rule in choice.rules_for(person):
        before = person.tags.get(rule.tag)
        if not person.purposes.get(rule.purpose, False):
            person.drop |= {rule.tag} if before is not None else set()
            continue
        finding = rule.when.check(person.facts)
        if finding.next_at is not None and finding.next_at > now:
            person.next_at = min(person.next_at or finding.next_at, finding.next_at)
        expires = min(finding.at or now, now) + rule.expires
        if finding.holds and expires > now:
            person.put[rule.tag] = (rule, finding, expires)
        elif before is not None and (
            before.version != rule.version or not rule.sticks or before.expires_at <= now
        ):
            person.drop.add(rule.tag)
    person.drop |= person.tags.keys() - choice.by_tag.keys()


def _collect(
    session: Session, person: _Person, objections: set, writes: _Writes, now: datetime
) -> None:
    for tag, (rule, finding, expires) in person.put.items():
        before = person.tags.get(tag)
        if before is None:
            if (person.id, tag) not in objections:
                sources = finding.seqs or _looked_up(session, person.id, rule, finding.at or now)
                row = _row(rule, finding, expires, sources)
                writes.inserts.append({"person_id": person.id, "tag": tag, "since": now, **row})
            continue
        same = before.version == rule.version
        later = expires >= before.expires_at + _REFRESH
        if same and not later and not (finding.seqs and before.rests_on_few):
            continue
        known = orjson.loads(before.sources)
        sources = sorted({*known, *finding.seqs})
        if same and not later and sources == known:
            continue
        here = {"person_id": person.id, "tag": tag}
        if same:
            kept = max(expires, before.expires_at)
            writes.confirmed.append({**here, **_evidence(rule, finding, kept, sources)})
        else:
            writes.updates.append({**here, **_row(rule, finding, expires, sources)})
    writes.drops += [{"person_id": person.id, "tag": tag} for tag in sorted(person.drop)]


def _row(rule: Rule, finding: Finding, expires: datetime, sources: Sequence[int]) -> dict:
    return {
        "rule": rule.tag,
        "version": rule.version,
        "purpose": rule.purpose,
        **_evidence(rule, finding, expires, sources),
    }


def _evidence(rule: Rule, finding: Finding, expires: datetime, sources: Sequence[int]) -> dict:
    return {
        "reason": reasons.render(rule.reasons[rules.CHINESE], finding.values),
        "quoted": orjson.dumps(reasons.quoted(finding.values, rule.quotes)).decode(),
        "sources": orjson.dumps(list(sources)[-MOST_SOURCES:]).decode(),
        "expires_at": expires,
    }


def _looked_up(session: Session, person_id: int, rule: Rule, at: datetime) -> list[int]:
    """The events behind a tag that rests on earlier ones: those of that very moment, or else the
    newest before it of the kinds that the rule looks at."""
    newest = (
        select(EventRow.seq, EventRow.kind, EventRow.occurred_at)
        .where(EventRow.person_id == person_id, EventRow.occurred_at <= at)
        .order_by(EventRow.occurred_at.desc())
        .limit(_LOOKED_BACK)
    )
    rows = session.execute(newest).all()
    exact = [row.seq for row in rows if row.occurred_at == at]
    wanted = (rule.kinds or _ANY) & _ANY or _ANY
    fitting = [row.seq for row in rows if row.kind in wanted]
    return sorted((exact or fitting)[:_ENOUGH_SOURCES])


def _write(session: Session, writes: _Writes) -> None:
    key = ("person_id", "tag")
    bulk.delete_rows(session, _tags, writes.drops, key)
    bulk.update_rows(session, _tags, writes.updates, key)
    bulk.update_rows(session, _tags, writes.confirmed, key)
    bulk.insert_rows(session, _tags, writes.inserts)


def _write_checks(session: Session, people: list[_Person], now: datetime) -> None:
    inserts, updates, drops = [], [], []
    for person in people:
        if person.next_at is None:
            if person.whole and person.due_at is not None:
                drops.append({"person_id": person.id})
        elif person.due_at is None:
            inserts.append({"person_id": person.id, "due_at": person.next_at})
        elif person.due_at <= now or person.next_at < person.due_at:
            # One that is too early costs a look and sets itself right; so later is not written.
            updates.append({"person_id": person.id, "due_at": person.next_at})
    bulk.delete_rows(session, _checks, drops, key=("person_id",))
    bulk.update_rows(session, _checks, updates, key=("person_id",))
    bulk.insert_rows(session, _checks, inserts)
