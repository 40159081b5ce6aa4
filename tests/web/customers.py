"""The storefront with customer data behind it: intake, pipeline and the pages that use them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from cdp import identity, profiles, tags
from cdp.events import Event, EventRow
from shop import clock
from shop.offers import OfferRow
from shop.orders import DELIVERED, OrderRow
from storage import read, write
from tests.web import fakes
from web.app import create_app
from web.settings import Settings

# As a person's browser says: crawlers are not taken in, and "HeadlessChrome" is one.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)
ADVERT = (
    "/landing?category=running_shoes&utm_source=douyin&utm_medium=short_video"
    "&utm_campaign=autumn&clickid=dy-7781"
)
_T = TypeVar("_T")


def application(work: bool = True, socket_address: str = "ws://127.0.0.1:9/x") -> FastAPI:
    """The web application over the tiny shop."""
    settings = Settings(demo=True, socket=socket_address)
    return create_app(settings, fakes.sources(), fakes.SHOPPERS, working=work)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application over HTTP; gives its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until(lambda: server.started, "the web application to start")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=60)


def until(holds: Callable[[], _T], what: str, seconds: float = 60) -> _T:
    """What `holds` gives once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)
    return found


def events() -> list[Event]:
    """Every stored event, in its order."""
    with read() as session:
        rows = session.execute(select(EventRow.__table__).order_by(EventRow.seq)).all()
        return [Event.from_row(row) for row in rows]


def names() -> list[str]:
    """What was told, by its name or type, without what was erased."""
    return [one.name or one.type for one in events() if one.body]


def profile_of(kind: str, key: str) -> dict:
    """The profile's body of whoever has that identifier, or {}."""
    with read() as session:
        person = identity.person_of(session, [(kind, key)])
        return (profiles.get(session, person) or {}) if person else {}


def tags_of(kind: str, key: str) -> dict[str, tags.Tag]:
    """Their tags by name."""
    with read() as session:
        person = identity.person_of(session, [(kind, key)])
        return {one.tag: one for one in tags.of(session, person)} if person else {}


def stock_the_shop(stock: int = 2) -> None:
    """Offers of P1 in the database, and an order of `demo` that says where to send the next."""
    with write() as session:
        for sku, (price, _, restock) in fakes._PRICES.items():
            session.add(
                OfferRow(
                    sku=sku,
                    product_id=sku.partition("-")[0],
                    price_cents=price,
                    stock=stock,
                    restock_days=restock,
                    updated_at=clock.now(),
                )
            )
        session.add(
            OrderRow(
                number="QD2026110009",
                shopper="demo",
                phone="13900001234",
                receiver="陈小满",
                address="杭州市西湖区云栖路 18 号",
                state=DELIVERED,
                total_cents=100,
                placed_at=clock.now(),
            )
        )
