"""Each vendor's channel under load, with the real Rasa server behind it and kills in the middle.

    python -m bench --only channels [--webhooks 10000] [--vendors wechat wecom slack]

Webhooks come at 50 a second, a tenth of them twice, while another shopper keeps Rasa busy over
REST; half-way the Rasa server is killed (-9) and started again, after three quarters the intake,
and the vendor tries again as it does. Then everything is counted: what was acknowledged has to be
in the inbox, done, and to have reached Rasa once. `self_ms`: bench/channel_time.py.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from bench import channel_time
from bench.channel_time import PER_SECOND, api
from bench.results import Figure
from bench.vendors import VENDORS, Request, Vendor
from connectors.quota import WITH
from connectors.wechat.outgoing import PASSIVE
from tests.assistant import REST_KEY, Assistant, Server, free_port, running

AGAIN = 0.1
_PEOPLE = 500
_COMMITS = 1_000
_SAID = (
    "你好",
    "退货政策是什么",
    "跑步鞋怎么选尺码",
    "这个手机能分期吗",
    "什么时候发货",
    "谢谢",
)
# After the last webhook: for the vendor's tries, and for what waits in the inbox.
_PATIENCE = 900.0


@dataclass
class Load:
    """What became of the webhooks: seconds to each acknowledgement, and the messages (by their ids
    in the inbox) acknowledged or given up by the vendor."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    replies: int = 0
    over_limit: int = 0
    tried_again: int = 0
    # Of the intake: seconds from its start to its first answer, and 10^6 bytes.
    intake_ready: float = 0.0
    intake_memory: float = 0.0


def figures(webhooks: int, vendors: Iterable[str]) -> Iterator[Figure]:
    """(name, value, unit) of each vendor's."""
    for name in vendors:
        for what, value, unit in _loaded(VENDORS[name](), webhooks):
            yield f"channels.{name}.{what}", value, unit
        times, ways = asyncio.run(channel_time.seconds(VENDORS[name]()))
        yield f"channels.{name}.way_p50_ms", ways * 1e3, "ms"
        yield f"channels.{name}.self_p50_ms", float(np.percentile(times, 50)) * 1e3, "ms"
        yield f"channels.{name}.self_p95_ms", float(np.percentile(times, 95)) * 1e3, "ms"
        disk = _durable_commits()
        yield f"channels.{name}.commit_p50_ms", float(np.percentile(disk, 50)) * 1e3, "ms"
        yield f"channels.{name}.commit_p95_ms", float(np.percentile(disk, 95)) * 1e3, "ms"


def _durable_commits() -> list[float]:
    """Seconds of each of some commits of one row, as durable as ours: what a message waits for
    twice, whatever else it costs."""
    with tempfile.TemporaryDirectory() as home:
        alone = sqlite3.connect(Path(home) / "one.db", isolation_level=None)
        with closing(alone):
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                alone.execute(f"PRAGMA {pragma}")
            alone.execute("CREATE TABLE kept (number INTEGER)")
            times = []
            for number in range(_COMMITS):
                begun = time.monotonic()
                alone.execute("INSERT INTO kept VALUES (?)", (number,))
                times.append(time.monotonic() - begun)
        return times


