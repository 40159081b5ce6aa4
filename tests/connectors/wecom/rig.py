"""The conformance suite's rigs of WeCom: customer service, and an app of the enterprise's own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import requests

from connectors.incoming import Incoming
from connectors.tencent import parsed
from connectors.wecom import app_payloads, channel, payloads
from connectors.wecom.app import WeComAppInput
from connectors.wecom.channel import WeComInput
from connectors.wecom.client import Corp
from connectors.wecom.payloads import Entered
from tests.connectors.conformance.rig import FOREIGN, OLD, UNSIGNED, WRONG, Rig
from tests.vendors.wecom import Simulator, callbacks, crypto
from tests.vendors.wecom.callbacks import xml_of

BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><xml><Encrypt>&c;</Encrypt></xml>'


class WeComRig(Rig):
    """An enterprise with one customer service account."""

    vendor, channel = "wecom", "wecom"
    topic = "kf"
    malformed = {"empty": b"", "broken": b"<xml>", "a list": b"[]", "entities": BOMB}
    malformed_inside = malformed

    def __init__(self) -> None:
        self._wecom = Simulator(callback_timeout=3.0)
        self._wecom.account()

    def quick(self, patch) -> None:
        super().quick(patch)
        patch.setattr(channel, "PAUSES", (0.05, 0.05, 0.05))

    def __enter__(self) -> WeComRig:
        self._wecom.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._wecom.__exit__(*error)

    def make(self) -> WeComInput:
        at = self._wecom
        return WeComInput(Corp(at.corp_id, at.secret, at.token, at.aes_key, at.url))

    def unconfigured(self) -> WeComInput:
        return WeComInput.from_credentials(None)

    def point(self, url: str) -> None:
        self._url = f"{url}/webhook"
        assert self._wecom.save_callback(self._url) == ""

    def says(self, who: str, text: str) -> None:
        self._wecom.shopper(who).says(text)

    def sends(self, who: str, kind: str) -> None:
        shopper = self._wecom.shopper(who)
        acts = {
            "image": shopper.sends_image,
            "voice": shopper.sends_voice,
            "location": partial(shopper.sends_location, "外滩", "上海", (31.2, 121.5)),
            "unknown": partial(shopper.sends, "hologram", {"depth": 3}),
        }
        acts[kind]()

    def enters(self, who: str, scene: str) -> None:
        self._wecom.shopper(who).opens(self._wecom.link(scene=scene))

    def presses(self, who: str, title: str) -> None:
        self._wecom.shopper(who).clicks(title)

    def seen(self, who: str) -> list[str]:
        return self._wecom.shopper(who).texts

    def identifier(self, who: str) -> tuple[str, str]:
        return "external_userid", self._wecom.shopper(who).external_userid

    def repeats(self) -> None:
        self._wecom.inbox.repeat = 1
        self._wecom.again(self._wecom.deliveries[-1])

    @contextmanager
    def late(self) -> Iterator[None]:
        # Of customer service's the callback only says that there is something.
        self._wecom.inbox.backwards = 1
        with self._wecom.holding(backwards=True, twice=True):
            yield

    def newer(self) -> None:
        self._wecom.newer_payloads = True

    def acknowledged(self) -> list[bool]:
        return [one.ok for one in self._wecom.deliveries]

    def forge(self, how: str, text: str) -> int:
        if how == UNSIGNED:
            return requests.post(self._url, self._sealed(b"<xml/>")[1], timeout=60).status_code
        forged = {
            WRONG: {"signed": "guessed"},
            OLD: {"timestamp": str(int(self._wecom.clock()) - 400)},
            FOREIGN: {"receiver": "ww-another"},
        }
        told = xml_of({"FromUserName": "forger", "MsgType": "text", "Content": text, "MsgId": 1})
        status, *_ = self._wecom.forge(told, self.topic, **forged[how])
        return status

    def replay(self) -> int:
        query, body = self._sealed(self._wecom.deliveries[-1].xml.encode())
        for _ in range(2):
            status = requests.post(self._url, body, params=query, timeout=60).status_code
        return status

    def post(self, body: bytes, inside: bool = False) -> int:
        query, sealed = self._sealed(body)
        told = sealed if inside else body
        return requests.post(self._url, told, params=query, timeout=60).status_code

    def _sealed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        at = self._wecom
        encrypted = crypto.encrypt(at.aes_key, body.decode(), at.corp_id)
        stamp, nonce = str(int(at.clock())), str(secrets.randbelow(10**10))
        signed = crypto.signature(at.token, stamp, nonce, encrypted)
        query = {"msg_signature": signed, "timestamp": stamp, "nonce": nonce}
        return query, xml_of({"ToUserName": at.corp_id, "Encrypt": encrypted}).encode()

    def read(self, payload: bytes) -> Incoming | None:
        if payload.startswith(b"<"):
            found = app_payloads.parse(parsed(payload))
        else:
            found = payloads.of_message(json.loads(payload))
        found = found.incoming if isinstance(found, Entered) else found
        return found if isinstance(found, Incoming) else None


class WeComAppRig(WeComRig):
    """An app of the enterprise's own, and its members."""

    channel, topic = "wecom_app", "app"
    malformed_inside = {**WeComRig.malformed, "nobody": b"<xml><MsgType>text</MsgType></xml>"}

    def quick(self, patch) -> None:
        super().quick(patch)
        # Between the tries of a callback.
        patch.setattr(callbacks, "PATIENCE", 0.0)

    def make(self) -> WeComAppInput:
        at = self._wecom
        corp = Corp(at.corp_id, at.secret, at.token, at.aes_key, at.url, at.agent_id)
        return WeComAppInput(corp)

    def unconfigured(self) -> WeComAppInput:
        return WeComAppInput.from_credentials(None)

    def says(self, who: str, text: str) -> None:
        self._wecom.member(who).says(text)

    def sends(self, who: str, kind: str) -> None:
        member = self._wecom.member(who)
        acts = {
            "image": member.sends_image,
            "voice": member.sends_voice,
            "location": partial(member.sends_location, "外滩", 31.2, 121.5),
            "unknown": partial(member.sends, "hologram", Depth="3"),
        }
        acts[kind]()

    def enters(self, who: str, scene: str) -> None:
        self._wecom.member(who).sends("event", Event="subscribe", EventKey="")

    def leaves(self, who: str) -> None:
        self._wecom.member(who).sends("event", Event="unsubscribe", EventKey="")

    def seen(self, who: str) -> list[str]:
        return self._wecom.member(who).texts

    def identifier(self, who: str) -> tuple[str, str]:
        return "conversation", f"wecom_app-{who}"

    def repeats(self) -> None:
        self._wecom.again(self._wecom.deliveries[-1])


RIGS = (WeComRig, WeComAppRig)
