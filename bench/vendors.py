"""Vendors for the benchmark of channels: what each posts, signed as it signs, and a stand-in for
its API that only counts. The full simulators are in `tests/vendors`; these cost next to nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.vendors.slack.delivery import signature as slack_signature
from tests.vendors.wechat.crypto import seal, signature
from tests.vendors.wecom.simulator import AES_KEY

TOKEN, SECRET = "a-token-of-the-console", "a-secret-of-the-console"


@dataclass
class Request:
    """One request of a vendor's: the query and headers are made at each try."""

    number: int
    who: str
    text: str


@dataclass
class Vendor:
    """A vendor; `within`: how long it waits for an answer (s), `tries`: when it tries again (s
    after the try before). ways: how often a message goes there and back between the vendor and us,
    from its request until its API has the answer. sent: how many its API took, by address;
    took_one: it took one just now."""

    name: str
    within: float
    tries: tuple[float, ...]
    ways: float
    url: str = ""
    sent: Counter = field(default_factory=Counter)
    took_one: asyncio.Event = field(default_factory=asyncio.Event)

    def environment(self) -> dict[str, str]:
        """What our channel is set up with."""
        raise NotImplementedError

    def request(self, one: Request) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Query, headers and body."""
        raise NotImplementedError

    def known_as(self, one: Request) -> str:
        """By which id the inbox has a message."""
        raise NotImplementedError

    def is_reply(self, body: bytes) -> bool:
        """Whether an answer to a request is one to its message."""
        return False

    def routes(self) -> list[web.RouteDef]:
        """The API's."""
        raise NotImplementedError

    def took(self, address: str) -> None:
        """The API took a message for somebody."""
        self.sent[address] += 1
        self.took_one.set()