def _loaded(vendor: Vendor, webhooks: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        vendor.url = f"http://127.0.0.1:{free_port()}"
        folder = Path(home)
        more = {**vendor.environment(), **channel_time.UNLIMITED}
        with running(folder, with_intake=True, **more) as assistant:
            load = asyncio.run(_under_load(vendor, assistant, webhooks))
            process = psutil.Process(assistant.intake.process.pid)
            load.intake_memory = process.memory_info().rss / 1e6
        yield "webhooks", webhooks, ""
        yield "ack_p50_ms", float(np.percentile(load.seconds, 50)) * 1e3, "ms"
        yield "ack_p95_ms", float(np.percentile(load.seconds, 95)) * 1e3, "ms"
        yield "ack_max_ms", max(load.seconds) * 1e3, "ms"
        yield "over_limit", load.over_limit, ""
        yield "tried_again", load.tried_again, ""
        yield "given_up", len(load.given_up - load.acknowledged), ""
        yield "intake_ready_s", load.intake_ready, "s"
        yield "intake_mb", load.intake_memory, "MB"
        yield from _counted(vendor, load, folder)


def _counted(vendor: Vendor, load: Load, folder: Path) -> Iterator[Figure]:
    """What the databases say, beside what the vendor saw."""
    with sqlite3.connect(folder / "app.db") as app:
        kept = Counter(dict(app.execute("SELECT state, count(*) FROM inbox GROUP BY state")))
        box = Counter(dict(app.execute("SELECT state, count(*) FROM outbox GROUP BY state")))
        done = {name for (name,) in app.execute("SELECT client_id FROM inbox WHERE state = 'done'")}
        # Replies to a request, and what went with another.
        (not_by_itself,) = app.execute(
            "SELECT count(*) FROM outbox WHERE vendor_id = ? OR vendor_id LIKE ? || '%'",
            (PASSIVE, WITH),
        ).fetchone()
    with sqlite3.connect(folder / "tracker.db") as tracker:
        heard = tracker.execute(
            "SELECT count(*), count(DISTINCT json_extract(data, '$.message_id')) FROM events "
            "WHERE type_name = 'user' AND json_extract(data, '$.input_channel') = ?",
            (vendor.name,),
        ).fetchone()
    yield "acknowledged", len(load.acknowledged), ""
    yield "lost", len(load.acknowledged - done), ""
    yield "kept", kept["done"], ""
    yield "undone", kept["new"], ""
    yield "handled_twice", heard[0] - heard[1], ""
    yield "answers", sum(box.values()), ""
    yield "answers_sent", box["sent"] + box["arrived"], ""
    yield "answers_failed", box["failed"] + box["dropped"] + box["unknown"], ""
    by_api = box["sent"] + box["arrived"] - not_by_itself
    yield "sent_again", sum(vendor.sent.values()) - by_api, ""


async def _under_load(vendor: Vendor, assistant: Assistant, webhooks: int) -> Load:
    load, url = Load(), f"{assistant.webhooks}/webhooks/{vendor.name}/webhook"
    # The place in the row of webhooks before which a server is killed.
    kills = {webhooks // 2: assistant.rasa, webhooks * 3 // 4: assistant.intake}
    connector = aiohttp.TCPConnector(limit=0)
    async with api(vendor), aiohttp.ClientSession(connector=connector) as session:
        busy = asyncio.create_task(_keep_busy(session, assistant.url))
        deliveries, begun = [], time.monotonic()
        for place, number in enumerate(_numbers(webhooks)):
            if place in kills:
                again = asyncio.to_thread(_restart, kills[place], load)
                deliveries.append(asyncio.create_task(again))
            await asyncio.sleep(max(0.0, begun + place / PER_SECOND - time.monotonic()))
            one = Request(number, f"p{number % _PEOPLE}", random.choice(_SAID))
            deliveries.append(asyncio.create_task(_deliver(session, vendor, url, one, load)))
        await asyncio.gather(*deliveries)
        busy.cancel()
        await _settled(assistant.folder)
    return load


def _numbers(webhooks: int) -> Iterator[int]:
    """The messages' numbers, a tenth of them once more a little later."""
    dice, number, again = random.Random(7), 0, []
    for place in range(webhooks):
        if again and again[0][0] <= place:
            yield again.pop(0)[1]
            continue
        number += 1
        if dice.random() < AGAIN / (1 - AGAIN):
            again.append((place + dice.randrange(1, 100), number))
            again.sort()
        yield number


async def _deliver(
    session: aiohttp.ClientSession, vendor: Vendor, url: str, one: Request, load: Load
) -> None:
    """All tries of one webhook."""
    for pause in (None, *vendor.tries):
        if pause is not None:
            load.tried_again += 1
            await asyncio.sleep(pause)
        query, headers, body = vendor.request(one)
        begun = time.monotonic()
        limit = aiohttp.ClientTimeout(total=vendor.within)
        with suppress(aiohttp.ClientError, asyncio.TimeoutError):
            async with session.post(
                url, params=query, headers=headers, data=body, timeout=limit
            ) as answer:
                told = await answer.read()
                if answer.status == 200:
                    load.seconds.append(time.monotonic() - begun)
                    load.acknowledged.add(vendor.known_as(one))
                    load.replies += vendor.is_reply(told)
                    return
        load.over_limit += time.monotonic() - begun >= vendor.within
    load.given_up.add(vendor.known_as(one))


async def _keep_busy(session: aiohttp.ClientSession, url: str) -> None:
    """Somebody who asks again as soon as they are answered."""
    headers = {"Authorization": f"Bearer {REST_KEY}"}
    while True:
        body = {"sender": "busy", "message": random.choice(_SAID)}
        try:
            limit = aiohttp.ClientTimeout(total=30)
            async with session.post(
                f"{url}/webhooks/rest/webhook", json=body, headers=headers, timeout=limit
            ) as answer:
                await answer.read()
        except (aiohttp.ClientError, asyncio.TimeoutError):
            await asyncio.sleep(0.2)


def _restart(server: Server, load: Load) -> None:
    server.kill()
    begun = time.monotonic()
    server.start()
    server.wait()
    if server.name == "intake":
        load.intake_ready = time.monotonic() - begun


async def _settled(folder: Path) -> None:
    """Wait until nothing is left to be answered or sent."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with sqlite3.connect(folder / "app.db", timeout=30) as app:
            (left,) = app.execute(
                "SELECT (SELECT count(*) FROM inbox WHERE state = 'new')"
                " + (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending'))"
            ).fetchone()
        if not left:
            return
        await asyncio.sleep(1.0)
