"""From accepted events to people, profiles and tags, through the real intake."""

from __future__ import annotations

import argparse
import random
import threading
import time

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cdp import correction, identity, pipeline, profiles
from cdp.commands import work
from cdp.events import EventRow
from cdp.identity.tables import IdentifierRow
from cdp.intake.accept import accept
from cdp.pipeline import FailedRow
from cdp.profiles.tables import ProfileRow
from storage import Base, read, write
from tests.cdp.calls import SHOE, body_of, built_in, call, drain, person, states, tags_of, take
from tests.cdp.statements import statements


@pytest.fixture
def shops(database):
    """The sources, on both databases."""
    return built_in()


def test_a_click_on_a_short_video_becomes_a_profile_with_its_tags(shops):
    ad = {"campaign": {"source": "douyin", "medium": "cpc", "name": "double11"}}
    accept(
        shops["storefront"],
        [
            call(event="Ad Clicked", anonymousId="a1", context=ad, properties=SHOE),
            call("page", 4, anonymousId="a1", properties={"category": "running_shoes"}),
        ],
    )
    assert pipeline.run_once() == 2
    body = body_of("anonymous_id", "a1")
    assert body["first_touch"]["channel"] == "短视频渠道"
    assert body["first_touch"]["campaign"] == "double11"
    assert {"来源:短视频渠道", "兴趣:运动装备"} <= tags_of("anonymous_id", "a1")
    order = {"order_id": "o1", "total": 399.5, "products": [{**SHOE, "price": 399.5}]}
    take(shops["storefront"], call("identify", 3, anonymousId="a1", userId="lin"))
    take(shops["shop"], call(event="Order Completed", userId="lin", properties=order))
    assert person("anonymous_id", "a1") == person("user_id", "lin")
    assert body_of("user_id", "lin")["orders"]["value_cents"] == 39950
    assert "运动装备购买者" in tags_of("user_id", "lin")
    assert states() == {"done": 4}


def test_two_people_become_one_with_both_their_histories(shops):
    web = shops["storefront"]
    take(web, call("page", 9, anonymousId="a1"), call("page", 8, anonymousId="a1"))
    take(web, call("page", 7, userId="lin"), call("page", 6, anonymousId="a2"))
    take(web, call("identify", 5, anonymousId="a1", userId="lin"))
    body = body_of("user_id", "lin")
    assert body["counts"] == {"page": 3, "identify": 1}
    with read() as session:
        winner = person("user_id", "lin")
        assert {row.person_id for row in session.scalars(select(ProfileRow))} == {
            winner,
            person("anonymous_id", "a2"),
        }
        [merge] = identity.merges_of(session, winner)
    identity.undo_merge(merge.id)
    assert body_of("anonymous_id", "a1")["counts"] == {"page": 2}
    assert body_of("user_id", "lin")["counts"] == {"page": 1, "identify": 1}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same_profiles_and_a_rebuild_changes_nothing(shops, seed):
    """People, profiles and consent, from shuffled events in batches of any size."""
    drawn = random.Random(seed)
    raw = _history(drawn)
    expected = None
    for attempt in range(3):
        _forget_everything()
        for start in range(0, len(raw), size := drawn.randint(1, 9)):
            accept(shops["storefront"], raw[start : start + size])
            if drawn.random() < 0.7:
                pipeline.run_once(drawn.randint(1, 10))
        drain()
        found = _profiles_by_identifiers()
        expected = expected or found
        assert found == expected, f"attempt {attempt}"
        with write() as session:
            profiles.rebuild_many(session, list(session.scalars(select(ProfileRow.person_id))))
        assert _profiles_by_identifiers() == expected
        drawn.shuffle(raw)


def _history(drawn: random.Random) -> list[dict]:
    raw = []
    for _ in range(40):
        given: dict = {}
        if drawn.random() < 0.5:
            given["userId"] = f"u{drawn.randint(1, 3)}"
        if drawn.random() < 0.8 or not given:
            given["anonymousId"] = f"a{drawn.randint(1, 6)}"
        if drawn.random() < 0.2:
            given["traits"] = {"email": f"z{drawn.randint(1, 2)}@example.com", "size": 40}
            raw.append(call("identify", drawn.randint(1, 9999), **given))
            continue
        campaign = {"campaign": {"source": drawn.choice(["douyin", "baidu", "weixin"])}}
        context = campaign if drawn.random() < 0.3 else {}
        name = drawn.choice(["Product Viewed", "Product Added", "Order Completed"])
        properties = {**SHOE, "order_id": f"o{drawn.randint(1, 9)}", "total": 10}
        minutes = drawn.randint(1, 9999)
        raw.append(
            call("track", minutes, event=name, context=context, properties=properties, **given)
        )
    return raw


def _forget_everything() -> None:
    with write() as session:
        for table in Base.metadata.sorted_tables:
            if table.name != "sources":
                session.execute(table.delete())


def _profiles_by_identifiers() -> dict:
    """Bodies by the identifiers of their people; without event numbers, which are of arrival."""
    with read() as session:
        people: dict[int, list[str]] = {}
        for row in session.scalars(select(IdentifierRow)):
            people.setdefault(row.person_id, []).append(f"{row.kind}:{row.key}")
        bodies = profiles.load(session, people)
    return {
        tuple(sorted(named)): _without_numbers(bodies[number])
        for number, named in people.items()
        if number in bodies
    }


