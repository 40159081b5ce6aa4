"""What WeChat and WeCom share: signed and encrypted callbacks, and an API behind a token.

Sources: WeChat's developer pages "接入指南", "消息加解密", "全局返回码"; WeCom's "加解密方案说明"
(documents 90968, 91039). The cryptography is wechatpy's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeVar
from xml.parsers.expat import ExpatError

import aiohttp
import xmltodict
from sqlalchemy.exc import SQLAlchemyError
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException

from connectors.tokens import MARGIN, Mine, Shared, Token
from storage.secrets import MissingSecret

logger = logging.getLogger(__name__)

# Their clock and ours may differ; what is older was recorded by somebody.
FRESH_SECONDS = 300
# With `total` a late answer is told from a connection that does not come about.
TIMEOUT = aiohttp.ClientTimeout(total=8.0, connect=3.0)
# They keep a connection a while; one that they are closing is not to be written to.
KEPT_SECONDS = 5.0
_JSON = {"Content-Type": "application/json"}
_UPLOAD = "/cgi-bin/media/upload"
_BAD_TOKEN = frozenset({40001, 40014, 42001})
# How often, and how long, it is looked whether another process has renewed a token.
LOOKS, LOOK_SECONDS = 100, 0.1

_Told = TypeVar("_Told")


class NotGenuine(Exception):
    """The request is not the vendor's, not fresh, or meant for another account."""


class Malformed(Exception):
    """The request is genuine, but its body cannot be read."""


class ApiError(Exception):
    """The vendor answered with an error; `code` is its errcode."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}"[:200])
        self.code = code


class NotReached(Exception):
    """No connection came about, so nothing was done."""


class NoAnswer(Exception):
    """No answer came, or none of the API's: nobody knows what was done."""


def signature(*parts: str) -> str:
    """SHA-1 of the sorted parts, in hexadecimal."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def key_of(aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey of 43 characters."""
    return base64.b64decode(aes_key + "=")


