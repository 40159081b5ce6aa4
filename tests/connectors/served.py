"""A channel served alone on loopback, by the real HTTP server; as one process or as two."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace

from sanic import Sanic
from sanic.touchup import TouchUp

from connectors.notices import Notices, receive
from runtime.guard import guard, is_public
from tests.assistant import free_port

TOKEN = "what one half shows the other"
_numbers = itertools.count()
_written: list[tuple] = []
_running: list[None] = []


class NoTrackers:
    """A tracker store that knows of nobody."""

    async def retrieve(self, _sender_id: str) -> None:
        """Nothing."""
        return None


@asynccontextmanager
async def served(channel, handle, *others, port: int = 0, token: str = "") -> AsyncIterator[str]:
    """The channel, and others beside it, under `/webhooks/<name>`; `handle` stands for Rasa. Yields
    host and port. token: what its other half shows, where that is served apart."""
    port = port or free_port()
    app = Sanic(f"channel_{next(_numbers)}", configure_logging=False)
    app.ctx.agent = SimpleNamespace(tracker_store=NoTrackers())
    if token:
        guard(app, token, is_public)
        receive(app, {one.name(): one.told for one in (channel, *others)})
    for one in (channel, *others):
        app.blueprint(one.blueprint(handle), url_prefix=f"/webhooks/{one.name()}")
    server = await app.create_server("127.0.0.1", port, return_asyncio_server=True)
    with _written_anew():
        await server.startup()
        await server.before_start()
        await server.after_start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.before_stop()
            server.close()
            await server.wait_closed()
            await server.after_stop()


@contextmanager
def _written_anew() -> Iterator[None]:
    """Sanic rewrites its own methods at a start, from their source, which works once: they are put
    back before another start, and after the last end."""
    if not _written:
        _written.extend((owner, name, getattr(owner, name)) for owner, name in TouchUp._registry)
    _put_back()
    _running.append(None)
    try:
        yield
    finally:
        _running.pop()
        if not _running:
            _put_back()


def _put_back() -> None:
    for owner, name, method in _written:
        setattr(owner, name, method)


class Apart:
    """The two halves of a channel as two applications on one database, each with a channel of its
    own: the intake, and what stands for Rasa (`handle`)."""

    def __init__(self, make, handle) -> None:
        self._make, self._handle = make, handle
        self._outer, self._inner = free_port(), free_port()
        self.inner_url = f"http://127.0.0.1:{self._inner}"

    def outer(self):
        """The half that the vendor calls; yields host and port."""
        channel = self._make()
        channel.other = Notices(self.inner_url, TOKEN)
        return served(channel, None, port=self._outer, token=TOKEN)

    def inner(self):
        """The half that asks Rasa."""
        channel = self._make()
        channel.other = Notices(f"http://127.0.0.1:{self._outer}", TOKEN)
        return served(channel, self._handle, port=self._inner, token=TOKEN)

    @asynccontextmanager
    async def both(self) -> AsyncIterator[str]:
        """Both; yields where the vendor calls."""
        async with self.inner(), self.outer() as place:
            yield place
