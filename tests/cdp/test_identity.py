"""People as they come out of stored events: limits, proof, shared devices, merges undone."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cdp import identity
from cdp.events import EventRow
from cdp.identity import rules
from cdp.identity.tables import IdentifierRow, MergeRow, PersonRow, SplitRow
from storage import read, write
from tests.cdp.people import at, merges, number_of, partition, seen, take
from tests.cdp.statements import statements


def test_what_is_seen_together_is_one_person(database):
    take([[seen(1, 1, "anonymous_id:a"), seen(2, 2, "user_id:lin", "anonymous_id:a")]])
    take([[seen(3, 3, "user_id:lin", "phone:p")]])
    assert partition() == {frozenset({"anonymous_id:a", "user_id:lin", "phone:p"})}
    with read() as session:
        person = identity.person_of(session, [("anonymous_id", "a"), ("user_id", "nobody")])
        assert person == number_of("anonymous_id:a"), "the oldest identifier gives the number"
        kinds = [one.kind for one in identity.identifiers_of(session, person)]
        assert kinds == ["user_id", "phone", "anonymous_id"]
        assert set(session.scalars(select(EventRow.person_id))) == {person}
        assert list(session.scalars(select(PersonRow.id))) == [person]
        assert identity.person_of(session, [("user_id", "nobody")]) is None
        assert identity.person_of(session, [("user_id", "null")]) is None


def test_blocked_values_neither_join_nor_identify(database):
    take([[seen(1, 1, "user_id:null", "phone:p"), seen(2, 2, "user_id:null", "phone:q")]])
    take([[seen(3, 3, "anonymous_id:0000-00")]])
    assert partition() == {frozenset({"phone:p"}), frozenset({"phone:q"})}
    with read() as session:
        owners = list(session.scalars(select(EventRow.person_id).order_by(EventRow.seq)))
        assert owners[0] != owners[1] and owners[2] is None


def test_a_sixth_identifier_of_a_kind_stays_outside_its_event_does_not(database):
    take([[seen(n, n, "user_id:lin", f"anonymous_id:a{n}") for n in range(1, 8)]])
    inside = {"user_id:lin"} | {f"anonymous_id:a{n}" for n in range(1, 6)}
    assert partition() == {
        frozenset(inside),
        frozenset({"anonymous_id:a6"}),
        frozenset({"anonymous_id:a7"}),
    }
    with read() as session:
        assert set(session.scalars(select(EventRow.person_id))) == {number_of("user_id:lin")}


def test_two_identified_people_are_not_merged_without_proof(database):
    take([[seen(1, 1, "user_id:lin", "anonymous_id:a"), seen(2, 2, "user_id:wu", "phone:p")]])
    take([[seen(3, 3, "user_id:wu", "anonymous_id:a"), seen(4, 4, "user_id:lin", "phone:p")]])
    assert partition() == {
        frozenset({"user_id:lin", "anonymous_id:a"}),
        frozenset({"user_id:wu", "phone:p"}),
    }
    assert merges() == []


def test_proof_merges_them_and_comes_before_what_was_only_seen(database):
    take([[seen(1, 1, "user_id:lin", "phone:p"), seen(2, 2, "user_id:wu", "openid:o")]])
    take([[seen(3, 9, "user_id:wu", "phone:p", prove=True)]])
    assert frozenset({"user_id:wu", "openid:o", "phone:p"}) in partition(), "proof outweighs time"
    take([[seen(4, 10, "user_id:lin", "user_id:wu", prove=True)]])
    assert partition() == {frozenset({"user_id:lin", "user_id:wu", "openid:o", "phone:p"})}


def test_a_shared_browser_proves_nothing_even_to_a_trusted_source(database):
    take([[seen(1, 1, "user_id:lin", "anonymous_id:a", prove=True)]])
    take([[seen(2, 2, "user_id:wu", "anonymous_id:a", prove=True)]])
    assert frozenset({"user_id:wu"}) in partition()


def test_a_device_seen_with_a_crowd_joins_nobody_any_more(database):
    crowd = [seen(n, n, f"user_id:u{n}", "device_id:kiosk") for n in range(1, rules.CROWD + 1)]
    take([crowd])
    assert frozenset({"user_id:u1", "device_id:kiosk"}) in partition()
    take([[seen(100, 100, "user_id:more", "device_id:kiosk")]])
    assert frozenset({"device_id:kiosk"}) in partition()
    assert frozenset({"user_id:u1"}) in partition()
    with read() as session:
        gone = session.execute(select(PersonRow).where(PersonRow.merged_into.is_not(None)))
        assert gone.all() == []


def test_a_merge_is_recorded_and_undone_with_its_events(database):
    take([[seen(1, 1, "openid:o"), seen(2, 2, "phone:p"), seen(3, 3, "user_id:lin", "phone:p")]])
    take([[seen(4, 4, "phone:p", "openid:o"), seen(5, 5, "openid:o", "anonymous_id:a")]])
    wanted = {"openid:o", "phone:p", "user_id:lin", "anonymous_id:a"}
    assert partition() == {frozenset(wanted)}
    [merge] = merges()
    openid, phone = number_of("openid:o"), number_of("phone:p")
    assert (merge.winner, merge.loser, merge.evidence) == (openid, phone, 4)
    with read() as session:
        assert identity.current(session, phone) == openid
        assert [one.id for one in identity.merges_of(session, openid)] == [merge.id]

    changes = identity.undo_merge(merge.id)
    assert changes.regrouped == {openid, phone}
    assert partition() == {
        frozenset({"openid:o", "anonymous_id:a"}),
        frozenset({"phone:p", "user_id:lin"}),
    }
    with read() as session:
        rows = session.execute(select(EventRow.seq, EventRow.person_id).order_by(EventRow.seq))
        assert dict(map(tuple, rows)) == {1: openid, 2: phone, 3: phone, 4: openid, 5: openid}
        assert identity.current(session, phone) == phone
    take([[seen(6, 6, "phone:p", "openid:o")]])
    assert len(partition()) == 2, "the same evidence does not join them again"
    with pytest.raises(identity.UnknownMerge, match="undone already"):
        identity.undo_merge(merge.id)
    with pytest.raises(identity.UnknownMerge, match="none of that number"):
        identity.undo_merge(999)

    identity.redo_merge(merge.id)
    assert partition() == {frozenset(wanted)}
    with read() as session:
        assert session.scalar(select(func.count()).select_from(MergeRow)) == 2
        assert session.scalar(select(func.count()).select_from(SplitRow)) == 0
    with pytest.raises(identity.UnknownMerge, match="joined again"):
        identity.redo_merge(merge.id)


def test_listeners_hear_of_it_in_the_same_transaction(database, monkeypatch):
    heard = []
    monkeypatch.setattr("cdp.identity.moves._listeners", [])
    identity.listen(lambda session, changes: heard.append((session.in_transaction(), changes)))
    take([[seen(1, 1, "openid:o"), seen(2, 2, "phone:p")], [seen(3, 3, "phone:p", "openid:o")]])
    identity.undo_merge(merges()[0].id)
    [(inside, changes)] = heard
    assert inside and changes.people == {number_of("openid:o"), number_of("phone:p")}


def test_a_person_is_made_once_and_forgotten_whole(database):
    with write() as session:
        person = identity.ensure_person(session, "conversation", "web-1")
        assert identity.ensure_person(session, "conversation", "web-1") == person
        with pytest.raises(ValueError, match="identifies nobody"):
            identity.ensure_person(session, "user_id", "undefined")
    take([[seen(1, 1, "user_id:lin", "conversation:web-1")]])
    with write() as session:
        gone = identity.forget(session, person)
        assert gone == {"links": 1, "splits": 0, "merges": 0, "identifiers": 2, "people": 1}
        assert identity.person_of(session, [("user_id", "lin")]) is None
        fresh = identity.ensure_person(session, "conversation", "web-1")
        assert fresh not in (person, person + 1), "a number is never given twice"


def test_the_time_something_was_seen_in(database):
    take([[seen(1, 5, "user_id:lin"), seen(2, 9, "user_id:lin"), seen(3, 2, "user_id:lin")]])
    with read() as session:
        [one] = identity.identifiers_of(session, number_of("user_id:lin"))
    assert (one.first_seen, one.last_seen) == (at(2), at(9))


def test_a_kiosk_seen_with_thousands_costs_no_more_than_another_device(database):
    """Statements of a batch in which a crowded device meets somebody new."""
    for start in range(0, 3000, 500):
        numbers = range(start + 1, start + 501)
        take([[seen(n, n, f"anonymous_id:a{n}", "device_id:kiosk") for n in numbers]])
    few = statements(lambda: take([[seen(9001, 1, "anonymous_id:x", "device_id:other")]]))
    many = statements(lambda: take([[seen(9002, 1, "anonymous_id:y", "device_id:kiosk")]]))
    assert many <= few + 1
    with read() as session:
        people = session.scalar(select(func.count(IdentifierRow.person_id.distinct())))
    assert people == 3003, "3000 browsers, the kiosk, another with its device, and y"
