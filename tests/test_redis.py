"""All that reads `REDIS_URL`, on a real Redis: floods, the intake's limits, erasure."""

from __future__ import annotations

import pytest
import requests

from cdp import erasers
from cdp.intake import limits
from cdp.sources import Source
from connectors.floods import Floods
from connectors.rest.channel import RestInput
from tests.connectors.served import served
from tests.connectors.talks import Bot, does
from tests.redis_server import redis_running, redis_server

# Fixtures, found by their names here.
__all__ = ["redis_running", "redis_server"]


async def test_processes_share_the_counts_of_a_shopper(redis_server, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "2/hour")
    here, there = Floods("wechat"), Floods("wechat")
    assert [await one.sender("zoe") for one in (here, there, here, there)] == [True] * 2 + [
        False
    ] * 2
    # Others have counts of their own; nobody's name stands in them, and they end by themselves.
    assert await here.sender("bob") and await Floods("slack").sender("zoe")
    with redis_server.client() as client:
        keys = client.keys()
        assert len(keys) == 3 and not any(b"zoe" in key or b"bob" in key for key in keys)
        assert all(0 < client.ttl(key) <= 3600 for key in keys)


async def test_a_window_that_is_over_lets_through_again(redis_server, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "1/hour")
    floods = Floods("wechat")
    assert [await floods.sender("zoe"), await floods.sender("zoe")] == [True, False]
    with redis_server.client() as client:
        (key,) = client.keys()
        client.pexpire(key, 1)
        while client.exists(key):
            pass
    assert await floods.sender("zoe")


async def test_addresses_that_guess_are_counted_for_all_servers(redis_server, state, monkeypatch):
    monkeypatch.setenv("CHANNELS_LIMIT_REFUSED", "2/hour")

    async def asked() -> int:
        async with served(RestInput({"shop": "0123456789abcdef"}), Bot()) as place:
            url = f"http://{place}/webhooks/rest/webhook"
            return (await does(lambda: requests.post(url, json={}, timeout=60))).status_code

    # Each time another server.
    assert [await asked() for _ in range(3)] == [401, 401, 429]


async def test_redis_that_goes_away_loses_no_message_and_counts_when_it_is_back(
    redis_server, monkeypatch, caplog
):
    monkeypatch.setenv("CHANNELS_LIMIT_SENDER", "1/hour")
    floods = Floods("wechat")
    assert [await floods.sender("zoe"), await floods.sender("zoe")] == [True, False]
    redis_server.stop()
    assert await floods.sender("zoe") and "wechat.limits.unavailable" in caplog.text
    redis_server.start()
    assert [await floods.sender("zoe"), await floods.sender("zoe")] == [True, False]


def test_the_intake_says_how_long_to_wait(redis_server, monkeypatch):
    monkeypatch.setenv("CDP_LIMIT_SOURCE", "9/hour")
    monkeypatch.setenv("CDP_LIMIT_ADDRESS", "1/hour")
    page = Source(7, "storefront", "web", "a write key", "carried")
    assert limits.wait_for(page, "198.51.100.1") is None
    # As another process has it.
    limits._limiter.cache_clear()
    assert 0 < limits.wait_for(page, "198.51.100.1") <= 3600
    assert limits.wait_for(page, "198.51.100.2") is None
    with redis_server.client() as client:
        held = client.keys()
        assert len(held) == 3 and not any(b"198.51.100" in key for key in held)


@pytest.mark.parametrize("talk", ["web-a*b", "web-[ab]?", "web-a\\b", "wecom-wk1/wm2"])
def test_an_erasure_deletes_the_keys_of_a_talk_and_no_other(redis_server, talk):
    others = [b"lock:web-aab", b"lock:web-a", b"lock:web-a/b", b"lock:wecom-wk1"]
    with redis_server.client() as client:
        client.mset({f"lock:{talk}": "1", f"{talk}:seen": "1", **dict.fromkeys(others, "1")})
        assert erasers.erase_from_redis([], [("conversation", talk), ("user_id", "demo")]) == 2
        assert set(client.keys()) == set(others)
        assert erasers.erase_from_redis([], [("conversation", talk)]) == 0