class WeChat(Vendor):
    """An official account in safe mode."""

    def __init__(self) -> None:
        super().__init__("wechat", 5.0, (5.0, 5.0), ways=1.0)

    def environment(self) -> dict[str, str]:
        return {
            "WECHAT_APP_ID": "wx0",
            "WECHAT_APP_SECRET": SECRET,
            "WECHAT_TOKEN": TOKEN,
            "WECHAT_AES_KEY": AES_KEY,
            "WECHAT_API_URL": self.url,
        }

    def request(self, one: Request) -> tuple[dict[str, str], dict[str, str], bytes]:
        stamp, nonce = str(int(time.time())), str(secrets.randbelow(2**31))
        told = (
            f"<xml><ToUserName>gh_0</ToUserName><FromUserName>{one.who}</FromUserName>"
            f"<CreateTime>{stamp}</CreateTime><MsgType>text</MsgType>"
            f"<Content>{one.text}</Content><MsgId>{10**16 + one.number}</MsgId></xml>"
        )
        sealed = seal(told, AES_KEY, "wx0")
        query = {
            "signature": signature(TOKEN, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "encrypt_type": "aes",
            "msg_signature": signature(TOKEN, stamp, nonce, sealed),
        }
        return query, {}, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()

    def known_as(self, one: Request) -> str:
        return f"msg-{10**16 + one.number}"

    def is_reply(self, body: bytes) -> bool:
        return body.startswith(b"<xml>")

    def routes(self) -> list[web.RouteDef]:
        async def token(_: web.Request) -> web.Response:
            return web.json_response({"access_token": "t", "expires_in": 7200})

        async def send(request: web.Request) -> web.Response:
            self.took((await request.json())["touser"])
            return web.json_response({"errcode": 0})

        return [
            web.post("/cgi-bin/stable_token", token),
            web.post("/cgi-bin/message/custom/send", send),
        ]


class WeCom(Vendor):
    """One customer service account: the callback only calls, messages are fetched."""

    def __init__(self) -> None:
        # Half for the call, one for fetching the message, half for the answer.
        super().__init__("wecom", 5.0, (5.0, 5.0), ways=2.0)
        self._messages: list[dict[str, Any]] = []
        self._known: set[int] = set()

    def environment(self) -> dict[str, str]:
        return {
            "WECOM_CORP_ID": "ww0",
            "WECOM_KF_SECRET": SECRET,
            "WECOM_TOKEN": TOKEN,
            "WECOM_AES_KEY": AES_KEY,
            "WECOM_API_URL": self.url,
        }

    def request(self, one: Request) -> tuple[dict[str, str], dict[str, str], bytes]:
        message = {
            "msgid": f"m{one.number}",
            "open_kfid": "wk0",
            "external_userid": one.who,
            "send_time": int(time.time()),
            "origin": 3,
            "msgtype": "text",
            "text": {"content": one.text},
        }
        if one.number not in self._known:
            self._known.add(one.number)
            self._messages.append(message)
        told = (
            "<xml><ToUserName>ww0</ToUserName><MsgType>event</MsgType>"
            "<Event>kf_msg_or_event</Event><Token>t</Token><OpenKfId>wk0</OpenKfId></xml>"
        )
        stamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
        sealed = seal(told, AES_KEY, "ww0")
        query = {
            "timestamp": stamp,
            "nonce": nonce,
            "msg_signature": signature(TOKEN, stamp, nonce, sealed),
        }
        return query, {}, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()

    def known_as(self, one: Request) -> str:
        return f"m{one.number}"

    def routes(self) -> list[web.RouteDef]:
        async def token(_: web.Request) -> web.Response:
            return web.json_response({"errcode": 0, "access_token": "t", "expires_in": 7200})

        async def sync(request: web.Request) -> web.Response:
            begin = int((await request.json()).get("cursor") or 0)
            page = self._messages[begin : begin + 1000]
            more = begin + len(page) < len(self._messages)
            told = {"next_cursor": str(begin + len(page)), "has_more": int(more), "msg_list": page}
            return web.json_response({"errcode": 0, **told})

        async def send(request: web.Request) -> web.Response:
            told = await request.json()
            self.took(told["touser"])
            return web.json_response({"errcode": 0, "msgid": told.get("msgid", "")})

        async def state(_: web.Request) -> web.Response:
            return web.json_response({"errcode": 0, "service_state": 1})

        return [
            web.get("/cgi-bin/gettoken", token),
            web.post("/cgi-bin/kf/sync_msg", sync),
            web.post("/cgi-bin/kf/send_msg", send),
            web.post("/cgi-bin/kf/service_state/get", state),
            web.post("/cgi-bin/kf/service_state/trans", state),
        ]


class Slack(Vendor):
    """Direct messages in one workspace; it retries at once, after a minute and after five."""

    def __init__(self) -> None:
        super().__init__("slack", 3.0, (0.0, 60.0, 240.0), ways=1.0)

    def environment(self) -> dict[str, str]:
        return {
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_BOT_TOKEN": "xoxb-0",
            "SLACK_API_URL": f"{self.url}/api/",
        }

    def request(self, one: Request) -> tuple[dict[str, str], dict[str, str], bytes]:
        stamp, who = str(int(time.time())), one.who.upper()
        event = {
            "type": "message",
            "channel_type": "im",
            "user": f"U{who}",
            "channel": f"D{who}",
            "text": one.text,
            "ts": f"1700000000.{one.number:06d}",
        }
        told = {
            "type": "event_callback",
            "team_id": "T0",
            "event_id": f"Ev{one.number}",
            "event": event,
        }
        body = json.dumps(told).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": slack_signature(SECRET, stamp, body),
        }
        return {}, headers, body

    def known_as(self, one: Request) -> str:
        return f"D{one.who.upper()}-1700000000.{one.number:06d}"

    def routes(self) -> list[web.RouteDef]:
        async def post(request: web.Request) -> web.Response:
            told = (
                await request.post() if request.content_type.endswith("form-urlencoded") else None
            )
            channel = (told or await request.json())["channel"]
            self.took(channel[1:].lower())
            return web.json_response({"ok": True, "ts": f"{time.time():.6f}", "channel": channel})

        return [web.post("/api/chat.postMessage", post)]


VENDORS = {"wechat": WeChat, "wecom": WeCom, "slack": Slack}
