"""The conversation by way of Kafka: librdkafka's own mock cluster, the real consumer and intake."""

from __future__ import annotations

import argparse
import json
import time

import pytest
from confluent_kafka import Producer
from sqlalchemy import select

from cdp.commands import talk as command
from cdp.events import EventRow
from cdp.talk import kafka
from storage import read


@pytest.fixture(scope="module")
def cluster():
    """A producer that carries a mock cluster, and the cluster's address."""
    producer = Producer({"test.mock.num.brokers": 1})
    brokers = producer.list_topics(timeout=60).brokers.values()
    yield producer, ",".join(f"{one.host}:{one.port}" for one in brokers)


def said(number: int) -> bytes:
    return json.dumps(
        {
            "sender_id": "web-k",
            "event": "user",
            "timestamp": time.time() - 100 + number,
            "text": f"第{number}句，13812341234",
            "message_id": f"k{number}",
        }
    ).encode()


def stored() -> list[dict]:
    with read() as session:
        return [json.loads(body) for body in session.scalars(select(EventRow.body))]


@pytest.mark.slow
def test_kafka_gives_each_event_once(database, cluster, capsys):
    producer, servers = cluster
    topic = f"talk_{database}"
    messages = [said(number) for number in range(30)]
    for value in [*messages, b"not json", b"[1]", json.dumps({"event": "slot"}).encode()]:
        producer.produce(topic, value, key=b"web-k")
    assert producer.flush(10) == 0
    url = f"kafka://{servers}/{topic}?group.id=g-{database}"
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["consume", "--url", url, "--idle", "6"])) == 0
    assert "33 messages read: 30 events accepted" in (out := capsys.readouterr().out), out
    assert len(stored()) == 30 and "13812341234" not in json.dumps(stored(), ensure_ascii=False)
    # Somebody else's group reads it all again: it is known.
    consumer, tally = kafka.connect(url + "-again"), kafka.Tally()
    until = time.monotonic() + 60
    while tally.read < 33 and time.monotonic() < until:
        kafka.consume(consumer, tally)
    consumer.close()
    assert (tally.accepted, tally.duplicates, tally.unreadable) == (0, 30, 2)


def test_offsets_are_committed_after_the_database_has_the_events(monkeypatch):
    class Message:
        def error(self):
            return None

        def value(self):
            return said(1)

    class Consumer:
        committed = False

        def consume(self, *_arguments, **_more):
            return [Message()]

        def commit(self, **_arguments):
            self.committed = True

    def away(_raws):
        raise OSError("away")

    consumer = Consumer()
    monkeypatch.setattr(kafka, "deliver", away)
    with pytest.raises(OSError):
        kafka.consume(consumer, kafka.Tally())
    assert not consumer.committed


@pytest.mark.parametrize(
    "url", ["", "http://x/y", "kafka:///topic", "kafka://user:pass@x:9092/t", "kafka://x/t?foo=1"]
)
def test_addresses_that_are_none(url):
    with pytest.raises(kafka.InvalidBroker):
        kafka.connect(url)
