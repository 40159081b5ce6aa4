"""A batch on its way into the tables: verdicts, what is stored, duplicates, what is set aside."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from cdp import keys, pipeline, sources
from cdp.events import Event, EventRow
from cdp.intake import accept as intake
from cdp.intake import refused
from cdp.intake.accept import accept
from cdp.intake.refused import RefusedRow, Replay
from cdp.intake.together import Together
from storage import read, write
from tests.cdp.intake_events import consent, track

NOW = datetime(2026, 11, 22, 12, 0, 0)


@pytest.fixture
def web(database) -> sources.Source:
    return sources.create("web", "web", "carried")


def stored() -> list[Event]:
    with read() as session:
        return [Event.from_row(row) for row in session.scalars(select(EventRow).order_by("seq"))]


def aside() -> list[RefusedRow]:
    with read() as session:
        return list(session.scalars(select(RefusedRow).order_by(RefusedRow.id)))


def test_what_is_accepted_is_stored_as_the_pipeline_reads_it(web, monkeypatch):
    woken = []
    monkeypatch.setattr(pipeline, "wake", lambda: woken.append(1))
    verdicts = accept(web, [track(messageId="m1", userId="u1")], NOW)
    assert [(one.message_id, one.status) for one in verdicts] == [("m1", "accepted")]
    assert woken == [1]
    (event,) = stored()
    assert (event.source_id, event.message_id, event.type) == (web.id, "m1", "track")
    assert (event.name, event.kind, event.person_id) == ("Product Viewed", "view", None)
    assert (event.at, event.received_at) == (NOW, NOW)
    assert event.ids == [("user_id", "u1"), ("anonymous_id", "visitor-1")]
    assert event.body["purposes"] == ["analytics"]
    with read() as session:
        assert session.scalars(select(EventRow.state)).all() == ["new"]


def test_a_bad_event_does_not_spoil_its_batch(web):
    batch = [
        track(messageId="a"),
        "no event",
        track(messageId="b", properties={"price": "x"}),
        track(messageId="c", context={}),
        track(messageId="d"),
        track(messageId="e", anonymousId=None),
    ]
    verdicts = accept(web, batch, NOW)
    assert [(one.message_id, one.status, one.code) for one in verdicts] == [
        ("a", "accepted", None),
        (None, "refused", "consent_missing"),
        ("b", "refused", "invalid"),
        ("c", "refused", "consent_missing"),
        ("d", "accepted", None),
        ("e", "refused", "missing_id"),
    ]
    assert [event.message_id for event in stored()] == ["a", "d"]


def test_an_event_counts_once_however_often_it_comes(web):
    other = sources.create("other", "web", "carried")
    same = track(messageId="m")
    assert [one.status for one in accept(web, [same, dict(same)])] == ["accepted", "duplicate"]
    assert [one.status for one in accept(web, [dict(same), track(messageId="n")])] == [
        "duplicate",
        "accepted",
    ]
    # Another source numbers its events as it likes.
    assert [one.status for one in accept(other, [dict(same)])] == ["accepted"]
    assert [(event.source_id, event.message_id) for event in stored()] == [
        (web.id, "m"),
        (web.id, "n"),
        (other.id, "m"),
    ]


def test_many_at_once_send_the_same_events(web):
    batches = [[track(messageId=f"m{n}") for n in range(20)] for _ in range(8)]
    statuses, started = [], threading.Barrier(len(batches))

    def send(batch) -> None:
        started.wait()
        statuses.extend(one.status for one in accept(web, batch))

    threads = [threading.Thread(target=send, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["accepted"] * 20 + ["duplicate"] * 140
    assert sorted(event.message_id for event in stored()) == sorted(f"m{n}" for n in range(20))


def test_without_consent_nothing_of_the_body_is_kept(web):
    secret = {"properties": {"note": "geheim"}, "userId": "geheim"}
    accept(
        web,
        [
            track(messageId="a", context={}, **secret),
            track(messageId="b", context=consent(analytics=False), properties=secret),
        ],
        NOW,
    )
    rows = aside()
    assert [(row.message_id, row.code, row.body, row.received_at) for row in rows] == [
        ("a", "consent_missing", None, NOW),
        ("b", "consent_denied", None, NOW),
    ]
    (denial,) = stored()
    assert (denial.message_id, denial.kind) == ("b", "consent")
    assert denial.body["consent"] == {"analytics": False}
    assert "geheim" not in str([vars(row) for row in rows]) + str(denial)


def test_a_refused_event_is_kept_so_that_nobody_reads_it_in_a_dump(web):
    raw = track(messageId="a", userId="geheim", properties={"price": "x"})
    accept(web, [raw], NOW)
    (row,) = aside()
    assert (row.source_id, row.code, row.field) == (web.id, "invalid", "properties.price")
    assert "geheim" not in row.body
    assert refused.body_of(row.id) == raw
    assert refused.counts() == {"invalid": 1}
    # Sent again, it is refused again, and stands there once.
    accept(web, [dict(raw)], NOW)
    assert len(aside()) == 1


def test_refused_events_are_replayed_after_a_fix(web, monkeypatch):
    early = datetime(2026, 11, 1)
    accept(
        web,
        [
            track(messageId="a", anonymousId=None),
            track(messageId="b", context=consent() | {"userAgent": "shop-app bot/1"}),
            track(messageId="c", context={}),
        ],
        early,
    )
    assert refused.counts() == {"missing_id": 1, "bot": 1, "consent_missing": 1}
    assert refused.replay() == Replay(accepted=0, refused=2)
    # The fix: the shop's own app is no crawler.
    monkeypatch.setattr(intake.standardise.__globals__["devices"], "is_bot", lambda agent: False)
    assert refused.replay(code="missing_id") == Replay(accepted=0, refused=1)
    bot = next(row.id for row in aside() if row.code == "bot")
    assert refused.replay(ids=[bot]) == Replay(accepted=1, refused=0)
    (event,) = stored()
    assert (event.message_id, event.received_at) == ("b", early)
    assert refused.counts() == {"missing_id": 1, "consent_missing": 1}
    assert refused.replay(ids=[bot]) == Replay(accepted=0, refused=0)


def test_a_replay_of_what_has_come_since_counts_once(web, monkeypatch):
    raw = track(messageId="b", context=consent() | {"userAgent": "shop-app bot/1"})
    accept(web, [raw])
    monkeypatch.setattr(intake.standardise.__globals__["devices"], "is_bot", lambda agent: False)
    accept(web, [dict(raw)])
    assert refused.replay() == Replay(accepted=1, refused=0)
    assert len(stored()) == 1


def test_a_batch_of_nothing(web):
    assert accept(web, []) == []


def test_values_that_no_text_column_takes(web):
    raw = track(messageId="m", properties={"note": "a\x00b", "long": "x" * 9_000})
    assert [one.status for one in accept(web, [raw])] == ["accepted"]
    (event,) = stored()
    assert event.body["properties"]["note"] == "a\x00b"
    assert len(event.body["properties"]["long"]) == 4_000


def test_if_the_database_fails_nothing_of_the_batch_is_kept(web, monkeypatch):
    def broken(session, rows) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(refused, "keep", broken)
    with pytest.raises(OperationalError):
        accept(web, [track(), track(anonymousId=None)])
    assert stored() == []


def test_what_waits_is_written_together_and_fails_alone():
    calls, gate, first = [], threading.Event(), threading.Event()

    def write_all(take) -> list[int]:
        works = take()
        calls.append(list(works))
        first.set()
        gate.wait(10)
        if 13 in works:
            raise ValueError("13")
        return [work * 10 for work in works]

    together, answers = Together(write_all), {}

    def send(work: int) -> None:
        try:
            answers[work] = together.write(work)
        except ValueError as error:
            answers[work] = str(error)

    threads = [threading.Thread(target=send, args=(work,)) for work in (1, 12, 13, 14)]
    threads[0].start()
    assert first.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(together._waiting) < 3:
        pass
    gate.set()
    for thread in threads:
        thread.join(10)
    assert answers == {1: 10, 12: 120, 13: "13", 14: 140}
    assert calls[0] == [1]
    assert sorted(calls[1]) == [12, 13, 14]


def test_what_was_hashed_before_a_rotation_ended_is_hashed_anew(web, monkeypatch):
    old, new = "old-key-" * 4, "new-key-" * 4
    monkeypatch.setenv("CDP_HASH_KEY", f"{new},{old}")
    judge = intake._judge

    def rotate_meanwhile(*args):
        judged = judge(*args)
        with write() as session:
            session.merge(keys.MatchKeyRow(id=1, fingerprint=keys.fingerprint(new)))
        return judged

    monkeypatch.setattr(intake, "_judge", rotate_meanwhile)
    batch = intake._Batch(web, [track(traits={"email": "a@b.cn"})], [], NOW, old)
    batch.judged = [rotate_meanwhile(web, batch.raw[0], NOW)]
    monkeypatch.setattr(intake, "_judge", judge)
    intake._write(lambda: [batch])
    (event,) = stored()
    assert ("email", keys.key_with("email", "a@b.cn", new)) in event.ids


def test_on_a_server_the_intake_waits_for_no_other_writer(web, database):
    taken = threading.Event()
    bringing = threading.Thread(target=lambda: (accept(web, [track()]), taken.set()))
    with write() as session:
        session.execute(text("SELECT 1"))
        bringing.start()
        on_server = database == "postgresql"
        assert taken.wait(60 if on_server else 2) == on_server
    assert taken.wait(60)
    bringing.join(10)
    assert len(stored()) == 1


def test_an_event_brought_twice_at_once_is_there_once(web, monkeypatch):
    # Neither finds it stored, as happens when both look before either has written.
    monkeypatch.setattr(intake, "_known", lambda *_: set())
    event = track()
    for _ in range(2):
        (verdict,) = accept(web, [event])
        assert verdict.status == intake.ACCEPTED
    assert len(stored()) == 1
