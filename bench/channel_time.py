"""What a message spends in a vendor's channel itself, with nothing else to do.

Both halves of the channel are a process of their own (`python -m bench.channel_time wechat`), with
something in Rasa's place that answers at once; the vendor is this one, as it is somebody else's in
life. A thousand messages come at the pace of the load, one at a time; after them
as many requests that want nothing, which take what the way there and back takes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from statistics import median

import aiohttp
from aiohttp import web
from sanic.server.loop import try_use_uvloop

from bench.vendors import VENDORS, Request, Vendor
from connectors.slack.channel import SlackInput
from connectors.wechat.channel import WeChatInput
from connectors.wecom.channel import WeComInput
from storage import create_tables
from tests.assistant import free_port
from tests.connectors.served import served

PER_SECOND = 50
_COUNTED, _PEOPLE = 1_000, 50
_INPUTS = {"wechat": WeChatInput, "wecom": WeComInput, "slack": SlackInput}
# A minute of the benchmark is a shopper's hour.
UNLIMITED = {
    "CHANNELS_LIMIT_SENDER": "1000000/minute",
    "CHANNELS_LIMIT_ADDRESS": "1000000/minute",
}


@asynccontextmanager
async def api(vendor: Vendor) -> AsyncIterator[None]:
    """The stand-in for a vendor's API, at the vendor's address."""
    app = web.Application()
    app.add_routes(vendor.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, port = vendor.url.removeprefix("http://").split(":")
    await web.TCPSite(runner, host, int(port)).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def seconds(vendor: Vendor) -> tuple[list[float], float]:
    """Of each message: from the vendor's request to its API, or to the reply; and how much of it is
    the way (`Vendor.ways` of them)."""
    vendor.url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as home, _channel(vendor, home) as place:
        url = f"http://{place}/webhooks/{vendor.name}/webhook"
        async with api(vendor), aiohttp.ClientSession() as session:
            # Who writes for the first time is made known to the platform behind it.
            times = [await _one(session, vendor, url, n) for n in range(_COUNTED + _PEOPLE)]
            empty = f"http://{place}/webhooks/{vendor.name}/"
            ways = [await _way(session, empty) for _ in range(_COUNTED)]
            return times[_PEOPLE:], vendor.ways * median(ways)


async def _way(session: aiohttp.ClientSession, url: str) -> float:
    begun = time.monotonic()
    async with session.get(url) as answer:
        await answer.read()
    return await _paced(begun)


async def _paced(begun: float) -> float:
    """The time since then, once it is time for the next."""
    taken = time.monotonic() - begun
    await asyncio.sleep(max(0.0, 1 / PER_SECOND - taken))
    return taken


async def _one(session: aiohttp.ClientSession, vendor: Vendor, url: str, number: int) -> float:
    query, headers, body = vendor.request(Request(number, f"q{number % _PEOPLE}", "你好"))
    vendor.took_one.clear()
    begun = time.monotonic()
    async with session.post(url, params=query, headers=headers, data=body) as answer:
        replied = vendor.is_reply(await answer.read())
    if not replied:
        await vendor.took_one.wait()
    return await _paced(begun)


@contextmanager
def _channel(vendor: Vendor, home: str) -> Iterator[str]:
    """The channel's process; yields its host and port."""
    environment = {**os.environ, **vendor.environment(), **UNLIMITED}
    environment.update(QUDAO_VAR=home, QUDAO_DEMO="1")
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.channel_time", vendor.name],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


async def _serve(name: str) -> None:
    create_tables()
    channel = _INPUTS[name].from_credentials(None)
    async with served(channel, _at_once) as place:
        # As `runtime.serving` does.
        gc.collect()
        gc.freeze()
        print(place, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _at_once(message) -> None:
    await message.output_channel.send_response(message.sender_id, {"text": "您好"})


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] not in VENDORS:
        sys.exit(f"expected one of {', '.join(VENDORS)}; found {sys.argv[1]}")
    # Sanic's own loop, where it is not served by itself.
    try_use_uvloop()
    asyncio.run(_serve(sys.argv[1]))
