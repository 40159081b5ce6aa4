"""What is past its period goes, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from cdp import consent, jobs, retention
from cdp.consent import ConsentRow
from cdp.events import EventRow
from cdp.privacy import DataRequestRow
from cdp.retention import BadRules
from connectors.rooms import ChoiceRow, InboxRow
from storage import read, write

NOW = datetime(2026, 11, 22, 3)


def days(number: int) -> datetime:
    return NOW - timedelta(days=number)


def count(table) -> int:
    with read() as session:
        return len(session.execute(select(table.__table__)).all())


def put_events(number: int, at: datetime, start: int = 0) -> None:
    with write() as session:
        session.execute(
            insert(EventRow),
            [
                {
                    "source_id": 1,
                    "message_id": f"m{start + one}",
                    "type": "track",
                    "kind": "view",
                    "occurred_at": at,
                    "received_at": at,
                    "body": "{}",
                    "state": "done",
                }
                for one in range(number)
            ],
        )


def test_the_rules_are_in_order_and_name_what_is_kept():
    named = {one.table for one in retention.periods()}
    assert {"events", "refused_events", "room_messages", "inbox", "cases", "consents"} <= named
    assert all(len(one.why) > 20 for one in retention.periods())


def test_old_events_go_in_several_transactions(database, monkeypatch):
    monkeypatch.setattr(retention, "_CHUNK", 7)
    put_events(20, days(731))
    put_events(3, days(729), start=100)
    assert retention.due(NOW)["events"] == 20
    assert retention.purge(NOW)["events"] == 20
    assert count(EventRow) == 3 and retention.due(NOW)["events"] == 0


def test_only_rows_in_the_named_state_go(database):
    with write() as session:
        for number, state in enumerate(("done", "new")):
            session.add(
                InboxRow(
                    channel="web",
                    conversation="c",
                    client_id=str(number),
                    seq=number,
                    text="t",
                    context="{}",
                    state=state,
                    received_at=days(400),
                )
            )
        session.add(ChoiceRow(token="t", conversation="c", title="t", payload="/x", at=days(31)))
        session.add(
            DataRequestRow(person="p", kind="export", state="open", message_key="k", at=days(4000))
        )
    gone = retention.purge(NOW)
    assert (gone["inbox"], gone["choices"], gone["data_requests"]) == (1, 1, 0)


def test_of_consents_the_newest_stays_however_old(database):
    ids = [("user_id", "demo")]
    with write() as session:
        consent.record(session, ids, ("analytics",), True, "web", "m", at=days(4000))
        consent.record(session, ids, ("analytics",), False, "web", "m", at=days(3000))
    assert retention.purge(NOW)["consents"] == 1
    with read() as session:
        assert [row.granted for row in session.scalars(select(ConsentRow))] == [False]


def test_a_job_of_every_day_does_it(database, monkeypatch):
    # Whatever else is due then is not ours.
    job = jobs._jobs["retention.purge"]
    monkeypatch.setattr(jobs, "_jobs", {"retention.purge": job})
    put_events(2, days(731))
    assert jobs.run_due(NOW, wait=True) == ["retention.purge"]
    assert count(EventRow) == 0
    put_events(1, days(731))
    assert jobs.run_due(NOW + timedelta(hours=23), wait=True) == []
    assert jobs.run_due(NOW + timedelta(hours=24), wait=True) == ["retention.purge"]
    assert count(EventRow) == 0


def test_a_table_that_is_not_here_is_passed_over(database, tmp_path, monkeypatch):
    path = tmp_path / "retention.yml"
    path.write_text("- {table: nothing_here, column: at, days: 1, why: a test}")
    monkeypatch.setattr(retention, "RULES", path)
    monkeypatch.setattr(retention.periods, "__defaults__", (path,))
    assert retention.purge(NOW) == {}


def test_everything_wrong_is_said_at_once(tmp_path):
    path = tmp_path / "retention.yml"
    path.write_text(
        "- {table: a, column: b, days: 0, why: x}\n- {table: a, colum: b, days: 1, why: x}\n"
    )
    with pytest.raises(BadRules) as bad:
        retention.periods(path)
    assert "entry 1: days is 0" in str(bad.value) and "entry 2: unknown ['colum']" in str(bad.value)
