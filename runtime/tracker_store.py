"""Trackers that stay alive in memory, and every event of theirs in the database.

    retrieve   the live tracker, or the last session's events from the database
    save       writes the new events, away from the event loop, before it returns; messages of many
               conversations that arrive together share one transaction

The table is the one of Rasa's own SQL store, so either can go on where the other stopped. A
database that fails raises: an empty tracker in place of a lost one would talk over a person who
has taken the conversation. What could not be written stays in memory and is written with the next
message. One process keeps a conversation: several servers need a shopper's messages on the same.

In a PostgreSQL shared with the shop's own tables Rasa's are in the schema `rasa`, since both have a
table `events`; one of its own (`TRACKER_DATABASE_URL`) is used as Rasa's own store would.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Engine

from runtime.events import as_event, as_json, from_json
from runtime.tracker import LiveTracker
from storage import var_dir
from storage.database import server_engine

logger = logging.getLogger(__name__)

MOST_LIVE = 2000
SCHEMA = "rasa"

_EVENTS = SQLTrackerStore.SQLEvent.__table__


def tracker_database_url() -> str:
    """`TRACKER_DATABASE_URL`, else `DATABASE_URL`, else the SQLite file `tracker.db`."""
    return (
        os.environ.get("TRACKER_DATABASE_URL")
        or os.environ.get("DATABASE_URL")
        or f"sqlite:///{var_dir() / 'tracker.db'}"
    )


class LiveTrackerStore(TrackerStore):
    """`tracker_store.type: runtime.tracker_store.LiveTrackerStore` in `endpoints.yml`."""

    def __init__(self, domain, host: str | None = None, event_broker=None, **kwargs) -> None:
        """`host`: a database URL in place of the environment's; `most_live`: trackers kept."""
        super().__init__(domain, event_broker)
        self._most_live = int(kwargs.get("most_live", MOST_LIVE))
        self._live: OrderedDict[str, LiveTracker] = OrderedDict()
        url = host or tracker_database_url()
        shared = url == os.environ.get("DATABASE_URL") and not url.startswith("sqlite")
        self._engine = _engine(url, SCHEMA if shared else None)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tracker-writer")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="tracker-reader")
        self._storing: dict[str, asyncio.Task] = {}
        self._waiting: list[tuple[list[dict], asyncio.Future]] = []
        self._writing: asyncio.Task | None = None
        _EVENTS.metadata.create_all(self._engine, tables=[_EVENTS])

    def init_tracker(self, sender_id: str) -> LiveTracker:
        """A tracker without events."""
        return LiveTracker(sender_id, self.domain.slots)

    async def exists(self, conversation_id: str) -> bool:
        """Whether the conversation has any event."""
        live = self._live.get(conversation_id)
        if live is not None and live.events:
            return True
        return await self._read(_first_row, self._engine, conversation_id) is not None

    async def keys(self) -> Iterable[str]:
        """The ids of all conversations."""
        stored = await self._read(_senders, self._engine)
        return list(dict.fromkeys([*stored, *self._live]))

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The tracker of the conversation's last session, or None if it is new.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be read.
        """
        live = self._live.get(sender_id)
        if live is None:
            return await self._load(sender_id, whole=False)
        self._live.move_to_end(sender_id)
        return live if live.is_whole() else await self._without_broken_turn(live)

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """A tracker of its own with all events of all sessions, or None if there are none."""
        live = self._live.get(conversation_id)
        pending = live.unstored()[: live.accepted - live.durable] if live is not None else []
        tracker = await self._load(conversation_id, whole=True)
        if tracker is None and live is None:
            return None
        tracker = tracker or self.init_tracker(conversation_id)
        # A write may have ended while the database was read.
        stored = {(event.type_name, event.timestamp) for event in tracker.events}
        for event in pending:
            if (event.type_name, event.timestamp) not in stored:
                tracker.update(event)
        tracker.accepted = len(tracker.events)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the tracker's new events; they are durable when this returns.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database did not take them; they are kept and tried
                again with the conversation's next message.
        """
        if not isinstance(tracker, LiveTracker):
            tracker = await self._adopt(tracker)
        await self._finish_storing(tracker.sender_id)
        new = tracker.unstored()
        tracker.accepted = len(tracker.events)
        self._keep(tracker)
        if not new:
            return
        storing = asyncio.create_task(self._store(tracker, new))
        self._storing[tracker.sender_id] = storing
        storing.add_done_callback(lambda done: self._stored(tracker.sender_id, done))
        # A message that is given up on may cancel us while its events are being written: they are
        # counted as written all the same, or the next message would write them again.
        await asyncio.shield(storing)

    async def erase(self, conversation_id: str) -> int:
        """Forget a conversation, in memory and in the database; how many events it had there.

        Call while holding the conversation's lock.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database did not do it.
        """
        await self._finish_storing(conversation_id)
        self._live.pop(conversation_id, None)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, _delete, self._engine, conversation_id)

    def close(self) -> None:
        """Finish the writing under way and let the database go."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    # memory

    def _keep(self, tracker: LiveTracker) -> None:
        self._live[tracker.sender_id] = tracker
        self._live.move_to_end(tracker.sender_id)
        spare = len(self._live) - self._most_live
        for sender_id in list(self._live)[:spare] if spare > 0 else ():
            oldest = self._live[sender_id]
            # What the database has not taken yet exists only here.
            if oldest.durable == oldest.accepted:
                del self._live[sender_id]

    async def _without_broken_turn(self, live: LiveTracker) -> LiveTracker:
        """The conversation as it was before a turn that ended in an exception."""
        tracker = self.init_tracker(live.sender_id)
        tracker.model_id, tracker.assistant_id = live.model_id, live.assistant_id
        for event in list(live.events)[: live.accepted]:
            tracker.update(event)
        tracker.durable, tracker.accepted = live.durable, live.accepted
        return tracker

    async def _adopt(self, tracker: DialogueStateTracker) -> LiveTracker:
        """A live tracker for one that Rasa's HTTP API has made; only what is new is written."""
        adopted = self.init_tracker(tracker.sender_id)
        for event in tracker.events:
            adopted.update(event)
        stored = await self._load(tracker.sender_id, whole=False)
        adopted.durable = min(len(stored.events) if stored else 0, len(adopted.events))
        return adopted

    # database

    async def _store(self, tracker: LiveTracker, new: list[Event]) -> None:
        told = [event.as_dict() for event in new]
        await self._write([_row(tracker.sender_id, event) for event in told])
        tracker.durable += len(new)
        self._publish(tracker.sender_id, told)
        tracker.compact(self.domain)

    async def _finish_storing(self, sender_id: str) -> None:
        """Wait for a write of the conversation that nobody waits for any more."""
        earlier = self._storing.get(sender_id)
        if earlier is not None:
            await asyncio.wait([earlier])

    def _stored(self, sender_id: str, done: asyncio.Task) -> None:
        if self._storing.get(sender_id) is done:
            del self._storing[sender_id]
        if not done.cancelled() and done.exception() is not None:
            logger.error("tracker.events.not_stored reason=%s", type(done.exception()).__name__)

    async def _load(self, sender_id: str, whole: bool) -> LiveTracker | None:
        rows = await self._read(_rows, self._engine, sender_id, whole)
        if not rows:
            return None
        tracker = self.init_tracker(sender_id)
        for data in rows:
            tracker.update(as_event(from_json(data)))
        tracker.durable = tracker.accepted = len(tracker.events)
        return tracker

    async def _read(self, query, *arguments):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, query, *arguments)

    async def _write(self, rows: list[dict]) -> None:
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append((rows, written))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write_all())
        await written

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                rows = [row for rows, _ in batch for row in rows]
                await loop.run_in_executor(self._writer, _insert, self._engine, rows)
                results = [None] * len(batch)
            except Exception:
                # One conversation's row may be what the database refuses: not the others' fault.
                results = [await self._write_alone(rows) for rows, _ in batch]
            for (_, written), error in zip(batch, results, strict=True):
                if written.done():
                    continue
                written.set_exception(error) if error else written.set_result(None)

    async def _write_alone(self, rows: list[dict]) -> Exception | None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, _insert, self._engine, rows)
        except Exception as error:  # whatever it is, those who wait have to hear of it
            return error
        return None

    def _publish(self, sender_id: str, events: list[dict]) -> None:
        if self.event_broker is None:
            return
        for event in events:
            try:
                self.event_broker.publish({"sender_id": sender_id, **event})
            except Exception:
                logger.exception("tracker.event.unpublished type=%s", event.get("event"))


