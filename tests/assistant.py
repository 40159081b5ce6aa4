"""The whole assistant for tests: a demo shop of its own, and the servers as processes."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

MODEL = Path("models/qudao.tar.gz")
REST_KEY = "key-of-the-tests-0123456789"
START_SECONDS = 120
# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1


_GIVEN: set[int] = set()


def free_port() -> int:
    """A port of the loopback that nothing listens on, never the same one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def ending_with_parent() -> Callable[[], None] | None:
    """What makes a new process be killed when who started it is, so that none is left behind.

    The kernel goes by the thread that started it, so only the main thread's are bound.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is None or threading.current_thread() is not threading.main_thread():
        return None
    return partial(prctl, _PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One process of the assistant; its output goes to a file that a failure shows."""

    def __init__(self, name: str, command: list[str], env: dict, folder: Path, health: str) -> None:
        self.name, self.command, self.env, self.health = name, command, env, health
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it; `wait` waits until it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command],
                env=self.env,
                stdout=output,
                stderr=output,
                preexec_fn=ending_with_parent(),
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it ended, or took longer than `START_SECONDS`.
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if requests.get(self.health, timeout=2).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                # Not there yet, or there and busy with its start.
                pass
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class Assistant:
    """Action server, Rasa server and, if asked for, the web application and the intake of vendors'
    webhooks, over a folder of state."""

    def __init__(
        self,
        folder: Path,
        with_web: bool = False,
        rasa: str = "runtime.server",
        with_intake: bool = False,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.rasa_port, self.actions_port, self.web_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.rasa_port}"
        self.page = f"http://127.0.0.1:{self.web_port}"
        self.socket = f"ws://127.0.0.1:{self.rasa_port}/webhooks/web/socket"
        self.env = {
            **os.environ,
            "QUDAO_VAR": str(folder),
            "QUDAO_DEMO": "1",
            "REST_KEYS": f"tests:{REST_KEY}",
            "ACTION_ENDPOINT_URL": f"http://127.0.0.1:{self.actions_port}/webhook",
            "WEB_ORIGINS": self.page,
            "QUDAO_WEB_PORT": str(self.web_port),
            "QUDAO_SOCKET_URL": self.socket,
            "PYTHONPATH": os.getcwd(),
            # The page's address is known here first.
            **{name: value.replace("{page}", self.page) for name, value in environment.items()},
        }
        # Where vendors call.
        self.webhooks = f"http://127.0.0.1:{free_port()}" if with_intake else self.url
        if with_intake:
            self.env |= {"QUDAO_INTAKE_URL": self.webhooks, "QUDAO_RASA_URL": self.url}
        actions = f"http://127.0.0.1:{self.actions_port}"
        self.actions = Server(
            "actions",
            ["runtime.action_server", "--port", str(self.actions_port)],
            self.env,
            folder,
            f"{actions}/health",
        )
        self.rasa = Server(
            "rasa",
            [rasa, "--model", str(MODEL), "--port", str(self.rasa_port)],
            self.env,
            folder,
            f"{self.url}/webhooks/rest/",
        )
        self.web = Server("web", ["web"], self.env, folder, f"{self.page}/healthz")
        self.intake = Server(
            "intake",
            ["runtime.intake", "--port", self.webhooks.rpartition(":")[2]],
            self.env,
            folder,
            f"{self.webhooks}/healthz",
        )
        self.servers = [self.actions, self.rasa]
        self.servers += [self.web] if with_web else []
        self.servers += [self.intake] if with_intake else []

    def start(self) -> None:
        """Start all and wait until they answer."""
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait()

    def stop(self) -> None:
        """Stop all."""
        for server in self.servers:
            server.stop()

    def talk(self, shopper: str | None) -> Talk:
        """A new conversation over REST."""
        return Talk(self.url, shopper)


class Talk:
    """A conversation over REST: `say` types, `choose` clicks a button of the last answer."""

    def __init__(self, url: str, shopper: str | None) -> None:
        self.url, self.shopper = url, shopper
        self.sender = uuid.uuid4().hex
        self.buttons: list[dict] = []

    @property
    def conversation(self) -> str:
        """The conversation's id in the databases."""
        return f"tests.{self.sender}"

    def say(self, text: str, **metadata) -> str:
        """What is answered to a text: all texts and card titles, a line each."""
        known = {"shopper": self.shopper} if self.shopper else {}
        response = requests.post(
            f"{self.url}/webhooks/rest/webhook",
            json={"sender": self.sender, "message": text, "metadata": {**known, **metadata}},
            headers={"Authorization": f"Bearer {REST_KEY}"},
            timeout=30,
        )
        response.raise_for_status()
        lines, self.buttons = [], []
        for message in response.json():
            lines.append(message.get("text", ""))
            self.buttons += [{"card": None, **b} for b in message.get("buttons", [])]
            for card in message.get("custom", {}).get("cards", []):
                lines.append(f"{card['title']} {card['subtitle']} {card.get('price') or ''}")
                self.buttons += [{"card": card["id"], **b} for b in card["buttons"]]
        return "\n".join(lines)

    def choose(self, title: str, card: str | None = None) -> str:
        """What is answered to a button.

        Raises:
            LookupError: the last answer offered no such button.
        """
        for offered in self.buttons:
            if title in offered["title"] and card in (None, offered["card"]):
                return self.say(offered["payload"])
        titles = [f"{b['title']} ({b['card']})" if b["card"] else b["title"] for b in self.buttons]
        raise LookupError(f"no button {title!r} of card {card!r}; offered: {titles}")


@contextmanager
def running(
    folder: Path,
    with_web: bool = False,
    rasa: str = "runtime.server",
    with_intake: bool = False,
    **environment: str,
) -> Iterator[Assistant]:
    """An assistant over a freshly seeded demo shop in that folder.

    rasa: the module that is the Rasa server; `environment`: more of it, where `{page}` is the
    address of its page.
    """
    assistant = Assistant(folder, with_web, rasa, with_intake, **environment)
    for command in (["kg", "build"], ["shop", "seed"]):
        subprocess.run(
            [sys.executable, "-m", *command], env=assistant.env, check=True, capture_output=True
        )
    try:
        assistant.start()
        yield assistant
    finally:
        assistant.stop()
