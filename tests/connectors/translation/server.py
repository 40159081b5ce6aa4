"""A server on loopback that speaks both providers' protocols, from a dictionary, with faults.

Written from the documentation of LibreTranslate (POST /translate) and from what googletrans 4.0.2
reads of Google's answers (GET /translate_a/single: the first of the answer's lists holds the
sentences as [translated, original, …], the third entry is the language).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import httpx

KEY = "key-of-the-translator"
LANGUAGES = ("zh", "zh-cn", "en", "ja", "th", "fr", "auto")
_MARK = re.compile(r"(\[\[\d+\]\])")

Translate = Callable[[str, str, str], str]


class Server:
    """`faults` are used up one a request: "429", "500", "slow", "garbage", "same", "lost"."""

    def __init__(self, translate: Translate) -> None:
        self.translate = translate
        self.faults: list[str] = []
        # Used for every request after those of `faults`.
        self.always = ""
        self.seen: list[list[str]] = []
        self.key = ""
        # What LibreTranslate was started with.
        self.languages = frozenset(LANGUAGES)
        self._closed = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                """Say nothing."""

            def do_POST(self):
                """LibreTranslate."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.answer_libre(self, body)

            def do_GET(self):
                """Google."""
                server.answer_google(self, parse_qs(urlsplit(self.path).query))

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def texts(self) -> list[str]:
        """Every text it was given."""
        return [text for texts in self.seen for text in texts]

    def close(self) -> None:
        """Stop listening, and let whoever waits go."""
        self._closed.set()
        self._http.shutdown()
        self._http.server_close()

    def answer_libre(self, handler, body: dict) -> None:
        """Answer as LibreTranslate."""
        if self.key and body.get("api_key") != self.key:
            return _tell(handler, 403, {"error": "Invalid API key"})
        for side in ("source", "target"):
            if body[side] not in self.languages:
                return _tell(handler, 400, {"error": f"{body[side]} is not supported"})
        self.seen.append(body["q"])
        fault = self._fault(handler)
        if fault is None:
            return None
        told = [self._told(text, body["source"], body["target"], fault) for text in body["q"]]
        return _tell(handler, 200, {"translatedText": told})

    def answer_google(self, handler, query: dict) -> None:
        """Answer as Google."""
        text, source, target = query["q"][0], query["sl"][0], query["tl"][0]
        self.seen.append(text.split("\n"))
        fault = self._fault(handler)
        if fault is None:
            return None
        lines = text.split("\n")
        told = [self._told(line, source, target.split("-")[0], fault) for line in lines]
        if fault == "joined":
            told = [" ".join(told)]
        ends = ["\n"] * (len(told) - 1) + [""]
        sentences = [[one + end, line] for one, end, line in zip(told, ends, lines, strict=False)]
        return _tell(handler, 200, [sentences, None, source])

    def _fault(self, handler) -> str | None:
        fault = self.faults.pop(0) if self.faults else self.always
        if fault in ("429", "500"):
            _tell(handler, int(fault), {"error": "Slowdown"})
            return None
        if fault == "garbage":
            _tell(handler, 200, "<html>are you a robot?</html>")
            return None
        if fault == "slow":
            self._closed.wait(20)
        return fault

    def _told(self, text: str, source: str, target: str, fault: str) -> str:
        if fault == "same":
            return text
        if fault == "lost":
            text = _MARK.sub("", text)
        return self.translate(text, source, target)


def _tell(handler, status: int, body) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    # Whoever asked may have gone.
    try:
        handler.wfile.write(data)
    except OSError:
        handler.close_connection = True


def marked(told: dict[str, str], otherwise: Callable[[str], str]) -> Callable[[str], str]:
    """A dictionary of whole texts, in which marks stay where they are; `otherwise` makes of what
    stands between them what is not in it."""

    def translate(text: str) -> str:
        if text in told:
            return told[text]
        parts = _MARK.split(text)
        return "".join(p if place % 2 else otherwise(p) for place, p in enumerate(parts))

    return translate


@contextmanager
def serving(translate: Translate):
    """A server, for as long as it is wanted."""
    server = Server(translate)
    try:
        yield server
    finally:
        server.close()


class ToServer(httpx.AsyncHTTPTransport):
    """Takes what is for Google to the server on loopback."""

    def __init__(self, server: Server) -> None:
        super().__init__(verify=False)
        self._url = httpx.URL(server.url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request there; by https to Google is how it must have been meant."""
        assert request.url.scheme == "https" and "google" in request.url.host
        to = {"scheme": "http", "host": self._url.host, "port": self._url.port}
        request.url = request.url.copy_with(**to)
        return await super().handle_async_request(request)
