"""One message of a conversation at a time, in order, and no waiting for a clock."""

from __future__ import annotations

import asyncio
import time

import pytest
from rasa.core.lock_store import LockError

from runtime.lock_store import WakingLockStore


async def _hold(store, order, name, seconds, lifetime=60.0):
    async with store.lock("talk", lifetime):
        order.append(name)
        await asyncio.sleep(seconds)


def test_messages_are_taken_in_the_order_they_came():
    async def talk():
        store, order = WakingLockStore(), []
        await asyncio.gather(*(_hold(store, order, name, 0.01) for name in range(8)))
        return order

    assert asyncio.run(talk()) == list(range(8))


def test_the_next_message_does_not_wait_a_second():
    async def talk():
        store = WakingLockStore()
        begun = time.perf_counter()
        await asyncio.gather(*(_hold(store, [], name, 0.02) for name in range(3)))
        return time.perf_counter() - begun

    assert asyncio.run(talk()) < 0.5


def test_conversations_do_not_wait_for_each_other():
    async def talk():
        store = WakingLockStore()
        async with store.lock("one"), store.lock("another"):
            return store.is_someone_waiting("one")

    assert asyncio.run(talk())


def test_a_holder_past_its_lifetime_gives_way():
    async def talk():
        store, order = WakingLockStore(), []
        slow = asyncio.create_task(_hold(store, order, "slow", 5, lifetime=0.1))
        await asyncio.sleep(0.01)
        await asyncio.wait_for(_hold(store, order, "next", 0), 4)
        slow.cancel()
        return order

    assert asyncio.run(talk()) == ["slow", "next"]


def test_who_waits_past_the_lifetime_is_told():
    async def talk():
        store = WakingLockStore()
        async with store.lock("talk", 60):
            with pytest.raises(LockError, match="talk"):
                async with store.lock("talk", 0.05):
                    pass
        return store._queues

    assert asyncio.run(talk()) == {}


def test_one_who_gives_up_does_not_stop_those_behind():
    async def talk():
        store, order = WakingLockStore(), []
        first = asyncio.create_task(_hold(store, order, "first", 0.1))
        await asyncio.sleep(0.01)
        gone = asyncio.create_task(_hold(store, order, "gone", 0))
        await asyncio.sleep(0.01)
        last = asyncio.create_task(_hold(store, order, "last", 0))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.gather(first, last)
        return order

    assert asyncio.run(talk()) == ["first", "last"]
