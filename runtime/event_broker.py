"""Rasa's event broker: what was said and done goes to the customer-data platform.

    event_broker:
      type: runtime.event_broker.OutboxBroker

`publish` only puts the event into a queue; a thread translates it (masked, cdp/talk) and keeps it
in the outbox that the web application drains. Nothing here can fail a conversation. What a killed
process still had in its queue is taken from the tracker store at the next start: the tracker store
is written before an event is published.

With `EVENT_BROKER_URL=kafka://…` Rasa's own Kafka producer stands here instead, and gets events
with nothing personal in them (`cdp.talk.reduced`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.brokers.kafka import KafkaEventBroker
from rasa.core.tracker_store import SQLTrackerStore

from cdp.talk.outbox import Outbox
from cdp.talk.reduced import reduced
from cdp.talk.translate import translate
from runtime.tracker_store import tracker_database_url

logger = logging.getLogger(__name__)

MOST_QUEUED = 20_000
BATCH = 200
# So long an event may wait for others: each write waits for the disk, and takes from the answers.
GATHER_S = 0.25
# How far behind the newest kept event an unkept one may be: longer than any turn takes.
BEHIND_S = 600.0
_CLOSE_S = 5.0
_LONGEST_WAIT_S = 10.0
_EVENTS = SQLTrackerStore.SQLEvent.__table__


class OutboxBroker(EventBroker):
    """Writes events to the outbox, off the event loop."""

    def __init__(self, most_queued: int = MOST_QUEUED):
        """`most_queued`: events kept in memory while the outbox cannot be written."""
        self._queue: queue.Queue[dict] = queue.Queue(most_queued)
        self._closing = threading.Event()
        self._outbox: Outbox | None = None
        # From when on (epoch s) the tracker store has to be asked for what is missing here.
        self._missing_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="event-broker", daemon=True)
        self._thread.start()

    @classmethod
    async def from_endpoint_config(cls, broker_config, event_loop=None) -> EventBroker | None:
        """Rasa's factory: this broker, or Rasa's Kafka producer if the environment names one."""
        if broker_config is None:
            return None
        url = os.environ.get("EVENT_BROKER_URL", "")
        if url:
            return MaskingKafkaBroker(**kafka_settings(url))
        return cls(**(broker_config.kwargs or {}))

    def publish(self, event: dict) -> None:
        """Take one event (with `sender_id`); never raises, never waits."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._missed(event.get("timestamp"))

    async def close(self) -> None:
        """Write what is queued, for a few seconds at most."""
        self._closing.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, _CLOSE_S)

    def _missed(self, at) -> None:
        told = at if isinstance(at, (int, float)) else time.time()
        if self._missing_since is None:
            logger.error("talk.queue.full kept=%d", self._queue.maxsize)
            self._missing_since = told
        self._missing_since = min(self._missing_since, told)

    # the thread

    def _run(self) -> None:
        self._begin()
        while True:
            events = self._next()
            if events:
                self._keep(events)
            elif self._closing.is_set():
                break
            if self._missing_since is not None and self._queue.empty():
                self._catch_up()
        if self._outbox is not None:
            self._outbox.close()

    def _begin(self) -> None:
        """Open the outbox and take up what the last process could not write."""
        wait = 0.1
        while not self._closing.is_set():
            try:
                self._outbox = self._outbox or Outbox()
                last = self._outbox.last_at()
                if last is None:
                    self._outbox.add([], time.time())
                else:
                    self._missing_since = last - BEHIND_S
                return
            except (sqlite3.Error, OSError) as error:
                logger.error("talk.outbox.away reason=%s", type(error).__name__)
                self._closing.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)

    def _next(self) -> list[dict]:
        """What is queued, up to a batch; waits a little for the first, and for what follows it."""
        events: list[dict] = []
        with suppress(queue.Empty):
            events.append(self._queue.get(timeout=0.2))
            self._closing.wait(GATHER_S)
            while len(events) < BATCH:
                events.append(self._queue.get_nowait())
        return events

    def _keep(self, events: list[dict]) -> None:
        rows, newest = [], None
        for event in events:
            at = event.get("timestamp")
            if isinstance(at, (int, float)):
                newest = at if newest is None else max(newest, at)
            try:
                raw = translate(event)
            except Exception as error:
                logger.error(
                    "talk.untranslated type=%s reason=%s", event.get("event"), type(error).__name__
                )
                continue
            if raw is not None:
                rows.append((_key(raw), json.dumps(raw, ensure_ascii=False)))
        self._write(rows, newest)

    def _write(self, rows: list[tuple[str, str]], newest: float | None) -> None:
        wait = 0.1
        while True:
            try:
                self._outbox = self._outbox or Outbox()
                self._outbox.add(rows, newest)
                return
            except (sqlite3.Error, OSError) as error:
                logger.error("talk.outbox.away reason=%s", type(error).__name__)
            if self._closing.is_set():
                # The tracker store has them: the next start takes them up.
                return
            self._closing.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)

    def _catch_up(self) -> None:
        since, self._missing_since = self._missing_since, None
        try:
            for events in stored_since(since):
                self._keep(events)
        except Exception as error:
            logger.warning("talk.not_caught_up reason=%s", type(error).__name__)
            self._missing_since = since
            self._closing.wait(2.0)
            if self._closing.is_set():
                self._missing_since = None


