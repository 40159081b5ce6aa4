"""Jobs: run when due, by one process at a time, and taken up again after a crash."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from cdp import jobs
from storage import create_tables, read, write

NOON = datetime(2026, 11, 22, 12)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_other_jobs(monkeypatch):
    monkeypatch.setattr(jobs, "_jobs", {})
    monkeypatch.setattr(jobs, "_running", None)


def row(name: str) -> jobs.JobRow:
    with read() as session:
        return session.get(jobs.JobRow, name)


def test_a_job_runs_when_it_is_due_and_its_result_is_kept(database):
    times = []

    @jobs.job("count", every=HOUR)
    def count(now):
        times.append(now)
        return {"rows": len(times)}

    assert jobs.run_due(NOON, wait=True) == ["count"]
    assert jobs.run_due(NOON + timedelta(minutes=59), wait=True) == []
    assert jobs.run_due(NOON + HOUR, wait=True) == ["count"]
    assert times == [NOON, NOON + HOUR]
    assert row("count").last_result == '{"rows": 2}' and row("count").lease_until is None


def test_a_job_that_fails_says_what_kind_of_error_and_is_run_again(database):
    @jobs.job("bad", every=HOUR)
    def bad():
        raise ValueError("13812341234 is no phone")

    jobs.run_due(NOON, wait=True)
    assert row("bad").last_error == "ValueError"
    assert jobs.run_due(NOON + HOUR, wait=True) == ["bad"]


def test_one_process_at_a_time(database):
    inside, release, runs = threading.Event(), threading.Event(), []

    @jobs.job("slow", every=HOUR)
    def slow():
        runs.append(1)
        inside.set()
        assert release.wait(10)

    first = threading.Thread(target=jobs.run, args=("slow",))
    first.start()
    assert inside.wait(10)
    assert jobs.run("slow") is False
    assert jobs.run_due(wait=True) == []
    release.set()
    first.join()
    assert runs == [1]


def test_what_a_killed_process_left_is_taken_up_when_its_lease_is_over(database):
    @jobs.job("long", every=timedelta(days=1), lease=HOUR)
    def long():
        return "done"

    jobs.run_due(NOON, wait=True)
    with write() as session:
        session.execute(
            update(jobs.JobRow).values(lease_until=NOON + HOUR, lease_owner="somebody dead")
        )
    assert jobs.run_due(NOON + timedelta(minutes=30), wait=True) == []
    assert jobs.run_due(NOON + HOUR, wait=True) == ["long"]
    with read() as session:
        assert session.scalar(select(jobs.JobRow.lease_owner)) is None


def test_many_at_once_run_it_once(database):
    runs, start = [], threading.Barrier(6)

    @jobs.job("once", every=HOUR)
    def once():
        runs.append(1)

    def tick():
        start.wait()
        jobs.run_due(NOON, wait=True)

    threads = [threading.Thread(target=tick) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs == [1]


def test_without_anything_to_do_nothing_is_written(database):
    asked = []

    @jobs.job("idle", every=timedelta(seconds=1), when=lambda: bool(asked))
    def idle():
        return "ran"

    assert jobs.run_due(NOON, wait=True) == [] and row("idle") is None
    asked.append(1)
    assert jobs.run_due(NOON, wait=True) == ["idle"]


def test_the_caller_is_not_kept_waiting(database):
    release = threading.Event()

    @jobs.job("slow", every=HOUR)
    def slow():
        release.wait(10)

    assert jobs.run_due(NOON) == ["slow"]
    assert jobs.run_due(NOON) == [] and not jobs.join(0.01)
    release.set()
    assert jobs.join(10) and row("slow").last_finished is not None


def test_an_unknown_job_is_named(database):
    with pytest.raises(jobs.UnknownJob, match="nothing"):
        jobs.run("nothing")


def test_the_console_sees_jobs_that_never_ran(database):
    @jobs.job("new", every=HOUR)
    def new():
        return None

    assert [(one["name"], one["every_s"], one["last_started"]) for one in jobs.states()] == [
        ("new", 3600, None)
    ]


def test_what_computes_for_long_is_run_in_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    monkeypatch.setenv("QUDAO_DEMO", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    create_tables()

    @jobs.job("segments.rebuild", every=HOUR, apart=True)
    def here():
        raise AssertionError("not in this process")

    assert jobs.run_due() == ["segments.rebuild"]
    assert jobs.join(60)
    assert (row("segments.rebuild").last_result, row("segments.rebuild").last_error) == ("{}", None)
    assert jobs.run_due() == []


@pytest.mark.parametrize("executable", ["/no/such/python", "/bin/false"])
def test_it_is_run_here_where_there_is_no_other_process(database, monkeypatch, executable):
    jobs.job("count", every=HOUR, apart=True)(lambda: "here")
    monkeypatch.setattr(jobs.sys, "executable", executable)
    jobs.run_due(NOON)
    assert jobs.join(60)
    assert row("count").last_result == "here"


def test_a_job_that_is_not_due_is_left_alone(database):
    times = []
    jobs.job("count", every=HOUR)(lambda: times.append(1))
    assert jobs.run_if_due("count") is True
    assert jobs.run_if_due("count") is False
    assert len(times) == 1
