"""What the tests of hearing share: a recognition service, and a hearing that needs no process."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from connectors.voice import prosody
from connectors.voice.formats import Unreadable
from connectors.voice.listener import Listener, Measured, Unheard
from connectors.voice.recording import decode, wav_of


class InProcess(Listener):
    """Measures as the process does, in a thread of this one."""

    async def measure(self, content: bytes, wants_wav: bool = False) -> Measured:
        def work() -> Measured:
            try:
                found = decode(content)
            except Unreadable as error:
                raise Unheard(str(error)) from error
            features = prosody.measure(found.samples).told()
            return Measured(features, found.kind, wav_of(found) if wants_wav else b"")

        return await asyncio.to_thread(work)


class Service:
    """A recognition service: what it answers, in turn (then the last again), and what it got."""

    def __init__(self) -> None:
        self.answers: deque[tuple[int, bytes]] = deque([(200, '{"text": "我要退货"}'.encode())])
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.asked.append((self.path, dict(self.headers.items()), body))
            status, answer = told.answers.popleft() if len(told.answers) > 1 else told.answers[0]
            if not status:
                # It hangs up.
                return
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
