"""WeChat's API as far as the channel needs it: one token, bounded tries, errors told apart.

`stable_token` gives every process the same token until it ends, so that none ends another's.
Source: WeChat's developer pages on "获取稳定版接口调用凭据" and "全局返回码".
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from dataclasses import dataclass
from typing import Any

import httpx

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
_JSON = {"Content-Type": "application/json"}
_BAD_TOKEN = frozenset({40001, 40014, 42001})
# A token is renewed this long before its end.
_MARGIN_SECONDS = 300


class ApiError(Exception):
    """WeChat answered with an error; `code` is its errcode."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}"[:200])
        self.code = code


class NotReached(Exception):
    """No connection came about, so nothing was done."""


@dataclass(frozen=True)
class Account:
    """An account: its app id and secret, the token and key of its callback.

    customer_api: whether it may send customer-service messages (a verified account).
    """

    app_id: str
    secret: str
    token: str
    aes_key: str | None = None
    customer_api: bool = True
    api: str = "https://api.weixin.qq.com"

    @classmethod
    def from_environment(cls, prefix: str = "WECHAT") -> Account | None:
        """From `WECHAT_APP_ID`, `WECHAT_APP_SECRET`, `WECHAT_TOKEN`, `WECHAT_AES_KEY`,
        `WECHAT_CUSTOMER_API` ("off" without that right), or those that begin with another prefix;
        None if the first is not set.

        Raises:
            ValueError: others are missing, or the key has not its 43 characters.
        """
        told = {name: os.environ.get(f"{prefix}_{name}", "") for name in _NAMES}
        if not told["APP_ID"]:
            return None
        missing = [f"{prefix}_{name}" for name in ("APP_SECRET", "TOKEN") if not told[name]]
        if missing:
            raise ValueError(f"{', '.join(missing)}: expected beside {prefix}_APP_ID")
        if told["AES_KEY"] and len(told["AES_KEY"]) != 43:
            raise ValueError(f"{prefix}_AES_KEY: expected 43 characters (EncodingAESKey)")
        return cls(
            told["APP_ID"],
            told["APP_SECRET"],
            told["TOKEN"],
            told["AES_KEY"] or None,
            told["CUSTOMER_API"].lower() != "off",
            (told["API_URL"] or cls.api).rstrip("/"),
        )


_NAMES = ("APP_ID", "APP_SECRET", "TOKEN", "AES_KEY", "CUSTOMER_API", "API_URL")


class Client:
    """Calls to the API of one account; of one event loop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._http = httpx.AsyncClient(base_url=account.api, timeout=TIMEOUT, trust_env=False)
        self._token = ""
        self._good_until = 0.0
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON with the token; a token that has ended is renewed, and it is tried once more.

        Raises:
            ApiError: WeChat refuses. NotReached: nothing was done.
            httpx.HTTPError: no answer came, so nobody knows what was done.
        """
        token = await self._current()
        try:
            return await self._post(path, body, token)
        except ApiError as error:
            if error.code not in _BAD_TOKEN:
                raise
        return await self._post(path, body, await self._current(ended=token))

    async def _current(self, ended: str | None = None) -> str:
        """The token; `ended`: one that WeChat no longer takes."""
        async with self._renewing:
            if self._token and self._token != ended and time.monotonic() < self._good_until:
                return self._token
            wanted = {
                "grant_type": "client_credential",
                "appid": self._account.app_id,
                "secret": self._account.secret,
                # Else WeChat gives the same again, as long as it has time left.
                "force_refresh": ended is not None and self._token == ended,
            }
            told = await self._post("/cgi-bin/stable_token", wanted)
            self._token = told["access_token"]
            self._good_until = time.monotonic() + max(60, told["expires_in"] - _MARGIN_SECONDS)
            return self._token

    async def _post(self, path: str, body: dict, token: str | None = None) -> dict[str, Any]:
        query = {"access_token": token} if token else None
        try:
            # WeChat shows escapes (\\u4f60) as they stand.
            told = json.dumps(body, ensure_ascii=False).encode()
            answer = await self._http.post(path, content=told, params=query, headers=_JSON)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotReached(type(error).__name__) from error
        answer.raise_for_status()
        told = answer.json()
        if told.get("errcode"):
            raise ApiError(int(told["errcode"]), str(told.get("errmsg", "")))
        return told
