"""Events on their whole way: what is withdrawn goes, and who was erased is not brought back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from cdp import (
    consent,
    erasure,
    identity,
    minors,
    parts,
    pipeline,
    profiles,
    sources,
    tags,
    withdrawal,
)
from cdp.events import EventRow
from cdp.intake.accept import accept
from storage import read, write

SINCE = datetime.now(timezone.utc) - timedelta(hours=2)
assert parts.tags


def send(number: int, anonymous: str, user: str | None = None, minutes: int = 0, **more) -> str:
    """A view of running shoes by somebody who allows analytics, or what `more` says."""
    allows = more.pop("allows", {"analytics": True})
    raw = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m{number}",
        "anonymousId": anonymous,
        "timestamp": (SINCE + timedelta(minutes=minutes)).isoformat(),
        "properties": {"product_id": "p1", "name": "轻羽跑鞋", "category": "running_shoes"},
        "context": {"consent": {"categoryPreferences": allows}},
        **({"userId": user} if user else {}),
        **more,
    }
    (verdict,) = accept(sources.ensure("storefront", "web", "carried"), [raw])
    pipeline.run_once()
    return verdict.status


def person(anonymous: str) -> int | None:
    with read() as session:
        return identity.person_of(session, [("anonymous_id", anonymous)])


def known(person_id: int) -> tuple[dict, list[str]]:
    with read() as session:
        body = profiles.get(session, person_id) or {}
        return body.get("counts") or {}, [tag.tag for tag in tags.of(session, person_id)]


def test_a_withdrawal_takes_profile_and_tags_back(database):
    for number in range(3):
        send(number, "a", minutes=number)
    one = person("a")
    counts, tagged = known(one)
    assert counts["view"] == 3 and "兴趣:运动装备" in tagged
    with write() as session:
        consent.record(session, [("anonymous_id", "a")], ("analytics",), False, "web", "page /me")
    assert known(one) == ({}, [])
    with read() as session:
        assert set(session.execute(select(EventRow.state, EventRow.body))) == {("erased", "{}")}
    # The browser that has not heard of it yet says yes; the shopper's own word holds.
    send(9, "a", minutes=30)
    assert known(one) == ({}, [])


def test_a_denial_that_comes_with_an_event_takes_back_too(database):
    send(1, "a")
    denied = {"analytics": False, "marketing": False}
    assert send(2, "a", minutes=5, allows=denied) == "refused"
    assert known(person("a")) == ({}, [])


def test_denial_wins_a_merge_of_two(database):
    for number in range(3):
        send(number, "a", minutes=number)
    send(4, "b", user="demo", minutes=4)
    with write() as session:
        consent.record(session, [("user_id", "demo")], ("analytics",), False, "web", "page /me")
    send(5, "a", user="demo", minutes=60)
    one = person("a")
    assert one == person("b")
    assert known(one) == ({}, [])
    with read() as session:
        assert not consent.allowed(session, one, "analytics")


def test_late_replays_do_not_bring_the_erased_back(database):
    send(1, "a", user="demo")
    with write() as session:
        number = erasure.begin(session, [("user_id", "demo")], "web")
    erasure.run(number)
    # Sent again, sent late, and sent by the browser that is still open.
    assert send(1, "a", user="demo") == "duplicate"
    assert send(2, "a", user="demo", minutes=1) == "accepted"
    assert send(3, "a", minutes=500) == "accepted"
    assert person("a") is None
    with read() as session:
        assert {row.state for row in session.execute(select(EventRow.state))} == {"erased"}
        assert {row.person_id for row in session.execute(select(EventRow.person_id))} == {None}


def test_events_that_waited_when_the_erasure_began_do_not_either(database):
    source = sources.ensure("storefront", "web", "carried")
    raw = {
        "type": "page",
        "messageId": "p1",
        "userId": "demo",
        "context": {"consent": {"categoryPreferences": {"analytics": True}}},
    }
    accept(source, [raw])
    with write() as session:
        number = erasure.begin(session, [("user_id", "demo")], "web")
    pipeline.run_once()
    erasure.run(number)
    with read() as session:
        assert session.execute(select(EventRow.state, EventRow.body)).all() == [("erased", "{}")]
        assert identity.person_of(session, [("user_id", "demo")]) is None


def test_who_comes_back_of_their_own_will_begins_anew(database):
    send(1, "a", user="demo")
    with write() as session:
        number = erasure.begin(session, [("user_id", "demo")], "web")
    erasure.run(number)
    with write() as session:
        ids = [("user_id", "demo"), ("anonymous_id", "new")]
        consent.record(session, ids, ("analytics",), True, "web", "page /me")
    # What happened before the erasure stays out; what happens after it counts.
    assert send(2, "new", user="demo", minutes=1) == "accepted"
    assert person("new") is None
    assert send(3, "new", user="demo", minutes=600) == "accepted"
    assert known(person("new"))[0]["view"] == 1


def test_a_child_has_no_profile_without_a_guardian(database):
    send(1, "a")
    one = person("a")
    traits = {"type": "identify", "traits": {"age": 10}, "event": None, "properties": None}
    send(2, "a", minutes=1, **traits)
    with read() as session:
        assert not consent.allowed(session, one, "analytics")
    assert known(one)[0] == {}
    with write() as session:
        ids = [("anonymous_id", "a")]
        consent.record(session, ids, ("analytics",), True, "web", "guardian", source="guardian")
        assert consent.allowed(session, one, "analytics")
    assert minors.is_minor({"age": 10}, SINCE.date())


@pytest.mark.parametrize("purpose", ["analytics", "marketing"])
def test_every_part_that_derives_has_said_how_it_takes_back(purpose):
    names = " ".join(withdrawal.handlers(purpose))
    assert "tags" in names and "segments" in names
    assert purpose != "analytics" or "profiles" in names