class Sealed:
    """The secrets of a callback: its `token`, the key of its encryption (None: in clear), and who
    receives it (an app id, a corp id)."""

    def __init__(self, receiver: str, token: str, aes_key: str | None) -> None:
        self.receiver = receiver
        self.token = token
        self.key = key_of(aes_key) if aes_key else None

    def opened(self, query: Mapping[str, str], encrypted: str, now: float | None = None) -> str:
        """What an encrypted text says.

        Raises:
            NotGenuine: `msg_signature` is missing or wrong, the time is not now, or it is meant
                for another receiver. Malformed: it cannot be decrypted.
        """
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        self.compare(query, "msg_signature", timestamp, nonce, encrypted)
        self.fresh(query, now)
        try:
            return PrpCrypto(self.key).decrypt(encrypted, self.receiver)
        except InvalidAppIdException:
            raise NotGenuine("encrypted for another receiver") from None
        except (binascii.Error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise Malformed(f"cannot be decrypted: {type(error).__name__}") from None

    def seal(self, reply: str, nonce: str) -> str:
        """A reply as it is sent: encrypted where there is a key."""
        if self.key is None:
            return reply
        encrypted = PrpCrypto(self.key).encrypt(reply, self.receiver).decode()
        timestamp = str(int(time.time()))
        told = {
            "Encrypt": encrypted,
            "MsgSignature": signature(self.token, timestamp, nonce, encrypted),
            "TimeStamp": timestamp,
            "Nonce": nonce,
        }
        return xmltodict.unparse({"xml": told}, full_document=False)

    def compare(self, query: Mapping[str, str], name: str, *parts: str) -> None:
        """Look at a signature of the query.

        Raises:
            NotGenuine: it is missing or wrong.
        """
        given = query.get(name, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, signature(self.token, *parts).encode()):
            raise NotGenuine(f"{name} is missing or wrong")

    @staticmethod
    def fresh(query: Mapping[str, str], now: float | None) -> None:
        """Look at the query's `timestamp`.

        Raises:
            NotGenuine: it is not now.
        """
        told = query.get("timestamp", "")
        moment = time.time() if now is None else now
        if not told.isascii() or not told.isdigit() or abs(int(told) - moment) > FRESH_SECONDS:
            raise NotGenuine(f"timestamp: expected seconds, at most {FRESH_SECONDS} s from now")


class ApiClient:
    """Calls to an API behind a token; of one event loop.

    shared: where processes share the token; None: this one asks for its own.
    """

    def __init__(self, api: str, shared: Shared | None = None) -> None:
        self._api = api
        self._http: aiohttp.ClientSession | None = None
        self._shared = shared
        self._token = ""
        self._good_until = 0.0
        self._renewing = asyncio.Lock()

    async def new_token(self, ended: bool) -> dict[str, Any]:
        """{"access_token", "expires_in": seconds}; ended: the one in use is taken no longer."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close()

    async def call(self, path: str, body: dict[str, Any] | None = None, **query) -> dict[str, Any]:
        """POST JSON with the token, or GET without a body; a token that has ended is renewed, and
        it is tried once more.

        Raises:
            ApiError: the vendor refuses. NotReached: nothing was done.
            NoAnswer: nobody knows what was done.
        """
        return await self._with_token(lambda token: self._once(path, body, token, query))

    async def download(self, media_id: str, most_bytes: int) -> bytes:
        """A temporary medium (`media/get`); as `call`.

        Raises:
            ApiError, NotReached, NoAnswer: as `call`. ValueError: it is larger than that.
        """
        return await self._with_token(lambda token: self._medium(media_id, token, most_bytes))

    async def upload(self, name: str, content: bytes, mime: str) -> str:
        """Give the vendor a picture for three days (`media/upload`); its number, as `call`."""
        told = await self._with_token(lambda token: self._given(name, content, mime, token))
        return str(told["media_id"])

    async def _with_token(self, act: Callable[[str], Awaitable[_Told]]) -> _Told:
        token = await self._current()
        try:
            return await act(token)
        except ApiError as error:
            if error.code not in _BAD_TOKEN:
                raise
        return await act(await self._current(ended=token))

    async def _given(self, name: str, content: bytes, mime: str, token: str) -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field("media", content, filename=name, content_type=mime)
        query = {"access_token": token, "type": "image"}
        async with self._asked("POST", _UPLOAD, params=query, data=form) as answer:
            return checked(await answer.read())

    async def _medium(self, media_id: str, token: str, most_bytes: int) -> bytes:
        query, content = {"access_token": token, "media_id": media_id}, b""
        async with self._asked("GET", "/cgi-bin/media/get", params=query) as answer:
            async for chunk in answer.content.iter_any():
                content += chunk
                if len(content) > most_bytes:
                    raise ValueError(f"the medium: expected at most {most_bytes} bytes")
        if content[:1] == b"{":
            # No recording begins so: it is an error.
            told = json.loads(content)
            raise ApiError(int(told.get("errcode") or -1), str(told.get("errmsg", "")))
        return content

    async def _once(self, path: str, body: dict | None, token: str, query: dict) -> dict[str, Any]:
        if body is None:
            return await self.get(path, {**query, "access_token": token})
        return await self.post(path, body, token)

    async def _current(self, ended: str | None = None) -> str:
        """The token; `ended`: one that the vendor no longer takes."""
        async with self._renewing:
            if self._token and self._token != ended and time.monotonic() < self._good_until:
                return self._token
            found = await self._renewed(ended)
            self._token = found.text
            self._good_until = time.monotonic() + max(60.0, found.seconds)
            return self._token

    async def _renewed(self, ended: str | None) -> Token:
        if self._shared is None:
            return await self._new(ended is not None)
        for _ in range(LOOKS):
            try:
                found = await asyncio.to_thread(self._shared.take, ended)
            except (SQLAlchemyError, MissingSecret):
                # Without a place to share it each process asks; vendors give all the same.
                logger.exception("tokens.not_shared")
                return await self._new(ended is not None)
            if isinstance(found, Token):
                return found
            if found is not None:
                return await self._renew(found)
            await asyncio.sleep(LOOK_SECONDS)
        raise NotReached("another process is renewing the token")

    async def _renew(self, mine: Mine) -> Token:
        try:
            made = await self._new(mine.ended)
        except BaseException:
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._shared.let_go)
            raise
        try:
            whole = made.seconds + MARGIN.total_seconds()
            await asyncio.to_thread(self._shared.put, made.text, whole)
        except (SQLAlchemyError, MissingSecret):
            logger.exception("tokens.not_shared")
        return made

    async def _new(self, ended: bool) -> Token:
        told = await self.new_token(ended)
        return Token(told["access_token"], told["expires_in"] - MARGIN.total_seconds())

    async def post(self, path: str, body: dict, token: str | None = None) -> dict[str, Any]:
        """POST JSON; as `call`, without a second try."""
        query = {"access_token": token} if token else None
        # WeChat shows escapes (\\u4f60) as they stand.
        told = json.dumps(body, ensure_ascii=False).encode()
        async with self._asked("POST", path, params=query, data=told, headers=_JSON) as answer:
            return checked(await answer.read())

    async def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """GET; as `post`."""
        async with self._asked("GET", path, params=query) as answer:
            return checked(await answer.read())

    @asynccontextmanager
    async def _asked(self, method: str, path: str, **how) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of the API, to be read within.

        Raises:
            NotReached, NoAnswer: as `call`.
        """
        if self._http is None:
            kept = aiohttp.TCPConnector(keepalive_timeout=KEPT_SECONDS)
            jar = aiohttp.DummyCookieJar()
            self._http = aiohttp.ClientSession(connector=kept, timeout=TIMEOUT, cookie_jar=jar)
        asked = self._http.request(method, f"{self._api}{path}", allow_redirects=False, **how)
        try:
            async with asked as answer:
                if answer.status != HTTPStatus.OK:
                    raise NoAnswer(f"status {answer.status}")
                yield answer
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError) as error:
            # The latter: no connection in time.
            raise NotReached(type(error).__name__) from error
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error


def checked(answer: bytes) -> dict[str, Any]:
    """What an answer says.

    Raises:
        ApiError: that it refuses. NoAnswer: it is none of the API's.
    """
    try:
        told = json.loads(answer)
    except ValueError:
        raise NoAnswer("expected JSON") from None
    if not isinstance(told, dict):
        raise NoAnswer("expected an object")
    if told.get("errcode"):
        raise ApiError(int(told["errcode"]), str(told.get("errmsg", "")))
    return told


def parsed(body: bytes) -> dict:
    """A message in XML, or in JSON as a mini-program may be set to.

    Raises:
        Malformed: it is neither; or it is XML with entities, or not of the form <xml>…</xml>.
    """
    if body.lstrip()[:1] == b"{":
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            # What is nested by the thousand is nobody's message.
            raise Malformed(f"no JSON: {type(error).__name__}") from None
    try:
        # Declared entities are refused: they make megabytes of a few bytes.
        told = xmltodict.parse(body, disable_entities=True)
    except (ExpatError, ValueError) as error:
        raise Malformed(f"no XML: {type(error).__name__}") from None
    message = told.get("xml")
    if not isinstance(message, dict):
        raise Malformed("expected <xml>…</xml>")
    return message
