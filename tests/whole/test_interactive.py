"""`make interactive` through a terminal: Rasa's own interactive learning with our components."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from runtime.serving import refuse_taken_port
from tests.assistant import free_port

pytestmark = pytest.mark.slow
SECONDS = 240


class Terminal:
    """A process in a terminal of its own."""

    def __init__(self, command: list[str], env: dict) -> None:
        self.ours, theirs = pty.openpty()
        # Rasa draws tables as wide as the terminal; one of no width breaks it.
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        # Not select(): this process may have more than 1,024 files open.
        self._readable = select.poll()
        self._readable.register(self.ours, select.POLLIN | select.POLLHUP)
        self.seen = ""

    def expect(self, pattern: str) -> None:
        """Read until the screen shows it.

        Raises:
            AssertionError: it does not within `SECONDS`.
        """
        until = time.monotonic() + SECONDS
        while not re.search(pattern, self.seen):
            assert time.monotonic() < until, f"{pattern!r} is not in:\n{self.seen[-3000:]}"
            if self._readable.poll(1000):
                try:
                    self.seen += os.read(self.ours, 65536).decode(errors="replace")
                except OSError:
                    break
            # A terminal asks where its cursor is; prompt_toolkit waits for the answer.
            if self.seen.endswith("\x1b[6n"):
                os.write(self.ours, b"\x1b[1;1R")
        assert re.search(pattern, self.seen), f"{pattern!r} is not in:\n{self.seen[-3000:]}"

    def type(self, text: str) -> None:
        """Type a line; what was seen before is forgotten."""
        self.seen = ""
        os.write(self.ours, text.encode() + b"\r")

    def close(self) -> None:
        """End the process and what it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        os.close(self.ours)


def test_a_trainer_talks_and_is_asked(tmp_path):
    env = {
        **os.environ,
        "QUDAO_VAR": str(tmp_path),
        "QUDAO_DEMO": "1",
        "QUDAO_ACTION_PORT": str(free_port()),
        "PYTHONPATH": os.getcwd(),
        "TERM": "xterm",
        "COLUMNS": "120",
    }
    command = [
        sys.executable,
        "-m",
        "runtime.with_actions",
        "interactive",
        "--port",
        str(free_port()),
    ]
    terminal = Terminal(command, env)
    try:
        terminal.expect("Your input")
        terminal.type("这个手机能分期吗")
        terminal.expect("ask_installment")
        terminal.type("y")
        terminal.expect("action_installment")
        terminal.type("y")
        # The action server has answered from the graph.
        terminal.expect("免息")
    finally:
        terminal.close()
    # Nothing that was started stays when the terminal is closed.
    refuse_taken_port("127.0.0.1", int(env["QUDAO_ACTION_PORT"]))
