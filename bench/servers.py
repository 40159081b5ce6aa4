"""The assistant's processes for the benchmark, each over a freshly seeded shop of its own."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from storage import var_dir
from tests.assistant import ending_with_parent

OURS = Path("models/qudao.tar.gz")
STOCK = Path("bench/stock")
START_SECONDS = 300
_EPOCHS = re.compile(r"(epochs: )\d+")
_MADE_OF = ("bench/stock/config.yml", "domain.yml", "data/**/*.yml", "nlu/*.py")


@dataclass
class Running:
    """Where it answers, its REST key (None: needs none), seconds to ready, and its processes."""

    url: str
    key: str | None
    ready_s: float
    processes: dict[str, psutil.Process]

    def rss_mb(self) -> dict[str, float]:
        """Resident memory of each process with its children, in 10^6 bytes."""
        return {
            name: sum(p.memory_info().rss for p in (process, *process.children(True))) / 1e6
            for name, process in self.processes.items()
        }


class NotReady(RuntimeError):
    """A process ended, or did not answer in `START_SECONDS`; the message holds its last output."""


@contextmanager
def running(stock: bool, folder: Path) -> Iterator[Running]:
    """Ours, or stock Rasa, over a seeded shop in `folder`.

    Raises:
        NotReady: one of the processes does not start.
    """
    rasa, actions = _free_port(), _free_port()
    key = None if stock else secrets.token_hex(16)
    env = _environment(folder, actions, key)
    for command in (["kg", "build"], ["shop", "seed"]):
        subprocess.run([sys.executable, "-m", *command], env=env, check=True, capture_output=True)
    server = _stock_command(rasa) if stock else _our_command(rasa)
    url = f"http://127.0.0.1:{rasa}"
    started: list[subprocess.Popen] = []
    try:
        command = ["runtime.action_server", "--port", str(actions)]
        started.append(_start("actions", command, env, folder))
        _wait(started[-1], f"http://127.0.0.1:{actions}/health", folder / "actions.log")
        begun = time.monotonic()
        started.append(_start("server", server, env, folder))
        _wait(started[-1], f"{url}/webhooks/rest/", folder / "server.log")
        ready = time.monotonic() - begun
        named = zip(("actions", "server"), started, strict=True)
        yield Running(url, key, ready, {name: psutil.Process(p.pid) for name, p in named})
    finally:
        for process in reversed(started):
            _stop(process)


def stock_epochs() -> int:
    """For how many epochs stock's neural components are trained."""
    return int(os.environ.get("BENCH_STOCK_EPOCHS", "100"))


def stock_model() -> Path:
    """The model of stock Rasa for today's files, trained if there is none yet.

    `BENCH_STOCK_EPOCHS` trains DIET, TED and their like for fewer epochs than Rasa's default of 100
    (an hour and a half on two cores with this project's examples): a message costs the same, and
    some are understood less well, which the share of equal answers shows.

    Raises:
        NotReady: the training failed.
    """
    epochs = stock_epochs()
    config = _EPOCHS.sub(rf"\g<1>{epochs}", (STOCK / "config.yml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(config.encode())
    for path in sorted(path for pattern in _MADE_OF for path in Path().glob(pattern)):
        digest.update(path.read_bytes())
    home = var_dir() / "bench"
    home.mkdir(exist_ok=True)
    model = home / f"stock-{digest.hexdigest()[:12]}.tar.gz"
    if not model.exists():
        print("training stock Rasa for comparison; this takes some minutes …", flush=True)
        written = home / "stock.yml"
        written.write_text(config, encoding="utf-8")
        command = ["rasa", "train", "-c", str(written), "--out", str(home), "--fixed-model-name"]
        name = model.name.removesuffix(".tar.gz")
        log = home / "train.log"
        with log.open("wb") as output:
            subprocess.run(
                [sys.executable, "-m", *command, name],
                stdout=output,
                stderr=output,
                env={**os.environ, "TQDM_DISABLE": "1", "RASA_TELEMETRY_ENABLED": "false"},
            )
        if not model.exists():
            raise NotReady(f"stock Rasa could not be trained:\n{_end_of(log)}")
    return model


def _our_command(port: int) -> list[str]:
    return ["runtime.server", "--model", str(OURS), "--port", str(port)]


def _stock_command(port: int) -> list[str]:
    files = ["--endpoints", str(STOCK / "endpoints.yml")]
    files += ["--credentials", str(STOCK / "credentials.yml")]
    model = str(stock_model().resolve())
    return ["rasa", "run", "-m", model, "-i", "127.0.0.1", "-p", str(port), *files]


def _environment(folder: Path, actions: int, key: str | None) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if n not in ("DATABASE_URL", "NEO4J_URI")}
    return {
        **kept,
        "QUDAO_VAR": str(folder),
        "QUDAO_DEMO": "1",
        "QUDAO_ACTION_TOKEN": secrets.token_hex(16),
        "RASA_TOKEN": secrets.token_hex(16),
        "REST_KEYS": f"bench:{key}" if key else "",
        # One shopper of ours says more in a minute than ten do.
        "CHANNELS_LIMIT_SENDER": "1000000/minute",
        "CHANNELS_LIMIT_ADDRESS": "1000000/minute",
        "ACTION_ENDPOINT_URL": f"http://127.0.0.1:{actions}/webhook",
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONPATH": os.getcwd(),
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _start(name: str, command: list[str], env: dict, folder: Path) -> subprocess.Popen:
    with (folder / f"{name}.log").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=env,
            stdout=output,
            stderr=output,
            preexec_fn=ending_with_parent(),
        )


def _wait(process: subprocess.Popen, health: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(health, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise NotReady(f"{' '.join(process.args[1:4])} does not answer:\n{_end_of(log)}")


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
