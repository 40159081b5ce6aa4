"""A server killed at random moments while clients send: is what was answered 2xx what is stored?

Used by the tests (20 kills) and by the benchmark (100), on the database that the environment
names; nothing here is random in what it checks, only in when it kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import requests
from sqlalchemy import func, select

from cdp import sources
from cdp.events import EventRow
from cdp.sources import Source
from storage import read
from tests.assistant import free_port

BATCH = 25
READY_SECONDS = 60
CONTEXT = {"consent": {"categoryPreferences": {"analytics": True}}}


@dataclass
class Outcome:
    """kills: how often the server was killed; sent, answered: message ids, the second of those
    whose request was answered 2xx; stored: message id → how often it is in the table; sent_again:
    batches repeated because no answer came."""

    kills: int = 0
    sent: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    stored: dict[str, int] = field(default_factory=dict)
    sent_again: int = 0

    @property
    def lost(self) -> set[str]:
        """Answered, and not stored."""
        return self.answered - set(self.stored)

    @property
    def doubled(self) -> set[str]:
        """Stored more than once."""
        return {name for name, times in self.stored.items() if times != 1}

    @property
    def strange(self) -> set[str]:
        """Stored, and never sent."""
        return set(self.stored) - self.sent


def kill_while_loaded(kills: int, clients: int = 4, seed: int | None = None) -> Outcome:
    """Kill a server `kills` times under load, each within half a second of its first answer.

    Clients send a batch again until it is answered, as SDKs do.
    """
    source = sources.ensure("crash", "server", "carried")
    outcome, stop, lock = Outcome(), threading.Event(), threading.Lock()
    port, moments = free_port(), random.Random(seed)
    senders = [
        threading.Thread(target=_send, args=(number, port, source, outcome, stop, lock))
        for number in range(clients)
    ]
    with _Servers(port) as servers:
        servers.start()
        for sender in senders:
            sender.start()
        try:
            for _ in range(kills):
                _wait_until_answered(outcome)
                time.sleep(moments.uniform(0.0, 0.5))
                servers.kill()
                outcome.kills += 1
                servers.start()
            _wait_until_answered(outcome)
        finally:
            stop.set()
            for sender in senders:
                sender.join(READY_SECONDS)
    outcome.stored = _stored(source)
    return outcome


class _Servers:
    """One server at a time, each a process of its own (`tests.cdp.serving.nursery`)."""

    def __init__(self, port: int):
        self.port, self.pid = port, None

    def __enter__(self) -> _Servers:
        command = [sys.executable, "-m", "tests.cdp.serving", str(self.port)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.nursery = subprocess.Popen(command, env={**os.environ, "CDP_WORKER": "off"}, **pipes)
        return self

    def start(self) -> None:
        print(file=self.nursery.stdin, flush=True)
        self.pid = int(self.nursery.stdout.readline())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def __exit__(self, *_) -> None:
        if self.pid is not None:
            self.kill()
        self.nursery.communicate(timeout=READY_SECONDS)


def _wait_until_answered(outcome: Outcome) -> None:
    """Wait until the server, just started, has answered somebody."""
    before, until = len(outcome.answered), time.monotonic() + READY_SECONDS
    while len(outcome.answered) == before:
        if time.monotonic() > until:
            raise RuntimeError("the server answers nobody")
        time.sleep(0.005)


def _send(
    number: int,
    port: int,
    source: Source,
    outcome: Outcome,
    stop: threading.Event,
    lock: threading.Lock,
) -> None:
    count = 0
    with requests.Session() as session:
        session.auth = (source.write_key, "")
        while not stop.is_set():
            batch = [_event(f"{number}-{count + place}") for place in range(BATCH)]
            count += BATCH
            names = {event["messageId"] for event in batch}
            with lock:
                outcome.sent |= names
            while not stop.is_set():
                if _answered(session, port, batch):
                    with lock:
                        outcome.answered |= names
                    break
                with lock:
                    outcome.sent_again += 1
                time.sleep(0.02)


def _answered(session: requests.Session, port: int, batch: list[dict]) -> bool:
    url = f"http://127.0.0.1:{port}/v1/batch"
    try:
        answer = session.post(url, json={"batch": batch}, timeout=READY_SECONDS)
    except requests.RequestException:
        return False
    if answer.status_code == 200:
        told = answer.json()
        return told["accepted"] + told["duplicates"] == len(batch)
    return False


def _event(name: str) -> dict:
    return {
        "type": "track",
        "messageId": name,
        "anonymousId": f"visitor-{name.partition('-')[0]}",
        "event": "Product Viewed",
        "properties": {"product_id": "shoe-1", "price": 399},
        "context": CONTEXT,
    }


def _stored(source: Source) -> dict[str, int]:
    with read() as session:
        rows = session.execute(
            select(EventRow.message_id, func.count())
            .where(EventRow.source_id == source.id)
            .group_by(EventRow.message_id)
        )
        return {name: times for name, times in rows}
