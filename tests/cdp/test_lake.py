"""The lake: every event once, by its day; who leaves is gone from the files."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest
from sqlalchemy import update

from cdp import consent, parts, pipeline, sources
from cdp.events import EventRow
from cdp.identity import person_of
from cdp.intake.accept import accept
from cdp.lake import engine, flush, forget, place
from cdp.lake.query import UnknownQuery, query
from storage import read, write

NOW = datetime(2026, 11, 20, 12)
LONG_AGO = datetime(2020, 1, 1)
YES = {"categoryPreferences": {"analytics": True}}


def event(number: int, who: str, day: int = 0, **more) -> dict:
    at = (NOW - timedelta(days=day)).isoformat() + "Z"
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m{number}",
        "anonymousId": who,
        "timestamp": at,
        "properties": {"product_id": f"P{number % 3}", "category": "running_shoes", "price": 9.9},
        "context": {"consent": YES, "campaign": {"source": "douyin", "medium": "short_video"}},
        **more,
    }


def take(*events: dict) -> None:
    verdicts = accept(sources.by_name("storefront"), list(events))
    assert all(verdict.status == "accepted" for verdict in verdicts), verdicts
    while pipeline.run_once():
        pass


@pytest.fixture(autouse=True)
def built_in(database):
    assert parts
    sources.ensure_builtin()


def test_every_event_once_in_the_folder_of_its_day():
    take(*(event(n, f"a{n % 4}", day=n % 3) for n in range(30)))
    assert flush.flush() == {"events": 30, "people": 1}
    assert flush.flush() == {"events": 0, "people": 0}
    days = {path.parent.name for path in place.event_files()}
    assert days == {"date=2026-11-18", "date=2026-11-19", "date=2026-11-20"}
    take(event(100, "a0", day=2))
    assert flush.flush()["events"] == 1
    rows = query("events_by_day", since=LONG_AGO)
    assert [(str(row["day"]), row["events"]) for row in rows] == [
        ("2026-11-18", 11), ("2026-11-19", 10), ("2026-11-20", 10),
    ]  # fmt: skip


def test_a_flush_that_was_killed_is_done_again_and_doubles_nothing(monkeypatch):
    take(*(event(n, "a", day=n % 2) for n in range(10)))
    written = engine.write

    def dies_at_the_second(rows, columns, path):
        if place.event_files():
            raise KeyboardInterrupt
        written(rows, columns, path)

    monkeypatch.setattr(engine, "write", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        flush.flush()
    monkeypatch.setattr(engine, "write", written)
    take(*(event(n, "a") for n in range(10, 15)))
    flush.flush()
    assert query("size")[0]["events"] == 15


def test_a_merge_changes_whose_events_are_and_no_file_of_events():
    take(event(1, "a"), event(2, "b"))
    flush.flush()
    before = {path: path.stat().st_mtime_ns for path in place.event_files()}
    assert query("top_products", since=LONG_AGO, most=5)[0]["people"] == 1
    assert {row["people"] for row in query("channels_by_day", since=LONG_AGO)} == {2}
    take(event(3, "a", userId="lin"), event(4, "b", userId="lin"))
    flush.flush()
    assert {row["people"] for row in query("channels_by_day", since=LONG_AGO)} == {1}
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())


def test_who_withdraws_leaves_the_files():
    take(event(1, "a"), event(2, "b"), event(3, "a"))
    flush.flush()
    with write() as session:
        consent.record(session, [("anonymous_id", "a")], ["analytics"], False, "web", "test")
    assert forget.waiting()
    assert forget.forget_waiting() == 2
    assert not forget.waiting() and query("size")[0]["events"] == 1


def test_an_erasure_takes_the_person_out_and_nobody_else():
    take(event(1, "a"), event(2, "b"))
    flush.flush()
    with read() as session:
        person = person_of(session, [("anonymous_id", "a")])
    assert forget._erase([person], []) == 1
    with duckdb.connect() as connection:
        left = connection.execute(
            "SELECT message_id FROM read_parquet(?)", [str(place.root() / "events/*/*.parquet")]
        ).fetchall()
    assert left == [("m2",)]


def test_what_is_not_for_analytics_or_not_yet_processed_stays_out():
    take(event(1, "a"))
    shop = sources.by_name("shop")
    accept(shop, [event(2, "a", context={})])
    while pipeline.run_once():
        pass
    accept(sources.by_name("storefront"), [event(3, "a")])
    flush.flush()
    assert query("size")[0]["events"] == 1
    while pipeline.run_once():
        pass
    flush.flush()
    assert query("size")[0]["events"] == 2


def test_a_file_half_written_is_seen_by_nobody():
    take(event(1, "a"))
    flush.flush()
    place.event_files()[0].with_suffix(".writing").write_bytes(b"PAR1 half")
    assert query("size")[0]["events"] == 1


def test_old_days_are_purged():
    take(event(1, "a", day=10), event(2, "a"))
    flush.flush()
    assert forget.purge("2026-11-15") == 1
    assert query("size")[0]["events"] == 1


def test_unknown_queries_and_engines_are_refused(monkeypatch):
    with pytest.raises(UnknownQuery, match="expected one of"):
        query("drop table")
    monkeypatch.setenv("ANALYTICS_URL", "spark://there")
    with pytest.raises(engine.UnknownEngine, match="duckdb:"):
        query("size")


def test_a_file_that_is_replaced_while_it_is_read_is_looked_for_again(monkeypatch):
    take(event(1, "a"))
    flush.flush()
    looked = place.event_files
    stale = iter([[place.root() / "events/date=2026-11-20/1-1.parquet.gone"]])
    monkeypatch.setattr(place, "event_files", lambda: next(stale, None) or looked())
    assert query("size")[0]["events"] == 1
    monkeypatch.setattr(place, "event_files", lambda: [place.root() / "never.parquet"])
    with pytest.raises(engine.Gone):
        query("size")


def test_what_the_engine_refuses_is_said_in_words_of_ours():
    with pytest.raises(engine.Failed, match="since"):
        query("funnel")


def test_every_named_query_answers():
    take(*(event(n, f"a{n}") for n in range(3)))
    take(event(9, "a1", event="Order Completed", properties={"order_id": "o1", "total": 99}))
    flush.flush()
    assert query("funnel", since=LONG_AGO) == [{"viewed": 3, "in_cart": 0, "ordered": 1}]
    assert query("retention", since=LONG_AGO)[0]["people"] == 3
    revenue = query("revenue_by_channel", since=LONG_AGO)
    assert revenue == [{"channel": "douyin/short_video", "orders": 1, "total_cents": 9900}]


def test_an_event_moved_by_hand_is_noticed():
    take(event(1, "a"))
    flush.flush()
    with write() as session:
        session.execute(update(EventRow).values(person_id=77))
    assert flush.refresh_people() == 1
