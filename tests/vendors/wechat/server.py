"""The HTTP side: one uvicorn on a free port of 127.0.0.1, in a thread."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from tests.vendors.wechat.errors import Refused

if TYPE_CHECKING:
    from tests.vendors.wechat.simulator import Simulator

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")


@dataclass
class Upload:
    field: str
    name: str
    content: bytes
    content_type: str


@dataclass
class Request:
    """What came in: `uploads` are the files of a multipart form."""

    method: str
    path: str
    query: dict[str, str]
    raw: bytes
    uploads: list[Upload] = field(default_factory=list)

    def json(self, vendor: "Simulator") -> dict[str, Any]:
        """The object posted; refused 44002 empty, 47001 no JSON object in UTF-8.

        From memory: the vendor does not undo \\uXXXX, so text escaped that way reaches the shopper
        with its backslashes; clients therefore send plain UTF-8. `vendor.keeps_escapes = False`
        turns that off.
        """
        if not self.raw.strip():
            raise Refused(44002)
        try:
            text = self.raw.decode()
            made = json.loads(_ESCAPE.sub(_literal, text) if vendor.keeps_escapes else text)
        except ValueError:
            raise Refused(47001) from None
        if not isinstance(made, dict):
            raise Refused(47001)
        return made


@dataclass
class File:
    """An answer that is no JSON."""

    content: bytes
    content_type: str
    name: str = ""
    status: int = 200


class Server:
    """Serves `answer(request)`; its result is JSON unless it is a `File`."""

    def __init__(self, answer: Callable[[Request], dict[str, Any] | File]) -> None:
        self._answer = answer
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        route = Route("/{path:path}", self._serve, methods=["GET", "POST"])
        application = Starlette(routes=[route])
        config = uvicorn.Config(application, log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        sockets = {"sockets": [self._socket]}
        self._thread = threading.Thread(target=self._server.run, kwargs=sockets, daemon=True)

    def start(self) -> None:
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < until, "the simulator's server did not start in 60 s"
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)

    async def _serve(self, request: HttpRequest) -> Response:
        raw, uploads = await request.body(), []
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            form = await request.form()
            for name, part in form.multi_items():
                if hasattr(part, "read"):
                    content = await part.read()
                    kind = part.content_type or ""
                    uploads.append(Upload(name, part.filename or "", content, kind))
        query = dict(request.query_params)
        asked = Request(request.method, request.url.path, query, raw, uploads)
        made = await run_in_threadpool(self._answer, asked)
        if isinstance(made, File):
            headers = {}
            if made.name:
                headers["Content-disposition"] = f'attachment; filename="{made.name}"'
            return Response(made.content, made.status, headers, made.content_type)
        content = json.dumps(made, ensure_ascii=False).encode()
        return Response(content, media_type="application/json; encoding=utf-8")


def _literal(found: re.Match[str]) -> str:
    return f"\\\\{found[1]}" if len(found[1]) > 1 else found[0]


def has_escapes(raw: bytes) -> bool:
    """Whether JSON is escaped with \\uXXXX."""
    return any(len(one) > 1 for one in _ESCAPE.findall(raw.decode(errors="replace")))
