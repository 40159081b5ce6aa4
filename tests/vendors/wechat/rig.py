"""What the tests of WeChat's simulator share: a clock, a developer's server, calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest
import requests

from tests.vendors.wechat import Shopper, Simulator, crypto

NOW = 1_790_000_000.0
FAULT = "该公众号提供的服务出现故障，请稍后再试"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Developer:
    """The developer's server: answers with `answers` in turn, then with the last again.

    An answer is bytes, a status, a function of (query, body), or "never", which keeps the
    connection until the test ends.
    """

    def __init__(self) -> None:
        self.answers: list[bytes | int | str | Callable[[dict, bytes], bytes]] = [b"success"]
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.over = threading.Event()
        developer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                self._say(200, developer.answers[0](query, b""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                query = dict(parse_qsl(urlsplit(self.path).query))
                developer.heard.append((query, body))
                left = developer.answers
                answer = left.pop(0) if len(left) > 1 else left[0]
                if answer == "never":
                    developer.over.wait(20)
                    return
                if isinstance(answer, int):
                    self._say(answer, b"success")
                else:
                    self._say(200, answer(query, body) if callable(answer) else answer)

            def _say(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/wechat"
        # The library looks for a shutdown every half second otherwise.
        often = {"poll_interval": 0.02}
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs=often, daemon=True).start()

    def fields(self, number: int = -1) -> dict[str, str]:
        """Of one plain XML push it heard."""
        return {part.tag: part.text or "" for part in ElementTree.fromstring(self.heard[number][1])}

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


JPG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def developer() -> Iterator[Developer]:
    made = Developer()
    yield made
    made.close()


@pytest.fixture
def start(clock, developer) -> Iterator[Callable[..., Simulator]]:
    running = []

    def started(**settings) -> Simulator:
        settings = {"answer_within": 0.4, "callback_url": developer.url, **settings}
        running.append(Simulator(clock=clock, **settings))
        return running[-1].__enter__()

    yield started
    for one in running:
        one.__exit__()


@pytest.fixture
def vendor(start) -> Simulator:
    return start()


def access_token(vendor: Simulator, **changed) -> dict:
    asked = {"grant_type": "client_credential", "appid": vendor.appid, "secret": vendor.secret}
    return requests.get(f"{vendor.url}/cgi-bin/token", params={**asked, **changed}).json()


def stable_token(vendor: Simulator, **changed) -> dict:
    asked = {"grant_type": "client_credential", "appid": vendor.appid, "secret": vendor.secret}
    return requests.post(f"{vendor.url}/cgi-bin/stable_token", json={**asked, **changed}).json()


def call(vendor: Simulator, path: str, body=None, token: str = "", **query) -> dict:
    """POST with a body, GET without; with a fresh token unless one is given."""
    token = token or vendor.tokens.new("plain", vendor.clock()).value
    query = {"access_token": token, **query}
    if body is None:
        return requests.get(f"{vendor.url}/cgi-bin/{path}", params=query).json()
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return requests.post(f"{vendor.url}/cgi-bin/{path}", params=query, data=content).json()


def send(vendor: Simulator, shopper: Shopper | str, kind: str = "text", **content) -> int:
    """The errcode of a customer-service message."""
    to = shopper if isinstance(shopper, str) else shopper.openid
    content = content or {"content": "在的"}
    asked = {"touser": to, "msgtype": kind, kind: content}
    return call(vendor, "message/custom/send", asked)["errcode"]


def upload(vendor: Simulator, kind: str, name: str, content: bytes = JPG) -> dict:
    token = vendor.tokens.new("plain", vendor.clock()).value
    query = {"access_token": token, "type": kind}
    url = f"{vendor.url}/cgi-bin/media/upload"
    return requests.post(url, params=query, files={"media": (name, content)}).json()


def reply(vendor: Simulator, **changed: str) -> bytes:
    """A plain passive reply of text to the shopper o1."""
    fields = {
        "ToUserName": "o1",
        "FromUserName": vendor.original_id,
        "CreateTime": "1790000000",
        "MsgType": "text",
        "Content": "在的",
        **changed,
    }
    return f"<xml>{''.join(f'<{k}>{v}</{k}>' for k, v in fields.items())}</xml>".encode()


def sealed_reply(vendor: Simulator, appid: str = "", token: str = "") -> bytes:
    encrypt = crypto.seal(reply(vendor).decode(), vendor.aes_key, appid or vendor.appid)
    signed = crypto.signature(token or vendor.token, "1790000000", "n", encrypt)
    return (
        f"<xml><Encrypt>{encrypt}</Encrypt><MsgSignature>{signed}</MsgSignature>"
        "<TimeStamp>1790000000</TimeStamp><Nonce>n</Nonce></xml>"
    ).encode()
