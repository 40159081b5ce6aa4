"""Tokens of vendors: one for all processes, renewed by one of them, whatever becomes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from connectors import tencent, tokens
from connectors.tencent import ApiClient, ApiError, NotReached
from connectors.tokens import Mine, Shared, Token, TokenRow
from storage import read, utc_now, write

HERE = ("wechat", "wx1", "secret")


class Api(ApiClient):
    """An API that gives numbered tokens, or refuses to."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__("http://127.0.0.1:9", Shared(*HERE))
        self.refuses, self.asked = refuses, []

    async def new_token(self, ended: bool) -> dict:
        self.asked.append(ended)
        if self.refuses:
            raise ApiError(40125, "invalid appsecret")
        return {"access_token": f"token-{len(self.asked)}", "expires_in": 7200}


def test_one_renews_and_the_others_wait_and_have_it(database):
    one, other = Shared(*HERE), Shared(*HERE)
    assert one.take(None) == Mine(ended=False)
    assert other.take(None) is None
    one.put("t1", 7200)
    found = other.take(None)
    assert isinstance(found, Token) and found.text == "t1" and 6800 < found.seconds <= 6900
    # Ended before its time: one renews it by force, and whoever comes later has the new one.
    assert other.take("t1") == Mine(ended=True)
    assert one.take("t1") is None
    other.put("t2", 7200)
    assert one.take("t1").text == "t2"


def test_a_token_is_not_kept_in_clear_and_a_new_secret_has_its_own(state):
    one = Shared(*HERE)
    one.take(None)
    one.put("a token", 7200)
    with read() as session:
        row = session.scalars(select(TokenRow)).one()
    assert "a token" not in row.token and "secret" not in row.account
    assert Shared("wechat", "wx1", "another").take(None) == Mine(ended=False)


def test_it_is_renewed_before_its_end_and_a_process_that_ended_holds_nobody_up(state):
    one = Shared(*HERE)
    one.take(None)
    one.put("t1", tokens.MARGIN.total_seconds() - 1)
    assert one.take(None) == Mine(ended=False)
    assert one.take(None) is None
    with write() as session:
        session.execute(update(TokenRow).values(renewing_until=utc_now() - timedelta(seconds=1)))
    assert one.take(None) == Mine(ended=False)


async def test_a_refusal_lets_another_try(state):
    first, second = Api(refuses=True), Api()
    with pytest.raises(ApiError):
        await first._current()
    assert await second._current() == "token-1"
    # What one has renewed is the other's too, without asking.
    first.refuses = False
    assert await first._current() == "token-1" and first.asked == [False]
    for one in (first, second):
        await one.close()


async def test_who_waits_in_vain_says_so(state, monkeypatch):
    monkeypatch.setattr(tencent, "LOOKS", 2)
    monkeypatch.setattr(tencent, "LOOK_SECONDS", 0.01)
    Shared(*HERE).take(None)
    api = Api()
    with pytest.raises(NotReached, match="another process"):
        await api._current()
    assert api.asked == []
    await api.close()


async def test_without_a_database_each_process_asks_for_itself(state, monkeypatch, caplog):
    def away(*_):
        raise tencent.SQLAlchemyError("away")

    api = Api()
    monkeypatch.setattr(Shared, "take", away)
    assert await api._current() == "token-1"
    assert "tokens.not_shared" in caplog.text
    await api.close()
