"""Live trackers: nothing lost, nothing invented, whatever the database or a turn does."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    ConversationPaused,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from runtime import tracker as live_tracker
from runtime import tracker_store
from runtime.tracker_store import LiveTrackerStore

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [ask]
slots:
  size: {type: text, mappings: [{type: custom}]}
  colour: {type: text, influence_conversation: false, mappings: [{type: custom}]}
responses:
  utter_answer: [{text: yes}]
"""
)


@asynccontextmanager
async def opened(path, **options):
    store = LiveTrackerStore(DOMAIN, host=f"sqlite:///{path}", **options)
    try:
        yield store
    finally:
        store.close()


def turn(tracker, text="hello", *more):
    events = [UserUttered(text, {"name": "ask"}), ActionExecuted("utter_answer"), BotUttered("yes")]
    tracker.update_with_events([*events, *more, ActionExecuted("action_listen")], DOMAIN)


def start(tracker):
    events = [ActionExecuted("action_session_start"), SessionStarted()]
    tracker.update_with_events([*events, ActionExecuted("action_listen")], DOMAIN)


def run(talk):
    return asyncio.run(talk())


def test_a_saved_tracker_comes_back_after_a_restart(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a", append_action_listen=False)
            start(tracker)
            turn(tracker, "hello", SlotSet("size", "42"))
            await store.save(tracker)
            assert await store.retrieve("a") is tracker
        async with opened(tmp_path / "t.db") as store:
            again = await store.retrieve("a")
            assert again.current_state() == tracker.current_state()
            assert await store.exists("a") and not await store.exists("b")
            assert list(await store.keys()) == ["a"]
            assert await store.retrieve("b") is None

    run(talk)


def test_half_a_character_is_kept_as_it_is(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a", append_action_listen=False)
            start(tracker)
            turn(tracker, "half a \ud83d smile, a whole 😀", SlotSet("size", "42"))
            await store.save(tracker)
        async with opened(tmp_path / "t.db") as store:
            again = await store.retrieve("a")
            assert again.current_state() == tracker.current_state()

    run(talk)


def test_rasas_own_store_reads_what_ours_wrote_and_the_other_way(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker)
            await store.save(tracker)
        rasas = SQLTrackerStore(DOMAIN, db=str(tmp_path / "t.db"))
        theirs = await rasas.retrieve("a")
        assert list(theirs.events) == list(tracker.events)
        turn(theirs, "again")
        await rasas.save(theirs)
        async with opened(tmp_path / "t.db") as store:
            assert len((await store.retrieve("a")).events) == len(theirs.events)

    run(talk)


def test_only_the_last_session_is_live_and_the_full_tracker_has_all(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a", append_action_listen=False)
            for _ in range(2):
                start(tracker)
                turn(tracker)
            await store.save(tracker)
            total = len(tracker.events)
        async with opened(tmp_path / "t.db") as store:
            assert len((await store.retrieve("a")).events) < total
            assert len((await store.retrieve_full_tracker("a")).events) == total

    run(talk)


def test_a_turn_that_broke_off_leaves_no_trace(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker)
            await store.save(tracker)
            kept = len(tracker.events)
            tracker.update(UserUttered("lost", {"name": "ask"}), DOMAIN)
            again = await store.retrieve("a")
            assert len(again.events) == kept
            turn(again)
            await store.save(again)
            assert len((await store.retrieve_full_tracker("a")).events) == kept + 4

    run(talk)


def test_a_database_that_cannot_be_read_raises(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            with store._engine.begin() as connection:
                connection.execute(sa.text("DROP TABLE events"))
            with pytest.raises(sa.exc.SQLAlchemyError):
                await store.retrieve("a")

    run(talk)


def test_what_could_not_be_written_is_written_with_the_next_message(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db", most_live=1) as store:
            tracker = await store.get_or_create_tracker("a")
            with store._engine.begin() as connection:
                connection.execute(sa.text("ALTER TABLE events RENAME TO away"))
            turn(tracker)
            with pytest.raises(sa.exc.SQLAlchemyError):
                await store.save(tracker)
            with store._engine.begin() as connection:
                connection.execute(sa.text("ALTER TABLE away RENAME TO events"))
            await store.save(await store.get_or_create_tracker("b"))
            again = await store.retrieve("a")
            assert again is tracker
            turn(again)
            await store.save(again)
        async with opened(tmp_path / "t.db") as store:
            assert len((await store.retrieve("a")).events) == len(tracker.events)

    run(talk)


def test_memory_is_bounded(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db", most_live=3) as store:
            for name in "abcdef":
                tracker = await store.get_or_create_tracker(name)
                turn(tracker)
                await store.save(tracker)
            assert list(store._live) == ["d", "e", "f"]
            assert len((await store.retrieve("a")).events) == len(tracker.events)

    run(talk)


def test_many_conversations_at_once_are_all_written(tmp_path):
    async def one(store, name):
        for _ in range(5):
            tracker = await store.get_or_create_tracker(name)
            turn(tracker)
            await store.save(tracker)

    async def talk():
        async with opened(tmp_path / "t.db") as store:
            await asyncio.gather(*(one(store, str(number)) for number in range(40)))
        async with opened(tmp_path / "t.db") as store:
            lengths = {len((await store.retrieve(str(number))).events) for number in range(40)}
        assert lengths == {21}

    run(talk)


def test_old_events_give_way_and_the_database_keeps_them(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker, "hello", SlotSet("size", "42"), SlotSet("colour", "red"))
            for _ in range(100):
                turn(tracker)
                await store.save(tracker)
            assert len(tracker.events) <= live_tracker.MOST_EVENTS + 4
            assert tracker.get_slot("size") == "42" and tracker.get_slot("colour") == "red"
            whole = await store.retrieve_full_tracker("a")
            assert len(whole.events) == 1 + 6 + 100 * 4

    run(talk)


def test_a_pause_outlives_the_events_that_made_it(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker, "a person, please", ConversationPaused())
            for _ in range(100):
                tracker.update_with_events(
                    [UserUttered("hm", {"name": "ask"}), ActionExecuted("action_listen")], DOMAIN
                )
                await store.save(tracker)
            assert len(tracker.events) <= live_tracker.MOST_EVENTS + 4
            assert tracker.is_paused()

    run(talk)


def test_a_copy_goes_its_own_way(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            before = tracker.current_state()
            twin = tracker.copy()
            turn(twin, "hello", SlotSet("size", "42"))
            assert tracker.current_state() == before
            assert twin.get_slot("size") == "42"

    run(talk)


def test_a_tracker_made_by_the_http_api_adds_only_what_is_new(tmp_path):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker)
            await store.save(tracker)
            foreign = DialogueStateTracker.from_events("a", list(tracker.events), DOMAIN.slots)
            turn(foreign, "again")
            await store.save(foreign)
            whole = await store.retrieve_full_tracker("a")
            assert len(whole.events) == len(foreign.events)

    run(talk)


def test_a_save_that_is_given_up_on_is_not_written_twice(tmp_path, monkeypatch):
    insert = tracker_store._insert

    def slowly(*arguments):
        time.sleep(0.2)
        insert(*arguments)

    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker, "one")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(store.save(tracker), 0.05)
            turn(tracker, "two")
            await store.save(tracker)
            stored = await store.retrieve_full_tracker("a")
            said = [event.text for event in stored.events if isinstance(event, UserUttered)]
            assert said == ["one", "two"]

    monkeypatch.setattr(tracker_store, "_insert", slowly)
    run(talk)


def test_an_error_that_is_no_databases_reaches_who_waits(tmp_path, monkeypatch):
    async def talk():
        async with opened(tmp_path / "t.db") as store:
            tracker = await store.get_or_create_tracker("a")
            turn(tracker)
            with monkeypatch.context() as patched:
                patched.setattr(tracker_store, "_insert", lambda *_: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    await asyncio.wait_for(store.save(tracker), 5)
            await store.save(tracker)
            assert tracker.durable == len(tracker.events)

    run(talk)