def _without_numbers(value):
    if isinstance(value, dict):
        return {name: _without_numbers(one) for name, one in value.items() if name != "seq"}
    return [_without_numbers(one) for one in value] if isinstance(value, list) else value


def test_what_a_shopper_corrected_wins_over_later_events_and_a_rebuild(shops):
    web = shops["storefront"]
    take(web, call("identify", 9, userId="lin", traits={"size": 38, "name": "Lin"}))
    number = person("user_id", "lin")
    with write() as session:
        correction.correct(session, number, "size", 40)
        correction.correct(session, number, "name", None)
    take(web, call("identify", 1, userId="lin", traits={"size": 37, "name": "Lin L."}))
    assert body_of("user_id", "lin")["traits"] == {"size": 40}
    with write() as session:
        assert profiles.rebuild(session, number)["traits"] == {"size": 40}


def test_one_poisonous_event_is_set_aside_and_taken_up_after_a_fix(shops, monkeypatch):
    real = profiles.store.fold

    def fails_for_one(body, one, *how):
        if one.message_id == "poison":
            raise KeyError("13812341234 lives in Hangzhou")
        real(body, one, *how)

    monkeypatch.setattr(profiles.store, "fold", fails_for_one)
    raw = [call("page", userId=f"u{n}") for n in range(9)]
    raw.insert(4, call("page", userId="u9", messageId="poison"))
    take(shops["storefront"], *raw)
    assert states() == {"done": 9, "failed": 1}
    with read() as session:
        [row] = session.scalars(select(FailedRow))
        assert row.reason.startswith("KeyError at test_pipeline.py:")
    monkeypatch.setattr(profiles.store, "fold", real)
    options = _options("--once", "--retry-failed")
    assert work.run(options) == 0
    assert states() == {"done": 10}
    assert body_of("user_id", "u9")["counts"] == {"page": 1}


def test_the_database_away_is_no_fault_of_the_events(shops, monkeypatch):
    accept(shops["storefront"], [call("page", userId="lin")])

    def away(*_):
        raise OperationalError("select", {}, Exception("away"))

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "process", away)
        with pytest.raises(OperationalError):
            pipeline.run_once()
    assert states() == {"new": 1}
    assert pipeline.pending() == 1


def test_the_thread_takes_up_what_arrives_and_ends_when_told(shops, monkeypatch):
    monkeypatch.setattr(pipeline.jobs, "run_due", lambda: [])
    monkeypatch.setenv("CDP_WORKER", "off")
    assert pipeline.start() is False
    monkeypatch.delenv("CDP_WORKER")
    assert pipeline.start() is True and pipeline.start() is False
    try:
        accept(shops["storefront"], [call("page", userId="lin")])
        ends = time.monotonic() + 60
        while states() != {"done": 1}:
            assert time.monotonic() < ends, states()
            time.sleep(0.01)
    finally:
        pipeline.stop()
    assert "cdp-pipeline" not in {one.name for one in threading.enumerate()}


def test_the_thread_outlives_any_exception(shops, monkeypatch):
    calls = []
    monkeypatch.setattr(pipeline, "LOOK_SECONDS", 0.01)

    def fails() -> int:
        calls.append(1)
        if len(calls) >= 3:
            pipeline.ask_to_stop()
        raise RuntimeError("no luck")

    monkeypatch.setattr(pipeline, "run_once", fails)
    pipeline._stop.clear()
    pipeline.run()
    assert len(calls) == 3


def test_an_event_costs_the_same_statements_whatever_is_stored(shops):
    """For a person with 10 stored events, and with 10,000."""
    web = shops["storefront"]
    counted = {}
    for name, stored in (("few", 10), ("many", 10_000)):
        take(web, *(call("page", 30, userId=name, anonymousId=f"a-{name}") for _ in range(10)))
        _copy_events(person("user_id", name), stored)
        take(web, call("page", 20, userId=name, anonymousId=f"a-{name}"))
        raw = [
            call("page", n / 10, userId=name, anonymousId=f"a-{name}", properties=SHOE)
            for n in range(50)
        ]
        accept(web, raw)
        counted[name] = statements(pipeline.run_once)
    assert counted["few"] == counted["many"] <= 40
    accept(web, [call("page", userId="few", anonymousId="a-few")])
    assert statements(pipeline.run_once) <= counted["few"], "and a batch costs as one event"


def _copy_events(number: int, up_to: int) -> None:
    """Store a person's event so many times more, as processed ones."""
    table = EventRow.__table__
    with write() as session:
        row = session.execute(select(table).where(table.c.person_id == number).limit(1)).one()
        one = {name: value for name, value in row._mapping.items() if name != "seq"}
        copies = [{**one, "message_id": f"copy {number} {n}"} for n in range(up_to - 10)]
        if copies:
            session.execute(table.insert(), copies)


def _options(*given):
    parser = argparse.ArgumentParser()
    work.add_arguments(parser)
    return parser.parse_args(given)
