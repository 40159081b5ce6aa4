"""The one gate: what each person allows. No consent means no.

`consents` is the history: a row for each decision of an identifier, with its purposes, the text's
version, time and evidence. `consent_states` holds in a row what each identifier says now by
purpose, scope and source, so that asking costs the same however long the history is.
`cdp.consent_rules` says what follows from them.

`service` rests on the contract with the shopper (PIPL Art. 13) and is allowed to everybody but
those whose data is being, or has been, erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from cdp import consent_store as store
from cdp import suppression, withdrawal
from cdp.consent_rules import (
    ALL,
    ASSUMED,
    BY_CHANNEL,
    CARRIED,
    EXPLICIT,
    GUARDIAN,
    OPTIONAL,
    PURPOSES,
    SOURCES,
    person_allows,
)
from cdp.consent_store import ConsentRow, ConsentStateRow, Told
from storage import utc_now

__all__ = [
    "ALL",
    "ASSUMED",
    "CARRIED",
    "EXPLICIT",
    "GUARDIAN",
    "OPTIONAL",
    "PURPOSES",
    "ConsentRow",
    "ConsentStateRow",
]

# Of the texts that say what each purpose is for: who agreed to others is asked again.
TEXT_VERSION = "2026-12"
_IN_PERSON = (EXPLICIT, GUARDIAN)
FRESH = timedelta(hours=1)

Ids = Sequence[tuple[str, str]]


class NotAllowed(Exception):
    """This person does not allow that purpose (on that channel)."""


@dataclass(frozen=True)
class Decision:
    """Purposes granted or denied for identifiers; see `record` for the fields."""

    ids: Ids
    purposes: Iterable[str]
    granted: bool
    channel: str
    evidence: str
    at: datetime | None = None
    source: str = EXPLICIT
    scope: str | None = None
    text_version: str = TEXT_VERSION


def record(
    session,
    ids: Ids,
    purposes: Iterable[str],
    granted: bool,
    channel: str,
    evidence: str,
    at: datetime | None = None,
    explicit: bool = True,
    source: str | None = None,
    scope: str | None = None,
) -> None:
    """Record a decision in the caller's write transaction; withdrawals take effect with it.

    ids: (kind, key) pairs. An explicit decision is recorded for all identifiers of their people.
    channel: where it was made. evidence: which message, event or form says so (no personal data).
    at: when it was made, naive UTC. source: "explicit", "guardian", "carried" or "assumed".
    scope: the one channel it is for, or "all"; unless given, a grant of marketing is for its own
    channel, and everything else for all.

    Raises:
        ValueError: an unknown purpose or source.
    """
    made_by = source or (EXPLICIT if explicit else CARRIED)
    record_many(
        session, [Decision(ids, tuple(purposes), granted, channel, evidence, at, made_by, scope)]
    )


def record_many(session, decisions: Iterable[Decision]) -> list[Decision]:
    """Record decisions, of many people, with a number of statements that does not grow with them.

    Gives them back. What a browser or a source repeats of a grant within an hour is not written
    again; such a one is given back with the time that stands.

    Raises:
        ValueError: an unknown purpose or source.
    """
    decisions = [_checked(decision) for decision in decisions]
    _welcome_back(session, decisions)
    about = _about(session, decisions)
    known = store.says_of(session, set().union(*about))
    history, changed, denied = [], set(), set()
    stand = []
    for decision, ids in zip(decisions, about, strict=True):
        at, in_person = decision.at or utc_now(), decision.source in _IN_PERSON
        places = _places(decision)
        since = at
        for identifier in sorted(ids):
            says = known.setdefault(identifier, {})
            told = []
            for place in places:
                newest = says.get(place)
                if newest is not None and _repeats(decision, at, newest):
                    since = min(since, newest[1])
                    continue
                flips = newest is None or newest[0] != decision.granted
                if in_person or flips:
                    told.append(place)
                if newest is None or _later(decision.granted, at, newest):
                    says[place] = (decision.granted, at)
                    changed.add(identifier)
                    if flips and not decision.granted:
                        denied.add((identifier, place[0]))
            if told:
                history.append(_row(decision, identifier, told, at))
        stand.append(decision if since == at else replace(decision, at=since))
    store.save(session, {one: known[one] for one in changed}, history)
    if denied:
        _withdraw(session, denied)
    return stand


def _repeats(decision: Decision, at: datetime, newest: tuple[bool, datetime]) -> bool:
    """Whether a decision says nothing but what stands already, and has for less than an hour."""
    if decision.source in _IN_PERSON or not decision.granted or not newest[0]:
        return False
    return abs(at - newest[1]) < FRESH


def allowed(session, person_id: int, purpose: str, channel: str | None = None) -> bool:
    """Whether a person allows a purpose, on that channel or (without one) on any.

    Raises:
        ValueError: an unknown purpose.
    """
    _check_purposes((purpose,))
    facts, minors, erasing = store.facts(session, [person_id])
    if person_id not in facts or person_id in erasing:
        return False
    if purpose == "service":
        return True
    return person_allows(facts[person_id], purpose, channel, person_id in minors)


def allowed_ids(session, ids: Ids, purpose: str, channel: str | None = None) -> bool:
    """The same for identifiers, of which identity may not know whose they are yet."""
    _check_purposes((purpose,))
    mine, persons = store.of_speaker(session, ids)
    _, minors, erasing = store.facts(session, persons)
    if erasing:
        return False
    if purpose == "service":
        return True
    merged = store.facts_said(session, mine)
    return person_allows(merged, purpose, channel, bool(minors))


def states(session, person_ids: Iterable[int]) -> dict[int, dict[str, bool]]:
    """For each person each purpose: whether it is allowed (on any channel)."""
    wanted = set(person_ids)
    # Most people never denied anything: whatever was granted they allow.
    said, doubtful = store.grants(session, wanted)
    found = {person_id: dict(_allowing(said.get(person_id))) for person_id in wanted - doubtful}
    facts, minors, erasing = store.facts(session, doubtful)
    for person_id in doubtful:
        known = person_id in facts and person_id not in erasing
        mine = facts[person_id] if known else []
        answer = {
            purpose: bool(mine) and person_allows(mine, purpose, None, person_id in minors)
            for purpose in OPTIONAL
        }
        found[person_id] = {"service": known, **answer}
    return found


@lru_cache(maxsize=1_000)
def _allowing(granted: frozenset[str] | None) -> dict[str, bool]:
    """The state of somebody who never denied anything; None: of nobody known."""
    return {"service": granted is not None} | {one: one in (granted or ()) for one in OPTIONAL}


def require(session, person_id: int, purpose: str, channel: str | None = None) -> None:
    """Go on only with consent.

    Raises:
        NotAllowed: there is none.
    """
    if not allowed(session, person_id, purpose, channel):
        where = f" on channel {channel!r}" if channel else ""
        raise NotAllowed(f"person {person_id} does not allow {purpose!r}{where}")


def after_merge(session, person_ids: Iterable[int]) -> None:
    """Take back what people who have become one allow no longer: denial wins a merge."""
    facts, minors, _ = store.facts(session, person_ids)
    for purpose in OPTIONAL:
        # Where nobody ever granted anything, nothing was derived.
        ended = [
            person_id
            for person_id, mine in facts.items()
            if any(fact.granted and fact.purpose == purpose for fact in mine)
            and not person_allows(mine, purpose, None, person_id in minors)
        ]
        withdrawal.apply(session, ended, purpose)


def history_of(session, ids: Ids) -> list[Told]:
    """All decisions of these identifiers, each by purpose, the oldest first."""
    return store.history(session, ids)


def _checked(decision: Decision) -> Decision:
    _check_purposes(decision.purposes)
    if decision.source not in SOURCES:
        raise ValueError(f"consent source {decision.source!r}: expected one of {SOURCES}")
    return decision


def _check_purposes(purposes: Iterable[str]) -> None:
    unknown = [purpose for purpose in purposes if purpose not in PURPOSES]
    if unknown:
        raise ValueError(f"purpose {unknown[0]!r}: expected one of {PURPOSES}")


def _places(decision: Decision) -> tuple[tuple[str, str, str], ...]:
    """(purpose, scope, source) of a decision, in the order of `PURPOSES`."""
    own = decision.scope or (decision.channel if decision.granted else ALL)
    return _placed(tuple(decision.purposes), own[:32], decision.source)


@lru_cache(maxsize=1_000)
def _placed(purposes: tuple[str, ...], scope: str, source: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (purpose, scope if purpose in BY_CHANNEL else ALL, source)
        for purpose in PURPOSES
        if purpose in purposes
    )


def _row(
    decision: Decision,
    identifier: tuple[str, str],
    places: list[tuple[str, str, str]],
    at: datetime,
) -> dict:
    """A row of the history."""
    return {
        "kind": identifier[0],
        "key": identifier[1],
        "purposes": " ".join(purpose for purpose, _, _ in places),
        "channel": decision.channel[:32],
        "scope": next((scope for _, scope, _ in places if scope != ALL), ALL),
        "granted": decision.granted,
        "text_version": decision.text_version,
        "evidence": decision.evidence[:255],
        "source": decision.source,
        "at": at,
    }


def _later(granted: bool, at: datetime, newest: tuple[bool, datetime]) -> bool:
    # Of two decisions at the same moment the denial counts.
    return (at, not granted) > (newest[1], not newest[0])


def _about(session, decisions: list[Decision]) -> list[set[tuple[str, str]]]:
    """The identifiers each is recorded for; said in person, all of the speaker's."""
    spoken = {one for each in decisions if each.source in _IN_PERSON for one in each.ids}
    persons = store.persons_of(session, spoken) if spoken else {}
    owned = store.identifiers_by_person(session, set(persons.values())) if persons else {}
    return [
        store.belonging(each.ids, persons, owned)[0]
        if each.source in _IN_PERSON
        else {(kind, key) for kind, key in each.ids}
        for each in decisions
    ]


def _welcome_back(session, decisions: list[Decision]) -> None:
    """Somebody who was erased, is here again and allows something in person, is somebody new."""
    came = {
        one
        for decision in decisions
        if decision.granted and decision.source in _IN_PERSON
        for one in decision.ids
    }
    if came:
        suppression.lift(session, came)


def _withdraw(session, denied: set[tuple[tuple[str, str], str]]) -> None:
    persons = store.persons_of(session, {identifier for identifier, _ in denied})
    now = states(session, persons.values())
    by_purpose: dict[str, set[int]] = {}
    for identifier, purpose in denied:
        person_id = persons.get(identifier)
        if person_id is not None and not now[person_id][purpose]:
            by_purpose.setdefault(purpose, set()).add(person_id)
    for purpose, person_ids in by_purpose.items():
        withdrawal.apply(session, person_ids, purpose)
