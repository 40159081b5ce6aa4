"""Writes that come at once share a transaction; one that fails is undone alone."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from cdp.messages.tables import AddressRow
from storage import read, together, utc_now
from storage.database import write as write_once


def note(name: str, session) -> str:
    row = AddressRow(channel="t", address=name, kind="k", key=name, heard_at=utc_now())
    session.add(row)
    session.flush()
    return name


def fail(session) -> None:
    note("half", session)
    raise ValueError("no")


def kept() -> int:
    with read() as session:
        return session.scalar(select(func.count()).select_from(AddressRow))


@pytest.fixture
def transactions(database, monkeypatch) -> list:
    made = []

    @contextmanager
    def counted():
        made.append(1)
        with write_once() as session:
            yield session

    monkeypatch.setattr(together, "write", counted)
    return made


async def test_what_comes_at_once_is_one_transaction_after_the_first(transactions):
    works = [together.together(partial(note, f"a{n}")) for n in range(30)]
    assert await asyncio.gather(*works) == [f"a{n}" for n in range(30)]
    assert len(transactions) <= 2 and kept() == 30


async def test_what_raises_is_undone_alone(transactions):
    works = [together.together(one) for one in (partial(note, "a"), fail, partial(note, "b"))]
    found = await asyncio.gather(*works, return_exceptions=True)
    assert (found[0], found[2]) == ("a", "b") and isinstance(found[1], ValueError)
    with pytest.raises(ValueError, match="no"):
        await together.together(fail)
    assert kept() == 2


async def test_if_the_commit_fails_everybody_is_told(database, monkeypatch):
    @contextmanager
    def away():
        with write_once() as session:
            yield session
            raise OperationalError("away", {}, Exception())

    monkeypatch.setattr(together, "write", away)
    works = [together.together(partial(note, f"a{n}")) for n in range(3)]
    found = await asyncio.gather(*works, return_exceptions=True)
    assert all(isinstance(one, OperationalError) for one in found) and kept() == 0
