"""What the simulator's own tests share: an enterprise that is called back, and calls of the API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import requests

from tests.vendors.wecom import crypto
from tests.vendors.wecom.clock import Clock
from tests.vendors.wecom.simulator import Simulator


class Enterprise:
    """The enterprise's end: decrypts callbacks and answers as told."""

    def __init__(self):
        self.got: list[dict[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.answers: list[tuple[int, str]] = []
        self.hang: threading.Event | None = None
        self.echo = "{}"
        self.vendor: Simulator | None = None
        enterprise = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._say(200, enterprise.checked(self.path))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._say(*enterprise.told(self.path, body))

            def _say(self, status: int, text: str):
                content = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/wecom"
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.02,), daemon=True).start()

    @classmethod
    def serving(cls) -> Iterator[Enterprise]:
        """For a fixture: an enterprise and its end."""
        made = cls()
        yield made
        made.close()

    def known_to(self, clock: Clock) -> Iterator[Simulator]:
        """For a fixture: a vendor that calls this enterprise back, with one account."""
        with Simulator(self.url, clock=clock, callback_timeout=0.3) as vendor:
            self.vendor = vendor
            vendor.account()
            vendor.member("lili", serves="wkShop")
            yield vendor

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _opened(self, query: dict[str, str], encrypted: str) -> str:
        stamp, nonce = query["timestamp"], query["nonce"]
        if crypto.signature("callback-token", stamp, nonce, encrypted) != query["msg_signature"]:
            raise PermissionError("signature")
        plain, receiver = crypto.decrypt(self.vendor.aes_key, encrypted)
        if receiver != self.vendor.corp_id:
            raise PermissionError("receiver")
        return plain

    def checked(self, path: str) -> str:
        query = {key: value[0] for key, value in parse_qs(urlsplit(path).query).items()}
        try:
            return self.echo.format(self._opened(query, query["echostr"]))
        except PermissionError as error:
            return str(error)

    def told(self, path: str, body: str) -> tuple[int, str]:
        query = {key: value[0] for key, value in parse_qs(urlsplit(path).query).items()}
        try:
            plain = self._opened(query, ElementTree.fromstring(body).findtext("Encrypt"))
        except PermissionError as error:
            return 403, str(error)
        self.queries.append(query)
        self.got.append({child.tag: child.text or "" for child in ElementTree.fromstring(plain)})
        if self.hang is not None:
            self.hang.wait(5)
        return self.answers.pop(0) if self.answers else (200, "")


def token(vendor) -> str:
    query = {"corpid": vendor.corp_id, "corpsecret": vendor.secret}
    answer = requests.get(f"{vendor.url}/cgi-bin/gettoken", params=query).json()
    assert (answer["errcode"], answer["expires_in"]) == (0, 7200)
    return answer["access_token"]


def call(vendor, path: str, access: str | None = None, **body) -> dict:
    query = {"access_token": access or token(vendor)}
    return requests.post(f"{vendor.url}/cgi-bin/{path}", params=query, json=body).json()


def get(vendor, path: str, **query) -> requests.Response:
    query = {"access_token": token(vendor), **query}
    return requests.get(f"{vendor.url}/cgi-bin/{path}", params=query)


def send(vendor, shopper, text: str = "您好", /, **more) -> dict:
    content = more or {"msgtype": "text", "text": {"content": text}}
    to = {"touser": shopper.external_userid, "open_kfid": "wkShop"}
    return call(vendor, "kf/send_msg", **to, **content)


def trans(vendor, shopper, state: int, **more) -> dict:
    session = {"open_kfid": "wkShop", "external_userid": shopper.external_userid}
    return call(vendor, "kf/service_state/trans", service_state=state, **session, **more)


def state(vendor, shopper) -> dict:
    session = {"open_kfid": "wkShop", "external_userid": shopper.external_userid}
    return call(vendor, "kf/service_state/get", **session)


def sync(vendor, enterprise, **body) -> dict:
    asked = {"open_kfid": "wkShop", "token": enterprise.got[-1]["Token"], **body}
    return call(vendor, "kf/sync_msg", **asked)


def upload(vendor, kind: str, content: bytes, name: str = "a.bin", field: str = "media") -> dict:
    query = {"access_token": token(vendor), "type": kind}
    files = {field: (name, BytesIO(content), "application/octet-stream")}
    return requests.post(f"{vendor.url}/cgi-bin/media/upload", params=query, files=files).json()


def code(answer: dict) -> int:
    return answer["errcode"]


@contextmanager
def deaf(enterprise):
    """An enterprise that answers too late."""
    enterprise.hang = threading.Event()
    yield
    enterprise.hang.set()
    enterprise.hang = None


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def enterprise():
    yield from Enterprise.serving()


@pytest.fixture
def vendor(clock, enterprise):
    yield from enterprise.known_to(clock)
