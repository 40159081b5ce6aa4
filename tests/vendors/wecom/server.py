"""The vendor's HTTP side: /cgi-bin/… on a free port of the loopback."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from tests.vendors.wecom.records import Request as Asked


def application(answer) -> FastAPI:
    """`answer(Asked, raw body) -> (status, headers, content)` runs in a thread."""
    made = FastAPI(docs_url=None, openapi_url=None)

    @made.api_route("/cgi-bin/{path:path}", methods=["GET", "POST"])
    async def cgi(path: str, request: Request) -> Response:
        asked, raw = await _asked(path, request)
        status, headers, content = await run_in_threadpool(answer, asked, raw)
        return Response(content, status, headers)

    return made


async def _asked(path: str, request: Request) -> tuple[Asked, Any]:
    asked = Asked(request.method, path, dict(request.query_params), {})
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form()
        part = form.get("media")
        if isinstance(part, UploadFile) and part.filename:
            mime = part.content_type or "application/octet-stream"
            asked.upload = (part.filename, mime, await part.read())
        return asked, None
    raw = await request.body()
    try:
        told = json.loads(raw) if raw else {}
    except ValueError:
        told = raw.decode(errors="replace")
    # What is no JSON object reaches the vendor as an empty one, and fields are then missing.
    asked.body = told if isinstance(told, dict) else {}
    return asked, told


class Server:
    """uvicorn in a thread of its own."""

    def __init__(self, made: FastAPI):
        config = uvicorn.Config(made, "127.0.0.1", 0, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        """Its address."""
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError("the simulator's server did not start within 20 s")
            time.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
