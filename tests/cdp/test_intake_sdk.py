"""Segment's own Python SDK, unchanged, against a real server with our routes."""

from __future__ import annotations

import time

import pytest
from segment.analytics.client import Client
from sqlalchemy import select

from cdp import sources
from cdp.events import Event, EventRow
from cdp.intake import limits
from storage import read
from tests.cdp.intake_events import consent
from tests.cdp.serving import app, served


class Flaky:
    """The application, with its first `failing` requests answered 503."""

    def __init__(self, application, failing: int):
        self.application, self.failing, self.seen = application, failing, 0

    async def __call__(self, scope, receive, send) -> None:
        self.seen += 1
        if self.seen > self.failing:
            await self.application(scope, receive, send)
            return
        headers = [(b"retry-after", b"0"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def server_source(database) -> sources.Source:
    limits._limiter.cache_clear()
    return sources.create("server", "server", "carried")


def stored() -> list[Event]:
    with read() as session:
        return [Event.from_row(row) for row in session.scalars(select(EventRow).order_by("seq"))]


def say_everything(client: Client) -> None:
    context = consent()
    client.identify("u1", {"gender": "女", "email": "zhang@qq.com"}, context)
    client.track("u1", "Product Viewed", {"product_id": "p1", "price": 399.5}, context)
    client.track("u1", "Order Completed", {"order_id": "QD1", "total": 399.5}, context)
    client.page("u1", "shop", "Home", {"url": "https://shop.example/?q=1"}, context)
    client.screen("u1", "shop", "Home", {}, context)
    client.group("u1", "g1", {"plan": "x"}, context)
    client.alias("u1", "u2", context)


@pytest.mark.parametrize("sync_mode", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_the_sdk_works_unchanged(server_source, sync_mode, packed):
    errors = []
    with served(app()) as host:
        client = Client(
            server_source.write_key,
            host=host,
            gzip=packed,
            sync_mode=sync_mode,
            on_error=lambda error, items: errors.append(error),
            upload_interval=0.05,
        )
        say_everything(client)
        if not sync_mode:
            client.shutdown()
    assert errors == []
    events = stored()
    assert [(event.type, event.kind) for event in events] == [
        ("identify", "identify"),
        ("track", "view"),
        ("track", "order"),
        ("page", "page"),
        ("screen", "page"),
        ("group", "group"),
        ("alias", "alias"),
    ]
    assert events[2].body["properties"]["total_cents"] == 39950
    assert [kind for kind, _ in events[0].ids] == ["user_id", "email"]
    assert events[0].body["context"]["library"].startswith("analytics-python/")
    assert all(abs((event.at - event.received_at).total_seconds()) < 5 for event in events)


def test_after_a_503_the_sdk_sends_again_and_it_counts_once(server_source):
    errors, flaky = [], Flaky(app(), failing=2)
    with served(flaky) as host:
        client = Client(
            server_source.write_key,
            host=host,
            gzip=True,
            on_error=lambda error, items: errors.append(error),
            upload_interval=0.05,
        )
        for number in range(250):
            client.track(f"u{number}", "Product Viewed", {}, consent())
        client.flush()
        until = time.monotonic() + 60
        while len(stored()) < 250 and time.monotonic() < until:
            time.sleep(0.05)
        client.shutdown()
    assert errors == []
    assert flaky.seen >= 5
    events = stored()
    assert len(events) == 250
    assert {event.ids[0] for event in events} == {("user_id", f"u{n}") for n in range(250)}
