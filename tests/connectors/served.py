"""A channel served alone on loopback, by the real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from sanic import Sanic
from sanic.touchup import TouchUp

from tests.assistant import free_port


class NoTrackers:
    """A tracker store that knows of nobody."""

    async def retrieve(self, _sender_id: str) -> None:
        """Nothing."""
        return None


@asynccontextmanager
async def served(channel, handle, *others) -> AsyncIterator[str]:
    """The channel, and others beside it, under `/webhooks/<name>`; `handle` stands for Rasa. Yields
    host and port."""
    port = free_port()
    app = Sanic(f"channel_{port}", configure_logging=False)
    app.ctx.agent = SimpleNamespace(tracker_store=NoTrackers())
    for one in (channel, *others):
        app.blueprint(one.blueprint(handle), url_prefix=f"/webhooks/{one.name()}")
    server = await app.create_server("127.0.0.1", port, return_asyncio_server=True)
    # Sanic rewrites its own methods here, from their source, which works once: put them back.
    written = [(owner, name, getattr(owner, name)) for owner, name in TouchUp._registry]
    await server.startup()
    await server.before_start()
    await server.after_start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.before_stop()
        server.close()
        await server.wait_closed()
        for owner, name, method in written:
            setattr(owner, name, method)
