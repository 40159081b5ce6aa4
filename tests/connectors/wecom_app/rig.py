"""The conformance suite's rig of an app of the enterprise's own at WeCom: members talk with it."""

from __future__ import annotations

from functools import partial

import requests

from connectors.tencent import parsed
from connectors.vendor import Incoming
from connectors.wecom.client import Corp
from connectors.wecom_app import payloads
from connectors.wecom_app.channel import WeComAppInput
from tests.connectors.conformance.rig import FOREIGN, OLD, UNSIGNED, WRONG
from tests.connectors.wecom.rig import WeComRig
from tests.vendors.wecom import callbacks
from tests.vendors.wecom.callbacks import xml_of


class WeComAppRig(WeComRig):
    """The same enterprise, by its app."""

    vendor, channel = "wecom_app", "wecom_app"
    malformed_inside = {
        **WeComRig.malformed,
        "nobody": b"<xml><MsgType>text</MsgType></xml>",
        "no number": b"<xml><FromUserName>ann</FromUserName><MsgType>text</MsgType></xml>",
    }

    def quick(self, patch) -> None:
        super().quick(patch)
        patch.setattr(callbacks, "PATIENCE", 0.2)

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
            "location": partial(member.sends_location, "上海", 31.2, 121.5),
            "unknown": partial(member.sends, "hologram", Depth=3),
        }
        acts[kind]()

    def leaves(self, who: str) -> None:
        self._wecom.member(who).sends("event", Event="unsubscribe", EventKey="")

    def seen(self, who: str) -> list[str]:
        # What was not taken is tried again when its time has come.
        self._wecom.tick()
        return self._wecom.member(who).texts

    def identifier(self, who: str) -> tuple[str, str]:
        return "conversation", f"wecom_app-{who}"

    def repeats(self) -> None:
        self._wecom.again(self._wecom.deliveries[-1])

    def forge(self, how: str, text: str) -> int:
        told = {"FromUserName": "ann", "MsgType": "text", "Content": text, "MsgId": 1}
        agent = {"AgentID": self._wecom.agent_id}
        if how == UNSIGNED:
            return requests.post(self._url, self._sealed(b"<xml/>")[1], timeout=9).status_code
        forged = {
            WRONG: {"signed": "guessed"},
            OLD: {"timestamp": str(int(self._wecom.clock()) - 400)},
            FOREIGN: {"receiver": "ww-another"},
        }
        status, *_ = self._wecom.forge(xml_of({**told, **agent}), "app", **forged[how])
        return status

    def read(self, payload: bytes) -> Incoming | None:
        found = payloads.parse(parsed(payload))
        return found if isinstance(found, Incoming) else None


RIGS = (WeComAppRig,)
