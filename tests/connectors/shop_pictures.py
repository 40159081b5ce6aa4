"""The shop's pictures as tests of cards have them: the web application's own route, served."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from shop.storefront import Storefront
from tests.web import fakes
from web import media

CHOICES = [
    {"title": "看尺码", "payload": '/ask_size{"product": "P1"}'},
    {"title": "看优惠", "payload": "/ask_promotion"},
]
PRODUCT = {
    "kind": "product",
    "id": "P1",
    "title": "疾风3",
    "price": "¥499",
    "subtitle": "凌步 · 跑步鞋",
    "image": "/media/products/P1.svg",
    "url": "/products/P1",
    "buttons": CHOICES,
}
ANSWER = {"text": "是这款吗？", "custom": {"cards": [PRODUCT]}}
SEVERAL = {"text": "这几款可以看看：", "custom": {"cards": [PRODUCT, {**PRODUCT, "id": "P2"}]}}


class Shop:
    """The web application's pictures at `origin`; `asked`: which were fetched. `broken`: an HTTP
    status that all get, or a content that is no picture."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken: int | bytes | None = None
        self.origin = ""
        made = FastAPI()
        made.state.storefront = Storefront(fakes.sources())

        @made.middleware("http")
        async def watch(request: Request, serve):
            query = f"?{request.url.query}" if request.url.query else ""
            self.asked.append(f"{request.url.path}{query}")
            if isinstance(self.broken, int):
                return Response("", self.broken)
            if isinstance(self.broken, bytes):
                return Response(self.broken, media_type="image/png")
            return await serve(request)

        made.include_router(media.router)
        self._made = made

    @contextmanager
    def served(self) -> Iterator[Shop]:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self.origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
            config = uvicorn.Config(self._made, log_level="warning", lifespan="off")
            server = uvicorn.Server(config)
            run = {"args": ([listening],), "daemon": True}
            thread = threading.Thread(target=server.run, **run)
            thread.start()
            until = time.monotonic() + 60
            while not server.started:
                assert time.monotonic() < until, "the pictures' server did not start in 60 s"
                time.sleep(0.01)
            yield self
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="module")
def served_pictures() -> Iterator[Shop]:
    with Shop().served() as made:
        yield made


@pytest.fixture
def shop(served_pictures, monkeypatch) -> Shop:
    """The pictures, at the shop's public address."""
    served_pictures.asked, served_pictures.broken = [], None
    monkeypatch.setenv("QUDAO_WEB_ORIGIN", served_pictures.origin)
    return served_pictures