def _key(raw: dict) -> str:
    """The outbox's key: by time, so that what is new stands in the last page of the index."""
    return f"{raw['timestamp']} {raw['messageId']}"


class MaskingKafkaBroker(KafkaEventBroker):
    """Rasa's Kafka producer, given events reduced and masked; never raises."""

    def publish(self, event: dict, *args, **kwargs) -> None:
        """Hand one event to the producer."""
        try:
            super().publish(reduced(event), *args, **kwargs)
        except Exception as error:
            logger.error(
                "talk.kafka.unpublished type=%s reason=%s", event.get("event"), type(error).__name__
            )


def stored_since(since: float) -> Iterator[list[dict]]:
    """Batches of the tracker store's events since that time (epoch s), in their order.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the tracker store cannot be read.
    """
    engine = sa.create_engine(tracker_database_url(), future=True, hide_parameters=True)
    try:
        if not sa.inspect(engine).has_table(_EVENTS.name):
            return
        after = 0
        while True:
            wanted = (
                sa.select(_EVENTS.c.id, _EVENTS.c.sender_id, _EVENTS.c.data)
                .where(_EVENTS.c.timestamp >= since, _EVENTS.c.id > after)
                .order_by(_EVENTS.c.id)
                .limit(BATCH)
            )
            with engine.connect() as connection:
                rows = connection.execute(wanted).all()
            if not rows:
                return
            after = rows[-1].id
            yield [{"sender_id": row.sender_id, **json.loads(row.data)} for row in rows]
    finally:
        engine.dispose()


def kafka_settings(url: str) -> dict:
    """The arguments of Rasa's `KafkaEventBroker` for kafka://host:port/topic?name=value.

    Raises:
        ValueError: it is no such address.
    """
    parts = urlsplit(url)
    if parts.scheme != "kafka" or not parts.netloc:
        raise ValueError("EVENT_BROKER_URL: expected kafka://host:port[,host:port]/topic")
    given = {name.replace(".", "_"): value for name, value in parse_qsl(parts.query)}
    given.pop("group_id", None)
    made = {
        "url": parts.netloc.split(","),
        "topic": parts.path.strip("/") or "rasa_core_events",
        # A conversation's events stay in order only within one partition.
        "partition_by_sender": True,
        "security_protocol": "PLAINTEXT",
        **given,
    }
    if os.environ.get("KAFKA_PASSWORD"):
        made["sasl_password"] = os.environ["KAFKA_PASSWORD"]
    return made
