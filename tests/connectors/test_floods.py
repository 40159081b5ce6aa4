"""Floods: counts are shared where there is a Redis, and an address is the shopper's own."""

from __future__ import annotations

import pytest
import requests

from connectors import floods
from connectors.floods import Floods
from connectors.rest.channel import RestInput
from storage.counts import CountsInMemory
from tests.connectors.served import served
from tests.connectors.talks import Bot, does


async def test_processes_share_their_counts_in_redis(monkeypatch):
    redis = {"redis://counts": CountsInMemory()}
    monkeypatch.setattr(floods, "counts", redis.__getitem__)
    monkeypatch.setenv("REDIS_URL", "redis://counts")
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "3/minute")
    one, other = Floods("wechat"), Floods("wechat")
    asked = [await each.sender("zoe") for each in (one, other, one, other)]
    assert asked == [True, True, True, False]
    # Another shopper, and another channel, have counts of their own; nobody's name stands in them.
    assert await other.sender("bob") and await Floods("slack").sender("zoe")
    assert not any("zoe" in key for key in redis["redis://counts"].storage)


async def test_what_cannot_be_counted_is_let_through(monkeypatch, caplog):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "1/minute")
    limits = Floods("wechat")
    assert await limits.sender("zoe") and await limits.sender("zoe")
    assert "wechat.limits.unavailable" in caplog.text


@pytest.mark.parametrize(("proxies", "others"), [("1", 401), (None, 429)])
async def test_behind_a_proxy_that_is_told_of_each_address_is_its_own(
    state, monkeypatch, proxies, others
):
    monkeypatch.setenv("CHANNELS_LIMIT_REFUSED", "2/minute")
    if proxies:
        monkeypatch.setenv("SANIC_PROXIES_COUNT", proxies)
    async with served(RestInput({"shop": "0123456789abcdef"}), Bot()) as place:

        def asks(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            url = f"http://{place}/webhooks/rest/webhook"
            return requests.post(url, json={}, headers=headers, timeout=60).status_code

        assert [await does(asks, "198.51.100.1") for _ in range(3)] == [401, 401, 429]
        # Else anybody could be anybody: what a stranger says of its address is not believed.
        assert await does(asks, "198.51.100.2") == others
