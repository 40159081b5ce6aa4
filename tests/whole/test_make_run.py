"""What `make run` runs: ready and answering, ended whole by Ctrl-C, nothing done twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from runtime import train
from tests.assistant import REST_KEY, Talk, free_port

pytestmark = pytest.mark.slow
SECONDS = 240
READY = "云途商城 is open after"
UP_TO_DATE = "the model is up to date"


class Run:
    """`python -m runtime.up`, as in a terminal: in a group of its own that Ctrl-C is sent to."""

    def __init__(self, env: dict[str, str]) -> None:
        self.output = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runtime.up"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output += line.decode(errors="replace")

    def wait_ready(self) -> None:
        """Wait for the line that says where to go."""
        until = time.monotonic() + SECONDS
        while READY not in self.output:
            assert self.process.poll() is None and time.monotonic() < until, self.output[-3000:]
            time.sleep(0.2)

    def children(self) -> list[psutil.Process]:
        """Every process that it started, and that these started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def press_ctrl_c(self) -> int:
        """The exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join(10)
        return code

    def end(self) -> None:
        """Leave nothing running, however the test went."""
        started = self.children() if self.process.poll() is None else []
        for process in started:
            process.kill()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    """An own folder of state and free ports; nothing else of the caller's that would redirect."""
    unset = {"DATABASE_URL", "TRACKER_DATABASE_URL", "NEO4J_URI"}
    unset |= {"ACTION_ENDPOINT_URL", "QUDAO_SOCKET_URL", "WEB_ORIGINS"}
    return {
        **{name: value for name, value in os.environ.items() if name not in unset},
        "QUDAO_VAR": str(tmp_path / "var"),
        "QUDAO_DEMO": "1",
        "REST_KEYS": f"tests:{REST_KEY}",
        "QUDAO_WEB_PORT": str(free_port()),
        "QUDAO_RASA_PORT": str(free_port()),
        "QUDAO_ACTION_PORT": str(free_port()),
        "PYTHONPATH": os.getcwd(),
        "RASA_TELEMETRY_ENABLED": "false",
    }


@pytest.fixture
def start(env):
    """Start it with that environment; what still runs at the end is ended."""
    started: list[Run] = []

    def begin() -> Run:
        started.append(Run(env))
        return started[-1]

    yield begin
    for run in started:
        run.end()


def ended(processes: list[psutil.Process]) -> bool:
    """Whether all of them end within some seconds."""
    return not psutil.wait_procs(processes, timeout=15)[1]


def files(folder: Path) -> dict[str, int]:
    """Every file below and when it was written, but for empty ones, which only lock or mark."""
    found = [(path, path.stat()) for path in folder.rglob("*") if path.is_file()]
    return {str(path): stat.st_mtime_ns for path, stat in found if stat.st_size}


def modules(processes: list[psutil.Process]) -> set[str]:
    """What Python runs in them by `-m`."""
    lines = []
    for process in processes:
        # They have short helpers too, which may be ending.
        with suppress(psutil.NoSuchProcess):
            lines.append(process.cmdline())
    return {line[line.index("-m") + 1] for line in lines if "-m" in line}


def test_up_answering_ended_and_up_again(start, env):
    stamp = train.MODEL.with_name("qudao.sha256")
    fresh = stamp.exists() and stamp.read_text() == train.fingerprint()
    assert fresh, "the model is older than its files: run `make train` first"
    page = f"http://localhost:{env['QUDAO_WEB_PORT']}/"
    var = Path(env["QUDAO_VAR"])

    first = start()
    first.wait_ready()
    assert page in first.output and "demo mode" in first.output
    assert re.search(r" [1-9]\d* offers and 9 orders written", first.output)
    assert UP_TO_DATE in first.output
    shown = requests.get(page, timeout=60)
    assert shown.ok and "云途商城" in shown.text
    talk = Talk(f"http://127.0.0.1:{env['QUDAO_RASA_PORT']}", "demo")
    assert "免息" in talk.say("这个手机能分期吗")
    processes = first.children()
    assert {"runtime.action_server", "runtime.server", "web"} <= modules(processes)
    assert first.press_ctrl_c() == 130
    assert ended(processes)
    assert "Traceback" not in first.output, first.output[-3000:]

    graph, model = files(var / "graph"), files(train.MODEL.parent)
    second = start()
    second.wait_ready()
    assert "0 offers and 0 orders written" in second.output and UP_TO_DATE in second.output
    assert files(train.MODEL.parent) == model
    assert files(var / "graph") == graph
    processes = second.children()
    assert second.press_ctrl_c() == 130
    assert ended(processes)
