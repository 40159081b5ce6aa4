"""Erasure on both databases: nothing is left, nobody else is touched, and a crash is no end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from unittest.mock import create_autospec

import pytest
import redis
from sqlalchemy import select

from cdp import audit, consent, erasers, erasure, identity, jobs, keys, privacy, training
from cdp.consent import ConsentRow
from cdp.events import EventRow
from cdp.messages import addresses, answers
from cdp.messages.answers import Answer
from cdp.messages.tables import AddressRow, OutboxRow
from cdp.privacy import DataRequestRow
from cdp.segments import tables as segments  # noqa: F401  its tables are swept too
from storage import read, utc_now, write
from tests.cdp.one_shopper import everything, found_in, put

LATER = datetime(2100, 1, 1)


@pytest.fixture
def demo(database):
    return put("demo", "+8613812341234")


@pytest.fixture
def lin(database):
    return put("lin", "+8613800005678")


def begin(who, **more) -> str:
    with write() as session:
        return erasure.begin(session, who.ids[:1], "web", **more)


def finish(number: str) -> None:
    """The part of the Rasa server, and what comes after it."""
    assert not erasure.run(number)
    assert [one for one, _ in erasure.due_elsewhere("talks", LATER)] == [number]
    erasure.done(number, "talks", {"tracker_events": 4})
    assert erasure.run(number)


def test_the_gate_closes_and_late_events_are_known_at_once(demo):
    with write() as session:
        number = erasure.begin(session, demo.ids[1:2], "web")
    with read() as session:
        assert not consent.allowed(session, demo.person_id, "analytics")
        assert not consent.allowed(session, demo.person_id, "service")
        assert erasure.suppressed(session, [*demo.ids, ("user_id", "x")]) == set(demo.ids)
    assert erasure.receipt(number)["state"] == "open"


def test_nothing_of_them_is_left_anywhere(demo, lin):
    before = found_in(demo.words)
    assert {"events", "refused_events", "cases", "profiles", "identifiers", "consents"} <= before
    number = begin(demo)
    finish(number)
    assert found_in(demo.words) == set()
    with read() as session:
        assert identity.person_of(session, demo.ids) is None
        assert not consent.allowed(session, demo.person_id, "service")
        assert erasure.suppressed(session, demo.ids) == set(demo.ids)
        assert training.excluded(session, [*demo.ids, *lin.ids]) == set(demo.ids)


def test_nobody_else_is_touched(lin):
    def of_lin() -> dict[str, list]:
        return {
            name: sum(
                any(word in str(value) for value in row for word in lin.words) for row in rows
            )
            for name, rows in everything().items()
        }

    before = of_lin()
    other = put("demo", "+8613812341234")
    finish(begin(other))
    assert of_lin() == before
    with read() as session:
        assert consent.allowed(session, lin.person_id, "analytics")
        assert identity.person_of(session, lin.ids) == lin.person_id


def test_answers_to_their_addresses_go_and_nobody_elses(demo, lin):
    with write() as session:
        for one in (demo, lin):
            said = {"text": f"答{one.name}"}
            address, name = f"openid-of-{one.name}", f"answer to {one.name}"
            answers.put(session, Answer("wechat", address, [said], name))
    for one in (demo, lin):
        addresses.heard("wechat", f"openid-of-{one.name}", one.ids[0])
    finish(begin(demo))
    with read() as session:
        named = select(OutboxRow.name).where(OutboxRow.name.is_not(None))
        assert session.scalars(named).all() == ["answer to lin"]
        places = select(AddressRow.key).where(AddressRow.channel == "wechat")
        assert session.scalars(places).all() == [lin.ids[0][1]]


def test_events_keep_what_tells_a_repeated_one(demo):
    with read() as session:
        wanted = select(EventRow.source_id, EventRow.message_id).order_by(EventRow.seq)
        before = session.execute(wanted).all()
    finish(begin(demo))
    with read() as session:
        assert session.execute(wanted).all() == before
        assert set(session.execute(select(EventRow.state, EventRow.body))) == {("erased", "{}")}


def test_proof_of_consent_stays_without_whose_it_was(demo):
    finish(begin(demo))
    with read() as session:
        rows = session.scalars(select(ConsentRow)).all()
    assert rows and {(row.purposes, row.granted, row.evidence) for row in rows} == {
        ("analytics", True, "erased")
    }
    assert not {row.key for row in rows} & {key for _, key in demo.ids}


def test_the_receipt_names_systems_and_counts_and_nobody(demo):
    number = begin(demo)
    finish(number)
    receipt = erasure.receipt(number)
    assert receipt["state"] == "done" and receipt["finished_at"]
    systems = {one["name"]: one["deleted"] for one in receipt["systems"]}
    assert set(systems) == {*erasure._erasers, "talks"}
    assert systems["events"] == 3 and systems["refused"] == 2 and systems["cases"] == 1
    assert systems["rows"]["tags"] == 1 and systems["identity"]["identifiers"] == 4
    assert any("电子商务法" in one["why"] for one in receipt["kept"])
    written = json.dumps(receipt, ensure_ascii=False)
    assert not any(word in written for word in demo.words)
    assert audit.verify().sound
    assert [one.action for one in audit.entries(subject=number)] == [
        "erasure.finished",
        "erasure.begun",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("crashed", ["refused", "rows", "events", "identity", "requests"])
def test_a_crash_at_any_step_is_gone_on_from(demo, monkeypatch, crashed):
    step = erasure._erasers[crashed]
    died, calls = [], []

    def dies(person_ids, ids):
        step.function(person_ids, ids)
        if not died:
            died.append(1)
            raise KeyboardInterrupt

    def counted(one):
        def run(person_ids, ids):
            calls.append(one.name)
            return one.function(person_ids, ids)

        return run

    wrapped = {one.name: counted(one) for one in erasure._erasers.values()}
    wrapped[crashed] = dies
    for name, function in wrapped.items():
        replaced = erasure._Step(name, function, erasure._erasers[name].order, name)
        monkeypatch.setitem(erasure._erasers, name, replaced)
    number = begin(demo)
    # As a kill: nothing is written of the step that was at work.
    with pytest.raises(KeyboardInterrupt):
        erasure.run(number)
    finish(number)
    assert found_in(demo.words) == set()
    # What was done before the crash is not done again.
    assert sorted(calls) == sorted(name for name in erasure._erasers if name != crashed)


def test_a_step_that_fails_is_seen_and_stops_those_after_it(demo, monkeypatch):
    def fails(person_ids, ids):
        raise OSError("disk of 13812341234")

    monkeypatch.setitem(erasure._erasers, "lake", erasure._Step("lake", fails, 50, "lake"))
    number = begin(demo)
    assert not erasure.run(number) and not erasure.run(number)
    steps = {one["name"]: one["state"] for one in erasure.receipt(number)["systems"]}
    assert steps["lake"] == "open" and "events" not in steps and steps["cases"] == "done"
    assert "events" in found_in(demo.words)
    monkeypatch.delitem(erasure._erasers, "lake")
    with write() as session:
        session.delete(session.get(erasure.ErasureStepRow, (1, "lake")))
    finish(number)
    assert found_in(demo.words) == set()


def test_the_job_does_it(demo, monkeypatch):
    assert not erasure.anything_open()
    number = begin(demo)
    assert erasure.anything_open()
    assert "erasure.resume" in jobs.run_due(wait=True)
    # Now it waits for the Rasa server, and asks nothing of us meanwhile.
    assert not erasure.anything_open()
    with monkeypatch.context() as rasa:
        # The Rasa server has no erasers of its own, so it cannot know that all is done.
        rasa.setattr(erasure, "_erasers", {})
        assert not erasure.done(number, "talks", 0)
    assert erasure.receipt(number)["state"] == "open" and erasure.anything_open()
    assert jobs.run("erasure.resume")
    assert erasure.receipt(number)["state"] == "done"
    assert found_in(demo.words) == set()


def test_the_answer_reaches_the_shopper_before_the_talk_is_erased(demo):
    begin(demo)
    now = utc_now()
    assert erasure.due_elsewhere("talks", now) == []
    ((_, subject),) = erasure.due_elsewhere("talks", now + erasure.GRACE + timedelta(seconds=1))
    assert demo.conversation in subject.conversations and subject.shoppers == ["user-demo"]


def test_asking_again_is_the_same_erasure(demo):
    request = privacy.request(demo.ids, "delete", "m1")
    assert privacy.request(demo.ids, "delete", "m1") == request
    number = begin(demo, request=request)
    assert begin(demo, request=request) == number
    finish(number)
    with read() as session:
        row = session.get(DataRequestRow, request)
    assert (row.state, row.receipt, row.subject, row.person) == ("done", number, None, "")


def test_somebody_nobody_has_seen_gets_a_receipt_too(database):
    with write() as session:
        number = erasure.begin(session, [("conversation", "web-new")], "web")
    finish(number)
    with read() as session:
        assert erasure.suppressed(session, [("conversation", "web-new")])


def test_every_table_that_names_people_is_covered(database):
    """A new table is swept without a line of code; this fails if the sweep no longer sees it."""
    by_person = erasers._tables_with({"person_id"}) - erasers._BY_PERSON_NOT
    assert {"profiles", "tags", "tag_checks", "segment_members", "automated_decisions"} <= by_person
    by_identifier = erasers._tables_with({"kind", "key"}) - erasers._BY_IDENTIFIER_NOT
    assert {"tag_objections", "corrections", "minors"} <= by_identifier


def test_who_comes_back_is_somebody_new(demo):
    finish(begin(demo))
    with write() as session:
        consent.record(session, demo.ids[:1], ("analytics",), True, "web", "asked again")
        again = identity.ensure_person(session, *demo.ids[0])
        assert again != demo.person_id
        assert consent.allowed(session, again, "analytics")
        assert erasure.suppressed(session, demo.ids) == set(demo.ids[1:])


def test_redis_keys_that_name_a_talk_go(monkeypatch):
    client = create_autospec(redis.Redis, instance=True)
    client.scan_iter.return_value = [b"lock:web-a*b"]
    client.delete.return_value = 1
    monkeypatch.setattr(redis.Redis, "from_url", lambda *_, **__: client)
    talks = [("conversation", "web-a*b"), ("user_id", "demo")]
    assert erasers.erase_from_redis([], talks) == 0
    monkeypatch.setenv("REDIS_URL", "redis://somewhere")
    assert erasers.erase_from_redis([], talks) == 1
    # A sign that means "anything" to Redis is one of the talk's own here.
    client.scan_iter.assert_called_once_with(match="*web-a\\*b*", count=1000)
    client.delete.assert_called_once_with(b"lock:web-a*b")


def test_the_list_of_the_suppressed_holds_hashes_alone(demo):
    begin(demo)
    rows = everything()["suppressed"]
    assert len(rows) == 4
    assert all(len(row[0]) == 64 and row[0] not in {key for _, key in demo.ids} for row in rows)
    assert rows[0][0] != keys.match_key("user_id", "user-demo")
