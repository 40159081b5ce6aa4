"""The conformance suite's rigs of WeChat: an official account, and a mini-program's service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import requests

from connectors.incoming import Incoming
from connectors.tencent import parsed
from connectors.wechat import channel, payloads
from connectors.wechat.channel import MiniProgramInput, WeChatInput
from connectors.wechat.client import Account
from tests.connectors.conformance.rig import FOREIGN, OLD, UNSIGNED, WRONG, Rig
from tests.vendors.wechat import Simulator, crypto, pushing

PATIENCE = 0.3
BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><xml><Content>&c;</Content></xml>'


class WeChatRig(Rig):
    """A verified account in safe mode."""

    vendor, channel = "wechat", "wechat"
    # Later messages of an account that has menus.
    elsewhere: ClassVar = {"buttons": "tests/connectors/test_wechat_outgoing.py"}
    made, kind = WeChatInput, "official"
    malformed = {
        "empty": b"",
        "broken": b"<xml><MsgType>text",
        "no message": b"<html/>",
        "entities": BOMB,
        "deep": b'{"a":' + b"[" * 20_000,
    }
    malformed_inside = {**malformed, "nobody": b"<xml><MsgType>text</MsgType></xml>"}

    def __init__(self) -> None:
        # A test account has no menus: choices are numbered in replies and in later messages.
        more = {"kind": self.kind, "test_account": True}
        self._wechat = Simulator(mode="safe", answer_within=3.0, **more)

    def quick(self, patch) -> None:
        super().quick(patch)
        patch.setattr(channel, "BRIEFLY_SECONDS", PATIENCE)
        patch.setattr(channel, "PATIENCE_SECONDS", PATIENCE)

    def __enter__(self) -> WeChatRig:
        self._wechat.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._wechat.__exit__(*error)

    def make(self) -> WeChatInput:
        at = self._wechat
        account = Account(at.appid, at.secret, at.token, at.aes_key, at.verified, at.url)
        return self.made(account)

    def unconfigured(self) -> WeChatInput:
        return self.made.from_credentials(None)

    def point(self, url: str) -> None:
        assert self._wechat.configure(f"{url}/webhook")

    def says(self, who: str, text: str) -> None:
        self._wechat.shopper(who).says(text)

    def sends(self, who: str, kind: str) -> None:
        shopper = self._wechat.shopper(who)
        acts = {
            "image": shopper.sends_image,
            "voice": shopper.sends_voice,
            "location": partial(shopper.sends_location, 31.2, 121.5, "上海"),
            "unknown": partial(shopper.pushes, "hologram", Depth="3"),
        }
        acts[kind]()

    def enters(self, who: str, scene: str) -> None:
        self._wechat.shopper(who, following=False).follows(f"qrscene_{scene}")

    def leaves(self, who: str) -> None:
        self._wechat.shopper(who).unfollows()

    def seen(self, who: str) -> list[str]:
        return self._wechat.shopper(who).texts

    def identifier(self, who: str) -> tuple[str, str]:
        return "openid", who

    def repeats(self) -> None:
        pushing.deliver(self._wechat, self._wechat.deliveries[-1].push, {})

    @contextmanager
    def late(self) -> Iterator[None]:
        self._wechat.hold()
        yield
        for push in self._wechat.release(backwards=True)[::-1]:
            pushing.deliver(self._wechat, push, {})

    def newer(self) -> None:
        self._wechat.newer_payloads = True

    def acknowledged(self) -> list[bool]:
        return [one.outcome in ("accepted", "replied") for one in self._wechat.deliveries]

    def forge(self, how: str, text: str) -> int:
        at = self._wechat
        forged = {
            WRONG: {"token": "guessed"},
            OLD: {"at": int(at.clock()) - 400},
            FOREIGN: {"appid": "wx-somebody-else"},
        }
        if how == UNSIGNED:
            return requests.post(at.callback_url, b"<xml/>", timeout=60).status_code
        shopper = at.shopper("forger")
        return shopper.pushes("text", forged[how], Content=text).attempts[0].status

    def replay(self) -> int:
        return self._wechat.replay(self._wechat.deliveries[-1]).status

    def post(self, body: bytes, inside: bool = False) -> int:
        at = self._wechat
        query = pushing.signed_query(at, "o-ann", int(at.clock()), at.token)
        if inside:
            sealed = crypto.seal(body.decode(), at.aes_key, at.appid)
            signed = (at.token, query["timestamp"], query["nonce"], sealed)
            query |= {"encrypt_type": "aes", "msg_signature": crypto.signature(*signed)}
            body = f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()
        return requests.post(at.callback_url, body, params=query, timeout=60).status_code

    def read(self, payload: bytes) -> Incoming | None:
        found = payloads.parse(parsed(payload))
        return found if isinstance(found, Incoming) else None


class MiniProgramRig(WeChatRig):
    """A mini-program's customer service."""

    channel, made, kind = "miniprogram", MiniProgramInput, "miniprogram"

    def enters(self, who: str, scene: str) -> None:
        self._wechat.shopper(who).enters(scene)


RIGS = (WeChatRig, MiniProgramRig)
