"""`make run`: make everything ready, start the processes, say where to go, end them together.

Three processes, and the intake (`runtime.intake`) where a vendor's channel is configured.

Nothing is done twice: the graph is published only if it changed, the shop is seeded where something
is missing, the model is trained if what it is made of has changed.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests
import yaml
from honcho.manager import Manager

from runtime.serving import Unable, channels_on, refuse_taken_port
from runtime.train import MODEL, TrainingFailed, train_if_needed
from storage.secrets import MissingSecret, demo_mode, secret

HOST = "127.0.0.1"
SECRETS = (
    "QUDAO_SECRET",
    "QUDAO_ACTION_TOKEN",
    "RASA_TOKEN",
    "CDP_HASH_KEY",
    "CDP_ENCRYPTION_KEY",
)
READY_SECONDS = 180
PORTS = {
    "actions": ("QUDAO_ACTION_PORT", 5055),
    "rasa": ("QUDAO_RASA_PORT", 5005),
    "intake": ("QUDAO_INTAKE_PORT", 5006),
    "web": ("QUDAO_WEB_PORT", 8000),
}


def port(name: str, default: int) -> int:
    """A port from the environment.

    Raises:
        Unable: it is not a number of a port.
    """
    value = os.environ.get(name) or str(default)
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Unable(f"{name} is {value!r}: expected a port number from 1 to 65535")
    return int(value)


def processes() -> dict[str, tuple[int, list[str], str]]:
    """By name: port, command and the address that answers when it is ready."""
    actions, rasa, web = (port(*PORTS[name]) for name in ("actions", "rasa", "web"))
    wanted = {
        "actions": (actions, ["runtime.action_server", "--port", str(actions)], "/health"),
        "rasa": (
            rasa,
            ["runtime.server", "--model", str(MODEL), "--port", str(rasa)],
            "/webhooks/web/",
        ),
        "web": (web, ["web"], "/healthz"),
    }
    if channels_on(Path("credentials.yml")):
        intake = port(*PORTS["intake"])
        wanted["intake"] = (intake, ["runtime.intake", "--port", str(intake)], "/healthz")
    return wanted


def check() -> None:
    """Find out what stands in the way before anything is started.

    Raises:
        Unable: a broken YAML file, a missing secret or a port in use; the message says which.
    """
    named = ["config.yml", "domain.yml", "endpoints.yml", "credentials.yml"]
    for path in [*map(Path, named), *sorted(Path("data").rglob("*.yml"))]:
        try:
            yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        except FileNotFoundError as error:
            raise Unable(f"{path} is missing: restore it, for example with git checkout") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            said = " ".join(str(error).split())
            raise Unable(f"{path} is not valid YAML: {said}") from error
    try:
        for name in SECRETS:
            secret(name)
    except MissingSecret as missing:
        raise Unable(str(missing)) from missing
    for name, (number, _, _) in processes().items():
        try:
            refuse_taken_port(HOST, number)
        except Unable as taken:
            variable = PORTS[name][0]
            raise Unable(
                f"port {number} ({name}) is in use: stop what listens there, or choose another "
                f"with {variable}"
            ) from taken


def prepare() -> None:
    """Publish the graph, seed the demo shop, train: what has changed, and only that.

    Raises:
        Unable: one of them failed; the message is what it said.
    """
    steps = [["kg", "build", "--at-start"]] + ([["shop", "seed"]] if demo_mode() else [])
    for command in steps:
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unable(f"python -m {' '.join(command)} failed: {done.stderr.strip()}")
        for last in done.stdout.strip().splitlines()[-1:]:
            print(last, flush=True)
    try:
        if not train_if_needed():
            print("the model is up to date", flush=True)
    except TrainingFailed as failed:
        raise Unable(str(failed)) from failed


def environment(ports: dict[str, int]) -> dict[str, str]:
    """What the processes are started with: how they find each other on these ports by name."""
    pages = f"http://localhost:{ports['web']},http://{HOST}:{ports['web']}"
    found = {
        "ACTION_ENDPOINT_URL": f"http://{HOST}:{ports['actions']}/webhook",
        "QUDAO_SOCKET_URL": f"ws://{HOST}:{ports['rasa']}/webhooks/web/socket",
        "WEB_ORIGINS": pages,
    }
    if "intake" in ports:
        found["QUDAO_INTAKE_URL"] = f"http://{HOST}:{ports['intake']}"
        found["QUDAO_RASA_URL"] = f"http://{HOST}:{ports['rasa']}"
    chosen = {name: os.environ.get(name) or value for name, value in found.items()}
    # Libraries that Rasa pins warn of each other at every start.
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, "PYTHONPATH": os.getcwd(), **quiet, **chosen}


def serve() -> int:
    """Run the processes until one ends or Ctrl-C; the exit code."""
    manager = Manager()
    wanted = processes()
    shared = environment({name: number for name, (number, _, _) in wanted.items()})
    for name, (_, command, _) in wanted.items():
        line = shlex.join([sys.executable, "-m", *command])
        manager.add_process(name, line, quiet=False, env=shared)
    # A terminal that is closed ends the processes too, which are in sessions of their own.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_announce, args=(wanted,), daemon=True).start()
    manager.loop()
    return manager.returncode or 0


def _announce(wanted: dict) -> None:
    started = time.monotonic()
    for name, (number, _, path) in wanted.items():
        while not answers(f"http://{HOST}:{number}{path}"):
            if time.monotonic() - started > READY_SECONDS:
                print(
                    f"{name} is not ready after {READY_SECONDS} s; its lines above say why",
                    flush=True,
                )
                return
            time.sleep(0.3)
    web = wanted["web"][0]
    took = time.monotonic() - started
    note = "  (demo mode: invented shoppers, secrets made up in var/)" if demo_mode() else ""
    print(
        f"\n  云途商城 is open after {took:.0f} s: http://localhost:{web}/{note}\n"
        f"  API docs: http://localhost:{web}/docs    Ctrl-C ends everything\n",
        flush=True,
    )


def answers(url: str) -> bool:
    """Whether something answers there with success."""
    with requests.Session() as session:
        # What listens here is not asked through the proxy that the environment may name.
        session.trust_env = False
        try:
            return session.get(url, timeout=2).ok
        except requests.RequestException:
            return False


def main() -> int:
    """Check, prepare, serve."""
    try:
        check()
        prepare()
    except Unable as unable:
        print(unable, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return serve()


if __name__ == "__main__":
    sys.exit(main())
