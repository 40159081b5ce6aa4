"""The broker that Rasa loads: it never raises, never waits, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from statistics import median

import pytest
import yaml
from rasa.core.brokers.broker import EventBroker
from rasa.core.brokers.kafka import KafkaEventBroker
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, UserUttered
from rasa.utils.endpoints import EndpointConfig

from cdp.talk.outbox import Outbox, outbox_path
from runtime import event_broker
from runtime.event_broker import MaskingKafkaBroker, OutboxBroker, kafka_settings
from runtime.tracker_store import LiveTrackerStore

DOMAIN = Domain.from_yaml('version: "3.1"\nintents: [ask]\n')


def kept() -> list[dict]:
    outbox = Outbox()
    found = [json.loads(body) for _, body in outbox.oldest(100_000)]
    outbox.close()
    return found


def said(number: int, at: float | None = None) -> dict:
    event = UserUttered(f"line {number}", {"name": "ask"}, timestamp=at).as_dict()
    return {"sender_id": "web-a", **event}


async def created() -> EventBroker:
    with open("endpoints.yml", encoding="utf-8") as file:
        settings = yaml.safe_load(file)["event_broker"]
    made = await EventBroker.create(EndpointConfig(**settings), loop=asyncio.get_running_loop())
    assert type(made) is OutboxBroker
    return made


async def talk(store: LiveTrackerStore, lines: int) -> None:
    for number in range(lines):
        tracker = await store.get_or_create_tracker("web-a", append_action_listen=False)
        if not tracker.events:
            tracker.update(SessionStarted())
        tracker.update(UserUttered(f"line {number} 13812341234", {"name": "ask"}))
        tracker.update(ActionExecuted("action_faq"))
        tracker.update(BotUttered(f"answer {number}"))
        tracker.update(ActionExecuted("action_listen"))
        await store.save(tracker)


async def test_the_live_tracker_store_publishes_what_it_has_stored(state):
    broker = await created()
    store = LiveTrackerStore(DOMAIN, event_broker=broker)
    await talk(store, 3)
    store.close()
    await broker.close()
    names = [raw["event"] for raw in kept()]
    assert names == ["Conversation Started"] + 3 * [
        "Message Sent",
        "Action Taken",
        "Message Received",
    ]
    assert "13812341234" not in outbox_path().read_bytes().decode("utf-8", "ignore")


async def test_publishing_takes_no_time_and_does_not_raise(state):
    broker = await created()
    seconds = []
    for number in range(1_000):
        begun = time.monotonic()
        broker.publish(said(number))
        seconds.append(time.monotonic() - begun)
    broker.publish({"event": "user", "sender_id": None})
    broker.publish({})
    # The middle one: a busy machine takes the processor away now and then.
    assert median(seconds) < 0.001
    await broker.close()
    assert len(kept()) == 1_000


async def test_an_outbox_that_cannot_be_written_is_waited_for(state):
    # A folder in its place: SQLite cannot open it.
    outbox_path().mkdir()
    broker = await created()
    for number in range(5):
        broker.publish(said(number))
    await asyncio.sleep(0.4)
    outbox_path().rmdir()
    until = time.monotonic() + 60
    while not outbox_path().is_file() and time.monotonic() < until:
        await asyncio.sleep(0.05)
    await broker.close()
    assert [raw["properties"]["text"] for raw in kept()] == [f"line {n}" for n in range(5)]


async def test_what_the_queue_could_not_hold_comes_from_the_tracker_store(state, monkeypatch):
    begun = asyncio.Event()

    class Slow(OutboxBroker):
        def _keep(self, events):
            begun.set()
            time.sleep(0.3)
            super()._keep(events)

    broker = Slow(most_queued=2)
    store = LiveTrackerStore(DOMAIN, event_broker=broker)
    await talk(store, 8)
    until = time.monotonic() + 60
    while time.monotonic() < until and len({raw["messageId"] for raw in kept()}) < 25:
        await asyncio.sleep(0.1)
    store.close()
    await broker.close()
    texts = {raw["properties"].get("text") for raw in kept()}
    assert {f"answer {number}" for number in range(8)} <= texts and len(kept()) == 25


def test_killed_it_takes_up_at_the_next_start_what_it_had_not_written(state):
    code = textwrap.dedent(
        """
        import asyncio, time
        from runtime import event_broker
        from runtime.tracker_store import LiveTrackerStore
        from tests.runtime.test_event_broker import DOMAIN, talk

        class Never(event_broker.OutboxBroker):
            def _keep(self, events):
                time.sleep(600)

        async def main():
            store = LiveTrackerStore(DOMAIN, event_broker=Never())
            await talk(store, 4)
            print("said", flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert child.stdout.readline() == b"said\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert kept() == []

    async def again():
        broker = OutboxBroker()
        until = time.monotonic() + 60
        while len(kept()) < 13 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        await broker.close()

    asyncio.run(again())
    assert len(kept()) == 13
    assert [raw["properties"]["text"] for raw in kept() if raw["event"] == "Message Received"] == [
        f"answer {number}" for number in range(4)
    ]


async def test_the_environment_may_name_kafka(state, monkeypatch):
    assert await OutboxBroker.from_endpoint_config(None) is None
    made = {}
    monkeypatch.setattr(event_broker, "MaskingKafkaBroker", lambda **given: made.update(given))
    monkeypatch.setenv("EVENT_BROKER_URL", "kafka://a:1,b:2/talk?security.protocol=SASL_SSL")
    monkeypatch.setenv("KAFKA_PASSWORD", "p")
    await OutboxBroker.from_endpoint_config(EndpointConfig())
    assert made == {
        "url": ["a:1", "b:2"],
        "topic": "talk",
        "partition_by_sender": True,
        "security_protocol": "SASL_SSL",
        "sasl_password": "p",
    }
    with pytest.raises(ValueError):
        kafka_settings("http://x")


def test_kafka_gets_nothing_personal_and_never_fails_a_turn(monkeypatch, caplog):
    given = []
    broker = MaskingKafkaBroker.__new__(MaskingKafkaBroker)
    monkeypatch.setattr(KafkaEventBroker, "publish", lambda self, event: given.append(event))
    event = UserUttered("我叫陈小满，13812341234", {"name": "ask"}).as_dict()
    broker.publish({"sender_id": "web-a", **event})
    assert given[0]["text"] == "我叫陈**，138****1234" and given[0]["sender_id"] == "web-a"

    def away(self, event):
        raise OSError("no broker")

    monkeypatch.setattr(KafkaEventBroker, "publish", away)
    broker.publish({"sender_id": "web-a", **event})
    assert "talk.kafka.unpublished type=user reason=OSError" in caplog.text
