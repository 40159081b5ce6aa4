"""Any order and any batching of the same events gives the same people, merges undone or not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cdp import identity
from cdp.events import Event, EventRow
from cdp.identity import rules
from cdp.identity.resolve import Sighting
from cdp.identity.tables import IdentifierRow, PersonRow
from storage import read, write
from tests.cdp.people import clear, ids, merges, number_of, partition, seen, take

pytestmark = pytest.mark.slow

NAMES = [
    *(f"user_id:{n}x" for n in range(4)),
    *(f"phone:{n}x" for n in range(3)),
    *(f"openid:{n}x" for n in range(2)),
    *(f"anonymous_id:{n}x" for n in range(4)),
    *(f"device_id:{n}x" for n in range(2)),
    "user_id:null",
]
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
).map(
    lambda drawn: [
        seen(number, minute, *named, prove=prove)
        for number, (minute, named, prove) in enumerate(drawn, 1)
    ]
)
QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """So that a dozen events reach them."""
    monkeypatch.setattr(rules, "PER_PERSON", 2)
    monkeypatch.setattr(rules, "CROWD", 2)


def by_the_book(events: list[Sighting], parted: set[frozenset[str]]) -> set[frozenset[str]]:
    """The people by a replay of everything at once: the rules, and no cleverness."""
    names = sorted({f"{kind}:{key}" for one in events for kind, key in one.usable})
    number = {name: place for place, name in enumerate(names)}
    kinds = {number[name]: name.split(":")[0] for name in names}
    links: dict[tuple[int, int], str] = {}
    for one in events:
        usable = [number[f"{kind}:{key}"] for kind, key in one.usable]
        for place, other in enumerate(usable[1:]):
            proof = rules.is_proof(one.prove, kinds[usable[0]], kinds[other])
            at = rules.position(proof, one.at, one.source_id, one.message_id, place)
            pair = (min(usable[0], other), max(usable[0], other))
            links[pair] = min(links.get(pair, at), at)
    counting: dict[tuple[int, int], int] = {}
    for end in kinds:
        beside: dict[str, list[tuple[str, tuple[int, int]]]] = {}
        for pair, at in links.items():
            if end in pair:
                other = pair[0] if pair[1] == end else pair[1]
                beside.setdefault(kinds[other], []).append((at, pair))
        if rules.crowded(kinds[end], {kind: len(found) for kind, found in beside.items()}):
            continue
        for found in beside.values():
            for _, pair in sorted(found)[: rules.CROWD]:
                counting[pair] = counting.get(pair, 0) + 1
    edges = [(links[pair], *pair) for pair, ends in counting.items() if ends == 2]
    apart: dict[int, set[int]] = {}
    for a, b in (tuple(number[name] for name in pair) for pair in parted):
        apart.setdefault(a, set()).add(b)
        apart.setdefault(b, set()).add(a)
    groups, _ = rules.replay(kinds, edges, apart)
    return {frozenset(names[n] for n in group.ids) for group in groups.values()}


def in_batches(events: list[Sighting], sizes: list[int]) -> list[list[Sighting]]:
    batches, rest = [], list(events)
    while rest:
        size = sizes[len(batches) % len(sizes)]
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


@QUICK
@given(EVENTS, st.randoms(use_true_random=False), st.lists(st.integers(1, 5), min_size=1))
def test_any_order_and_batching_gives_the_people_of_the_rules(database, events, random, sizes):
    expected = by_the_book(events, set())
    clear()
    take(in_batches(events, sizes))
    assert partition() == expected
    shuffled = random.sample(events, len(events))
    clear()
    take(in_batches(shuffled, sizes[::-1]))
    assert partition() == expected


@QUICK
@given(EVENTS, EVENTS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_merges_undone_in_between_stay_undone_in_any_order(database, early, late, random, size):
    late = [Sighting(one.seq + 100, one.at, 2, one.message_id, one.ids, one.prove) for one in late]
    clear()
    take(in_batches(early, [size]))
    parted = set()
    for merge in random.sample(merges(), min(2, len(merges()))):
        parted.add(frozenset({_name(merge.left_id), _name(merge.right_id)}))
        identity.undo_merge(merge.id)
    take(in_batches(late, [size]))
    everything = early + late
    expected = by_the_book(everything, parted)
    assert partition() == expected

    clear()
    shuffled = random.sample(everything, len(everything))
    half = len(shuffled) // 2
    take(in_batches(shuffled[:half], [size + 1]))
    take([[_bare(one) for pair in parted for one in sorted(pair)]])
    with write() as session:
        for left, right in map(sorted, parted):
            identity.split(session, number_of(left), number_of(right))
    take(in_batches(shuffled[half:], [size]))
    assert partition() == expected


@QUICK
@given(EVENTS, st.integers(1, 5))
def test_the_merges_noted_do_not_depend_on_batches_and_events_follow(database, events, size):
    noted = []
    for sizes in ([size], [1]):
        clear()
        take(in_batches(events, sizes))
        noted.append(
            [
                (_name(one.winner), _name(one.loser), _name(one.left_id), _name(one.right_id))
                for one in merges()
            ]
        )
        _events_belong_to_their_strongest()
    assert noted[0] == noted[1]


def _events_belong_to_their_strongest() -> None:
    with read() as session:
        alone = set(session.scalars(select(PersonRow.id).where(PersonRow.merged_into.is_(None))))
        for row in session.execute(select(EventRow.__table__)):
            person = identity.person_of(session, Event.from_row(row).ids)
            assert row.person_id == person
            assert person is None or person in alone


_numbers = iter(range(10_000, 10_000_000))


def _bare(named: str) -> Sighting:
    number = next(_numbers)
    return Sighting(number, seen(1, 1).at, 3, f"bare{number}", ids(named))


def _name(number: int) -> str:
    with read() as session:
        row = session.execute(
            select(IdentifierRow.kind, IdentifierRow.key).where(IdentifierRow.id == number)
        ).one()
    return f"{row.kind}:{row.key}"
