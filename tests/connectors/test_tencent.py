"""Calls to WeChat's and WeCom's API: what is known of one that did not come to its end."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors import tencent
from connectors.tencent import ApiClient, ApiError, NoAnswer, NotReached
from tests.assistant import free_port

SHORT = aiohttp.ClientTimeout(total=0.3, connect=0.1)


class Client(ApiClient):
    """With a token."""

    async def new_token(self, ended: bool) -> dict:
        return {"access_token": "t", "expires_in": 7200}


async def called(api: str) -> dict:
    client = Client(api)
    try:
        return await client.call("/send", {"text": "你好"})
    finally:
        await client.close()


async def answered(answer) -> dict:
    app = web.Application()
    app.router.add_post("/send", answer)
    async with TestServer(app) as server:
        return await called(str(server.make_url("")).rstrip("/"))


async def test_a_call_is_answered():
    async def answer(request):
        assert request.query["access_token"] == "t"
        # Escapes are shown as they stand.
        return web.json_response({"errcode": 0, "heard": (await request.read()).decode()})

    assert (await answered(answer))["heard"] == '{"text": "你好"}'


async def test_a_refusal_names_its_code():
    async def answer(_):
        return web.json_response({"errcode": 45015, "errmsg": "out of time"})

    with pytest.raises(ApiError, match="45015 out of time"):
        await answered(answer)


@pytest.mark.parametrize(
    ("status", "body"), [(502, "{}"), (302, "{}"), (200, "<html>"), (200, "[]"), (200, "")]
)
async def test_what_is_no_answer_of_the_api_says_nothing_of_what_was_done(status, body):
    async def answer(_):
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    with pytest.raises(NoAnswer):
        await answered(answer)


async def test_an_answer_that_is_late_or_cut_off_says_nothing_of_what_was_done(monkeypatch):
    monkeypatch.setattr(tencent, "TIMEOUT", SHORT)

    async def late(_):
        await asyncio.sleep(1.0)

    async def cut_off(request):
        request.transport.close()
        await asyncio.sleep(0)

    for answer in (late, cut_off):
        with pytest.raises(NoAnswer):
            await answered(answer)


async def test_without_a_connection_nothing_was_done(monkeypatch):
    with pytest.raises(NotReached):
        await called(f"http://127.0.0.1:{free_port()}")

    async def never(*_, **__):
        await asyncio.sleep(60)

    monkeypatch.setattr(tencent, "TIMEOUT", SHORT)
    monkeypatch.setattr(aiohttp.TCPConnector, "connect", never)
    with pytest.raises(NotReached):
        await called("http://127.0.0.1:1")
