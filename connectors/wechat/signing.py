"""Whether a request is WeChat's own, and its message in clear.

Sources: WeChat's developer pages on "接入指南" and "消息加解密"; the cryptography is wechatpy's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException

# WeChat's clock and ours may differ; what is older was recorded by somebody.
FRESH_SECONDS = 300


class NotGenuine(Exception):
    """The request is not WeChat's, not fresh, or meant for another account."""


class Malformed(Exception):
    """The request is genuine, but its body cannot be read."""


def signature(*parts: str) -> str:
    """SHA-1 of the sorted parts, in hexadecimal."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


class Signed:
    """The account's secrets: `token`, and the `aes_key` (43 characters) of safe mode, or None."""

    def __init__(self, app_id: str, token: str, aes_key: str | None = None) -> None:
        self._app_id = app_id
        self._token = token
        self._key = base64.b64decode(aes_key + "=") if aes_key else None

    def check(self, query: Mapping[str, str], now: float | None = None) -> None:
        """Look at `signature`, `timestamp` and `nonce`.

        Raises:
            NotGenuine: the signature is missing or wrong, or the time is not now.
        """
        self._compare(query, "signature", query.get("timestamp", ""), query.get("nonce", ""))
        self._fresh(query, now)

    def open(self, query: Mapping[str, str], body: bytes, now: float | None = None) -> dict:
        """The message in a body: {"ToUserName": …, "MsgType": …}.

        Raises:
            NotGenuine: as `check`; or, in safe mode, it is not encrypted or another account's.
            Malformed: neither XML of the form <xml>…</xml>, without entities, nor JSON.
        """
        safe = query.get("encrypt_type") == "aes"
        if not safe:
            self.check(query, now)
        told = _parsed(body)
        if self._key is None:
            if safe:
                raise NotGenuine("encrypted, and this account has no EncodingAESKey")
            return told
        if not safe:
            # Where a key is set, a message in clear may be anybody's who knows the token.
            raise NotGenuine("in clear, though the account has an EncodingAESKey")
        encrypted = told.get("Encrypt") or ""
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        self._compare(query, "msg_signature", timestamp, nonce, encrypted)
        self._fresh(query, now)
        return _parsed(self._decrypt(encrypted).encode())

    def seal(self, reply: str, nonce: str) -> str:
        """A passive reply as it is sent: encrypted where the account has a key."""
        if self._key is None:
            return reply
        encrypted = PrpCrypto(self._key).encrypt(reply, self._app_id).decode()
        timestamp = str(int(time.time()))
        told = {
            "Encrypt": encrypted,
            "MsgSignature": signature(self._token, timestamp, nonce, encrypted),
            "TimeStamp": timestamp,
            "Nonce": nonce,
        }
        return xmltodict.unparse({"xml": told}, full_document=False)

    def _compare(self, query: Mapping[str, str], name: str, *parts: str) -> None:
        given = query.get(name, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, signature(self._token, *parts).encode()):
            raise NotGenuine(f"{name} is missing or wrong")

    @staticmethod
    def _fresh(query: Mapping[str, str], now: float | None) -> None:
        told = query.get("timestamp", "")
        moment = time.time() if now is None else now
        if not told.isascii() or not told.isdigit() or abs(int(told) - moment) > FRESH_SECONDS:
            raise NotGenuine(f"timestamp: expected seconds, at most {FRESH_SECONDS} s from now")

    def _decrypt(self, encrypted: str) -> str:
        try:
            return PrpCrypto(self._key).decrypt(encrypted, self._app_id)
        except InvalidAppIdException:
            raise NotGenuine("encrypted for another app id") from None
        except (binascii.Error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise Malformed(f"Encrypt cannot be decrypted: {type(error).__name__}") from None


def _parsed(body: bytes) -> dict:
    """A message in XML, or in JSON as a mini-program may be set to."""
    if body.lstrip()[:1] == b"{":
        try:
            return json.loads(body)
        except ValueError as error:
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
