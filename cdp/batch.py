"""What happens to a batch of accepted events, step by step, in one write transaction.

    suppression → identity → consent that came with the events → gate → profiles → tags

Each step asks the database a few questions for the whole batch; none depends on how much is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from cdp import carried, consent, keys, minors, profiles, sources, suppression
from cdp.events import DONE, Event, key_of
from cdp.identity import moves
from cdp.identity.resolve import Sighting, owner, resolve
from cdp.profiles import store
from cdp.tags import engine
from cdp.tags import store as tags
from storage import bulk, utc_now

_AGES = frozenset({"birthday", "birth_date", "birthDate", "date_of_birth", "age"})


@dataclass
class _Batch:
    """Events on their way, each with its person and, by person, what they allow."""

    events: Sequence[Event]
    people: list[int | None] = field(default_factory=list)
    states: dict[int, dict[str, bool]] = field(default_factory=dict)
    folded: dict[int, tuple[dict, list[Event]]] = field(default_factory=dict)
    erased: list[int] = field(default_factory=list)
    sources: dict[int, sources.Source] = field(default_factory=dict)

    def channel_of(self, event: Event) -> str:
        """The channel an event came in by."""
        return store.channel_of(event, self.sources)


def process(session: Session, events: Sequence[Event]) -> list[consent.Decision]:
    """Take events, in the order of their numbers, into account: people, profiles, tags.

    Gives the decisions about consent that were recorded, for `carried.remember` after the commit.
    """
    batch = _Batch(events, sources=sources.of_events(one.source_id for one in events))
    _refuse_suppressed(session, batch)
    decisions = _identify(session, batch)
    _fold(session, batch)
    engine.evaluate_many(session, batch.folded, utc_now(), states=batch.states)
    _finish(session, batch)
    return decisions


def _refuse_suppressed(session: Session, batch: _Batch) -> None:
    """What comes late of somebody who was erased does not bring them back."""
    if not bulk.any_row(session, suppression.SuppressedRow.__table__):
        return
    ids = {one for event in batch.events for one in event.ids}
    if len(keys.hash_secrets()) > 1:
        sealed = {one: token for event in batch.events for one, token in event.sealed.items()}
        suppression.rekey(session, sealed)
    barriers = suppression.barriers(session, ids)
    if not barriers:
        return
    kept = []
    for event in batch.events:
        met = [barriers[one] for one in event.ids if one in barriers]
        if any(not lifted or event.at <= until for until, lifted in met):
            batch.erased.append(event.seq)
        else:
            kept.append(event)
    batch.events = kept


def _identify(session: Session, batch: _Batch) -> list[consent.Decision]:
    """Whose the events are, and what their people allow now."""
    sightings = [_sighting(event) for event in batch.events]
    graph = resolve(session, sightings)
    graph.save(utc_now())
    changes = moves.move_events(session, graph)
    batch.people = [owner(graph, sighting) for sighting in sightings]
    # Profiles are merged before decisions are recorded: what these take back is the whole person's.
    moves.tell(session, changes)
    told = [
        (event, sighting.usable, person)
        for event, sighting, person in zip(batch.events, sightings, batch.people, strict=True)
        if person is not None
    ]

    def states_of(people: set[int]) -> dict[int, dict[str, bool]]:
        batch.states = consent.states(session, people)
        return batch.states

    decisions = carried.decisions(told, batch.sources, batch.channel_of, states_of)
    decisions = consent.record_many(session, decisions)
    changed = {graph.by_key[one].person for decision in decisions for one in decision.ids}
    for event, _, person in told:
        traits = event.body.get("traits")
        if traits and not _AGES.isdisjoint(traits):
            minors.note(session, person, traits)
            changed.add(person)
    unasked = {person for _, _, person in told} - (batch.states.keys() - changed)
    batch.states |= consent.states(session, unasked)
    return decisions


def _sighting(event: Event) -> Sighting:
    body = event.body
    ids = [{**one, "key": key_of(one)} if "v" in one else one for one in body.get("ids", ())]
    prove = bool(body.get("prove", False))
    return Sighting(event.seq, event.at, event.source_id, event.message_id, ids, prove)


def _fold(session: Session, batch: _Batch) -> None:
    """Take the events into their people's profiles, as far as these allow it."""
    bodies = profiles.load(session, batch.states)
    known = set(bodies)
    for person, states in batch.states.items():
        allowed = bool(states.get("analytics", False))
        if person in bodies and bodies[person].get("analytics") != allowed:
            # More, or less, is allowed than when it was folded.
            del bodies[person]
            again = store.rebuild(session, person)
            if again is None:
                known.discard(person)
            else:
                bodies[person] = again
            tags.check_soon(session, [person])
    for event, person in zip(batch.events, batch.people, strict=True):
        if person is None:
            if not event.body.get("purposes"):
                batch.erased.append(event.seq)
            continue
        event.person_id = person
        states = batch.states[person]
        if not store.serves(event, states):
            batch.erased.append(event.seq)
            continue
        if person not in bodies:
            bodies[person] = store.empty(states)
        store.fold_allowed(bodies[person], event, states, batch.channel_of(event))
        batch.folded.setdefault(person, (bodies[person], []))[1].append(event)
    changed = {person: body for person, (body, _) in batch.folded.items()}
    store.save(session, changed, known)


def _finish(session: Session, batch: _Batch) -> None:
    """Mark the events as done, and leave nothing of those that may not be kept."""
    gone = set(batch.erased)
    done = [
        {"seq": event.seq, "person_id": person, "state": DONE}
        for event, person in zip(batch.events, batch.people, strict=True)
        if event.seq not in gone
    ]
    store.update_events(session, done)
    store.erase_events(session, batch.erased)
