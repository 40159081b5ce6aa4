"""The conversation by way of Kafka: what Rasa's own producer wrote, through the same translation
and the same intake.

    kafka://host:9092[,host2:9092]/topic[?group.id=…&security.protocol=SASL_SSL&…]

The query takes librdkafka's settings; a password comes from `KAFKA_PASSWORD`. Offsets are committed
after the events are in the database, so a consumer that dies reads some again: they are known by
their message ids.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from confluent_kafka import Consumer, KafkaError, KafkaException

from cdp.talk.sessions import deliver
from cdp.talk.translate import translate

logger = logging.getLogger(__name__)

TOPIC = "rasa_core_events"
GROUP = "qudao-talk"
BATCH = 200


class InvalidBroker(ValueError):
    """An address of a broker that cannot be; the message says what was expected."""


@dataclass
class Tally:
    """What a consumer did: messages read, events taken, known already, and unreadable ones."""

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    unreadable: int = 0


def settings(url: str) -> tuple[dict, str]:
    """librdkafka's settings and the topic of an `EVENT_BROKER_URL`.

    Raises:
        InvalidBroker: it is no kafka:// address.
    """
    parts = urlsplit(url)
    if parts.scheme != "kafka" or not parts.netloc:
        raise InvalidBroker("EVENT_BROKER_URL: expected kafka://host:port[,host:port]/topic")
    if "@" in parts.netloc:
        raise InvalidBroker("EVENT_BROKER_URL: a password belongs in KAFKA_PASSWORD, not in it")
    made = {
        "bootstrap.servers": parts.netloc,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **dict(parse_qsl(parts.query)),
    }
    if os.environ.get("KAFKA_PASSWORD"):
        made["sasl.password"] = os.environ["KAFKA_PASSWORD"]
    return made, parts.path.strip("/") or TOPIC


def connect(url: str) -> Consumer:
    """A consumer of the topic that the address names.

    Raises:
        InvalidBroker: as `settings`, or a setting that librdkafka does not know.
    """
    made, topic = settings(url)
    try:
        consumer = Consumer(made)
    except KafkaException as error:
        raise InvalidBroker(f"EVENT_BROKER_URL: {error.args[0].str()}") from error
    consumer.subscribe([topic])
    return consumer


def consume(consumer: Consumer, tally: Tally, batch: int = BATCH, wait_s: float = 1.0) -> int:
    """One step: read, deliver, commit; how many messages were read.

    Raises:
        KafkaException: the broker refuses; what was read is read again.
        SQLAlchemyError: the database is away; nothing was committed, close and begin again.
    """
    messages = consumer.consume(batch, timeout=wait_s)
    raws, read = [], 0
    for message in messages:
        error = message.error()
        if error is not None:
            if error.code() in (KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART):
                continue
            raise KafkaException(error)
        read += 1
        raw = _translated(message, tally)
        if raw is not None:
            raws.append(raw)
    if raws:
        for verdict in deliver(raws):
            tally.accepted += verdict.status == "accepted"
            tally.duplicates += verdict.status == "duplicate"
            tally.refused += verdict.status == "refused"
    if read:
        tally.read += read
        consumer.commit(asynchronous=False)
    return read


def _translated(message, tally: Tally) -> dict | None:
    try:
        event = json.loads(message.value() or b"")
        if not isinstance(event, dict):
            raise ValueError("expected an object")
        return translate(event)
    except ValueError:
        tally.unreadable += 1
        logger.warning(
            "talk.kafka.unreadable topic=%s partition=%s offset=%s",
            message.topic(),
            message.partition(),
            message.offset(),
        )
        return None
