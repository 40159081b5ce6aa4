"""The gate on both databases: recorded per identifier, asked per person, taken back at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from cdp import consent, identity, parts, suppression, withdrawal
from cdp.consent import ConsentRow, Decision
from cdp.identity.tables import IdentifierRow, PersonRow
from storage import engine, read, write

DAY = datetime(2026, 11, 20, 12)
A, B, U = ("anonymous_id", "a-1"), ("conversation", "web-1"), ("user_id", "demo")


@pytest.fixture
def taken(monkeypatch):
    """What withdrawals took back: (purpose, people)."""
    assert parts.tags  # what registers itself later would do so for this test alone
    calls = []
    for purpose in consent.PURPOSES:
        monkeypatch.setitem(
            withdrawal._handlers,
            purpose,
            {"test": lambda session, people, purpose=purpose: calls.append((purpose, people))},
        )
    return calls


def person(*ids) -> int:
    """One person with these identifiers."""
    with write() as session:
        numbers = [identity.ensure_person(session, *one) for one in ids]
        session.execute(
            update(IdentifierRow)
            .where(IdentifierRow.person_id.in_(numbers))
            .values(person_id=numbers[0])
        )
        return numbers[0]


def say(ids, purposes, granted, day=0, **more):
    with write() as session:
        at = DAY + timedelta(days=day)
        consent.record(session, ids, purposes, granted, "web", "test", at=at, **more)


def may(person_id, purpose, channel=None):
    with read() as session:
        return consent.allowed(session, person_id, purpose, channel)


def test_no_consent_means_no_and_service_goes_on(database):
    one = person(A)
    assert may(one, "service")
    assert not any(may(one, purpose) for purpose in consent.OPTIONAL)
    assert not may(one + 1, "service")
    with read() as session, pytest.raises(consent.NotAllowed, match="does not allow 'marketing'"):
        consent.require(session, one, "marketing", "sms")


def test_a_decision_in_person_is_recorded_for_all_that_is_known_of_them(database):
    one = person(U, A, B)
    say([B], ["analytics"], True)
    with read() as session:
        rows = session.execute(select(ConsentRow.kind, ConsentRow.source)).all()
    assert sorted(rows) == [
        ("anonymous_id", "explicit"),
        ("conversation", "explicit"),
        ("user_id", "explicit"),
    ]
    assert may(one, "analytics")
    say([A], ["analytics"], False, day=1, explicit=False)
    assert not may(one, "analytics")


def test_a_carried_decision_is_of_its_own_identifiers(database):
    one = person(U, A)
    say([A], ["analytics"], True, explicit=False)
    say([A], ["analytics"], True, day=1, explicit=False)
    assert may(one, "analytics")
    with read() as session:
        rows = session.execute(select(ConsentRow.kind, ConsentRow.source)).all()
    # The same again is no new decision.
    assert rows == [("anonymous_id", "carried")]


def test_what_arrives_late_counts_by_its_own_time(database):
    one = person(A)
    say([A], ["analytics"], True, day=0, explicit=False)
    say([A], ["analytics"], True, day=5, explicit=False)
    say([A], ["analytics"], False, day=3, explicit=False)
    assert may(one, "analytics")
    say([A], ["analytics"], False, day=6, explicit=False)
    assert not may(one, "analytics")


def test_denial_wins_a_merge(database, taken):
    one, other = person(U), person(A)
    say([U], ["analytics", "marketing"], True, day=2)
    say([A], ["analytics"], False, day=1)
    assert may(one, "analytics") and not may(other, "analytics")
    with write() as session:
        session.execute(
            update(IdentifierRow).where(IdentifierRow.person_id == other).values(person_id=one)
        )
        taken.clear()
        consent.after_merge(session, [one])
    assert not may(one, "analytics") and may(one, "marketing", "web")
    assert ("analytics", [one]) in taken and ("marketing", [one]) not in taken


def test_a_withdrawal_takes_back_in_the_same_transaction_and_once(database, taken):
    one = person(A)
    say([A], ["analytics"], True)
    assert taken == []
    say([A], ["analytics"], False, day=1)
    say([A], ["analytics"], False, day=2)
    assert taken == [("analytics", [one])]


def test_a_withdrawal_that_cannot_be_carried_out_is_not_recorded_as_one(database, monkeypatch):
    def fails(session, people):
        raise RuntimeError("not possible")

    person(A)
    monkeypatch.setitem(withdrawal._handlers, "analytics", {"test": fails})
    with pytest.raises(RuntimeError):
        say([A], ["analytics"], False)
    with read() as session:
        assert session.scalars(select(ConsentRow)).all() == []


def test_marketing_is_allowed_where_it_was_and_denied_everywhere(database, taken):
    one = person(A)
    say([A], ["marketing"], True)
    assert may(one, "marketing", "web") and not may(one, "marketing", "sms")
    say([A], ["marketing"], True, day=1, scope="sms")
    assert may(one, "marketing", "sms")
    say([A], ["marketing"], False, day=2, scope="sms")
    assert not may(one, "marketing", "sms") and may(one, "marketing", "web")
    # Somebody who may still be reached on another channel has not taken consent back as a whole.
    assert taken == []
    say([A], ["marketing"], False, day=3)
    assert not may(one, "marketing", "web") and taken == [("marketing", [one])]


def test_of_a_child_only_the_guardian_allows(database):
    one = person(A)
    say([A], ["marketing", "analytics"], True)
    with write() as session:
        session.execute(update(PersonRow).where(PersonRow.id == one).values(minor=True))
    assert not may(one, "marketing", "web") and not may(one, "analytics")
    say([A], ["analytics"], True, day=1, source="guardian")
    assert may(one, "analytics") and not may(one, "marketing", "web")


def test_identifiers_nobody_has_seen_can_be_asked_for(database):
    ids = [U, B]
    say(ids, ["personalisation"], True)
    with read() as session:
        assert consent.allowed_ids(session, ids, "personalisation")
        assert consent.allowed_ids(session, [B], "service")
        assert not consent.allowed_ids(session, [A], "personalisation")


def test_nobody_speaks_for_the_shopper_whose_talk_it_was(database):
    first = person(("user_id", "lin"), B)
    say([U, B], ["marketing"], True)
    assert not may(first, "marketing")
    with read() as session:
        assert consent.allowed_ids(session, [U, B], "marketing")


def test_many_people_cost_as_many_statements_as_one(database):
    people = [person(("anonymous_id", f"n{n}")) for n in range(30)]

    def statements(count: int) -> int:
        seen = []
        listen = lambda *_: seen.append(1)  # noqa: E731
        event.listen(engine(), "before_cursor_execute", listen)
        try:
            with write() as session:
                consent.record_many(
                    session,
                    [
                        Decision([("anonymous_id", f"n{n}")], ("analytics",), True, "web", "t", DAY)
                        for n in range(count)
                    ],
                )
                consent.states(session, people[:count])
        finally:
            event.remove(engine(), "before_cursor_execute", listen)
        return len(seen)

    few = statements(2)
    assert statements(30) == few
    with read() as session:
        answers = consent.states(session, people)
    assert all(answers[one]["analytics"] and not answers[one]["marketing"] for one in people)


def test_unknown_purposes_and_sources_are_refused(database):
    with pytest.raises(ValueError, match="expected one of"):
        say([A], ["world domination"], True)
    with pytest.raises(ValueError, match="expected one of"):
        say([A], ["analytics"], True, source="rumour")
    with pytest.raises(ValueError, match="expected one of"):
        withdrawal.on("world domination", print)


def test_who_was_erased_is_let_in_again_by_a_word_of_their_own_alone(database):
    with write() as session:
        suppression.suppress(session, [A, U], DAY)
    say([A], ["analytics"], True, explicit=False)
    with read() as session:
        assert suppression.suppressed(session, [A, U, B]) == {A, U}
    say([U], ["analytics"], True)
    with write() as session:
        assert suppression.suppressed(session, [A, U]) == {A}
        assert suppression.barriers(session, [A, U, B]) == {A: (DAY, False), U: (DAY, True)}
        suppression.suppress(session, [U], DAY + timedelta(days=1))
        assert suppression.suppressed(session, [A, U]) == {A, U}