def _engine(url: str, schema: str | None = None) -> Engine:
    if not url.startswith("sqlite"):
        made = server_engine(url)
        if schema is not None and made.dialect.name == "postgresql":
            _use_schema(made, schema)
        return made
    engine = sa.create_engine(
        url,
        future=True,
        # An error's message would carry what a shopper said.
        hide_parameters=True,
        poolclass=sa.pool.QueuePool,
        connect_args={"check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection, _record) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _use_schema(engine: Engine, schema: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def choose(connection, _record) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {schema}")
        # Otherwise it would end with the first transaction that is rolled back.
        connection.commit()

    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))


def _row(sender_id: str, event: dict) -> dict:
    return {
        "sender_id": sender_id,
        "type_name": event["event"],
        "timestamp": event.get("timestamp"),
        "intent_name": event.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": event.get("name"),
        "data": as_json(event).decode(),
    }


def _insert(engine: Engine, rows: list[dict]) -> None:
    with engine.begin() as connection:
        connection.execute(_EVENTS.insert(), rows)


def _delete(engine: Engine, sender_id: str) -> int:
    with engine.begin() as connection:
        return connection.execute(_EVENTS.delete().where(_EVENTS.c.sender_id == sender_id)).rowcount


def _rows(engine: Engine, sender_id: str, whole: bool) -> list[str]:
    wanted = sa.select(_EVENTS.c.data).where(_EVENTS.c.sender_id == sender_id)
    if not whole:
        session = (
            sa.select(sa.func.max(_EVENTS.c.id))
            .where(
                _EVENTS.c.sender_id == sender_id,
                _EVENTS.c.type_name == SessionStarted.type_name,
            )
            .scalar_subquery()
        )
        wanted = wanted.where(_EVENTS.c.id >= sa.func.coalesce(session, 0))
    with engine.connect() as connection:
        return list(connection.execute(wanted.order_by(_EVENTS.c.id)).scalars())


def _first_row(engine: Engine, sender_id: str):
    with engine.connect() as connection:
        return connection.execute(
            sa.select(_EVENTS.c.id).where(_EVENTS.c.sender_id == sender_id).limit(1)
        ).first()


def _senders(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(_EVENTS.c.sender_id).distinct()).scalars())
