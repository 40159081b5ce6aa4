"""The gate: events are folded, kept or erased by what their people allow."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

import pytest
from sqlalchemy import select

from cdp import carried, consent, suppression
from cdp.events import EventRow
from cdp.intake.accept import accept
from storage import read, utc_now, write
from tests.cdp.calls import NOW, body_of, built_in, call, drain, person, states, tags_of, take


@pytest.fixture
def shops(database):
    """The sources, on both databases."""
    return built_in()


def test_denied_events_leave_nothing_but_their_number(shops):
    web = shops["storefront"]
    take(web, call("page", anonymousId="a1", consents={"analytics": True}))
    with write() as session:
        ids = [("anonymous_id", "a1")]
        consent.record(session, ids, ["analytics"], False, "web", "form 1", NOW)
    assert body_of("anonymous_id", "a1") is None, "taken back at once"
    take(web, call("page", 1, anonymousId="a1", messageId="late"))
    with read() as session:
        rows = session.execute(select(EventRow.state, EventRow.body, EventRow.person_id)).all()
    assert [tuple(row) for row in rows] == [("erased", "{}", None)] * 2
    assert body_of("anonymous_id", "a1") is None
    assert accept(web, [call("page", anonymousId="a1", messageId="late")])[0].status == "duplicate"


def test_a_denial_that_an_event_carries_takes_back_and_a_new_grant_counts_again(shops):
    web = shops["storefront"]
    take(web, call("page", 9, userId="lin"), call("page", 8, userId="lin"))
    assert body_of("user_id", "lin")["counts"] == {"page": 2}
    [verdict] = accept(web, [call("page", 2, userId="lin", consents={"analytics": False})])
    assert (verdict.status, verdict.code) == ("refused", "consent_denied")
    drain()
    assert body_of("user_id", "lin") is None and states() == {"erased": 3}
    # After the denial was taken in, however long ago these tests began.
    at = utc_now() + timedelta(minutes=1)
    later = {**call("page", userId="lin"), "timestamp": at.isoformat() + "Z"}
    take(web, later)
    assert body_of("user_id", "lin")["counts"] == {"page": 1}


def test_a_talk_serves_the_service_and_its_mood_waits_for_consent(shops):
    talk = {"conversation_id": "web-1", "sentiment": -0.5, "channel": "slack"}
    take(
        shops["chat"], call(event="Message Received", userId="lin", consents=None, properties=talk)
    )
    body = body_of("user_id", "lin")
    assert body["channels"]["slack"]["events"] == 1
    assert "sentiment" not in body and "counts" not in body and tags_of("user_id", "lin") == set()
    take(shops["storefront"], call("page", 1, userId="lin"))
    body = body_of("user_id", "lin")
    assert body["sentiment"]["n"] == 1 and body["counts"] == {"talk": 1, "page": 1}


def test_what_a_source_assumes_is_recorded_with_its_evidence(shops):
    take(shops["logs"], call("page", anonymousId="a1", consents=None))
    with read() as session:
        found = consent.states(session, [person("anonymous_id", "a1")])
        [row] = consent.history_of(session, [("anonymous_id", "a1")])
    assert found[person("anonymous_id", "a1")]["analytics"] is True
    assert (row.source, row.purpose, row.granted) == ("assumed", "analytics", True)


def test_denial_wins_a_merge(shops):
    web = shops["storefront"]
    take(web, call("page", 9, anonymousId="a1"), call("page", 8, userId="lin"))
    with write() as session:
        consent.record(session, [("user_id", "lin")], ["analytics"], False, "web", "form", NOW)
    take(web, call("page", 1, anonymousId="a1", userId="lin"))
    assert person("anonymous_id", "a1") == person("user_id", "lin")
    assert body_of("user_id", "lin") is None
    assert states() == {"erased": 3}


def test_somebody_erased_does_not_come_back_by_a_late_replay(shops):
    with write() as session:
        suppression.suppress(session, [("user_id", "lin")], NOW)
    take(
        shops["storefront"],
        call("page", 60, userId="lin", anonymousId="a1"),
        call("page", 60, anonymousId="a2"),
    )
    assert states() == {"erased": 1, "done": 1}
    assert person("user_id", "lin") is None and person("anonymous_id", "a1") is None


def test_a_child_is_flagged_by_their_age(shops):
    take(shops["storefront"], call("identify", userId="kid", traits={"age": 9}))
    with read() as session:
        found = consent.states(session, [person("user_id", "kid")])
    assert found[person("user_id", "kid")]["analytics"] is False


def test_a_choice_that_browsers_repeat_is_recorded_once_an_hour(shops, monkeypatch):
    web, recorded = shops["storefront"], []
    real = consent.record_many

    def counting(session, decisions):
        recorded.extend(decisions)
        return real(session, decisions)

    monkeypatch.setattr(consent, "record_many", counting)
    for minutes in (90, 80, 70, 20):
        take(web, call("page", minutes, userId="lin"))
    assert len(recorded) == 2
    with write() as session:
        real(session, [consent.Decision([("user_id", "lin")], ["analytics"], False, "web", "form")])
    take(web, call("page", -5, userId="lin"))
    assert len(recorded) == 3, "what does not hold any longer is recorded, however fresh"


def test_a_process_that_has_just_started_does_not_write_a_repeated_choice_again(shops, monkeypatch):
    web = shops["storefront"]
    take(web, call("page", 90, userId="lin"))
    told = stated("lin")
    for minutes in (80, 70):
        monkeypatch.setattr(carried, "_recorded", OrderedDict())
        take(web, call("page", minutes, userId="lin"))
        assert stated("lin") == told
    # It counts from when it was written, whoever repeats it.
    take(web, call("page", 20, userId="lin"))
    assert stated("lin") != told


def stated(user: str) -> list[str]:
    with read() as session:
        wanted = select(consent.ConsentStateRow.times)
        return session.scalars(wanted.where(consent.ConsentStateRow.key == user)).all()
