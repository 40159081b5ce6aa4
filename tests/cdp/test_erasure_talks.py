"""The Rasa server's step of an erasure: trackers in memory and in the database, and the rooms."""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SessionStarted, UserUttered

from cdp import erasure, export, parts
from connectors import rooms
from connectors.erasures import conversations_of, erase_rooms
from connectors.socketio import shown
from runtime.erasures import Erasures
from runtime.lock_store import WakingLockStore
from runtime.tracker_store import SCHEMA, LiveTrackerStore
from storage import read, write
from tests.cdp.one_shopper import found_in

pytestmark = pytest.mark.slow

DOMAIN = Domain.from_yaml('version: "3.1"\nintents: [ask]\nactions: []\n')
LATER = datetime(2100, 1, 1)


def talk(conversation: str, shopper: str | None, text: str) -> None:
    """A message that was answered with a choice."""
    rooms.accept("web", conversation, "m1", text, text, {"shopper": shopper, "address": None})
    answer = {"text": f"回答 {text}", "buttons": [{"title": "好", "payload": "/affirm"}]}
    rooms.finish(rooms.pending(conversation), [answer])


@pytest.fixture(autouse=True)
def without_rasas_tables(database):
    """The next test starts without what a tracker store made here."""
    yield
    if database == "postgresql":
        with write() as session:
            session.execute(sa.text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


@pytest.fixture
def talks(database):
    talk("web-one", "demo", "说的话-demo")
    talk("web-two", "demo", "说的话-demo")
    talk("web-lin", "lin", "说的话-lin")
    return database


async def said(store: LiveTrackerStore, conversation: str, text: str) -> None:
    tracker = await store.get_or_create_tracker(conversation, append_action_listen=False)
    tracker.update_with_events([SessionStarted(), UserUttered(text, {"name": "ask"})], DOMAIN)
    await store.save(tracker)


def test_rooms_are_found_by_shopper_and_erased(talks):
    assert sorted(conversations_of(["demo"])) == ["web-one", "web-two"]
    assert conversations_of(["dem"]) == conversations_of([]) == conversations_of(["%"]) == []
    shown.move("web-one", 2)
    kept = {"inbox": 1, "room_messages": 2, "choices": 1, "socketio_rooms": 1}
    assert erase_rooms(["web-one"]) == kept
    assert erase_rooms(["web-one"]) == dict.fromkeys(kept, 0)
    assert len(rooms.history("web-two")) == 2


def test_what_was_said_is_part_of_a_copy(talks):
    with read() as session:
        copy = export.gather(session, [("user_id", "demo"), ("conversation", "web-lost")])
    talks = {one["name"]: one["content"] for one in copy["sections"]}["talks"]
    assert {one["conversation"] for one in talks} == {"web-one", "web-two"}
    assert "说的话-demo" in {one["text"] for one in talks}


def test_the_rasa_server_forgets_talks_and_says_so(talks):
    assert parts.erasers
    with write() as session:
        number = erasure.begin(session, [("user_id", "demo")], "web")
    erasure.run(number)

    async def serve() -> dict:
        store = LiveTrackerStore(DOMAIN)
        try:
            for conversation, name in (("web-one", "demo"), ("web-lin", "lin")):
                await said(store, conversation, f"说的话-{name}")
            agent = SimpleNamespace(tracker_store=store, lock_store=WakingLockStore())
            done = await Erasures(agent).run_due(LATER)
            left = {one: await store.retrieve(one) for one in ("web-one", "web-lin")}
            # Not from memory alone: another start finds nothing either.
            again = LiveTrackerStore(DOMAIN)
            left["again"] = await again.retrieve("web-one")
            again.close()
            return {"done": done, **left}
        finally:
            store.close()

    found = asyncio.run(serve())
    assert found["done"] == 1
    assert found["web-one"] is None and found["again"] is None
    assert found["web-lin"].latest_message.text == "说的话-lin"
    systems = {one["name"]: one["deleted"] for one in erasure.receipt(number)["systems"]}
    assert systems["talks"] == {
        "conversations": 2,
        "tracker_events": 2,
        "inbox": 2,
        "room_messages": 4,
        "choices": 2,
        "socketio_rooms": 0,
    }
    assert erasure.receipt(number)["state"] == "done"
    assert found_in(["说的话-demo", "web-one", "web-two"]) == set()
    assert "room_messages" in found_in(["说的话-lin"])


def test_a_talk_that_is_being_answered_is_waited_for(talks):
    async def serve() -> list[str]:
        store, order = LiveTrackerStore(DOMAIN), []
        agent = SimpleNamespace(tracker_store=store, lock_store=WakingLockStore())
        with write() as session:
            erasure.begin(session, [("conversation", "web-one")], "web")
        async with agent.lock_store.lock("web-one"):
            erasing = asyncio.create_task(Erasures(agent).run_due(LATER))
            await asyncio.sleep(0.1)
            await said(store, "web-one", "说的话-demo")
            order.append("answered")
        await erasing
        order.append("erased" if await store.retrieve("web-one") is None else "left")
        store.close()
        return order

    assert asyncio.run(serve()) == ["answered", "erased"]


def test_the_watch_goes_on_when_the_database_is_away(talks, monkeypatch):
    rounds = []

    async def fails(self, now=None):
        rounds.append(1)
        raise sa.exc.OperationalError("away", None, Exception())

    async def serve() -> None:
        monkeypatch.setattr(Erasures, "run_due", fails)
        watch = Erasures(SimpleNamespace(), every=0.01)
        watch.start()
        await asyncio.sleep(0.2)
        await watch.stop()

    asyncio.run(serve())
    assert len(rounds) > 2


def test_in_one_postgresql_rasas_events_and_ours_do_not_meet(database):
    if database != "postgresql":
        pytest.skip("on SQLite they are two files")

    async def serve() -> int:
        store = LiveTrackerStore(DOMAIN)
        await said(store, "web-one", "hello")
        gone = await store.erase("web-one")
        store.close()
        return gone

    assert asyncio.run(serve()) == 2
    with read() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM events")) == 0
        assert session.scalar(sa.text("SELECT count(*) FROM rasa.events")) == 0
