"""Rasa's own commands with the action server up beside them.

    python -m runtime.with_actions interactive|shell [further arguments of rasa's]

Plain Rasa runs here with our components, so it loads TensorFlow and takes its time. Nobody is
signed in: orders are opened by their number and the last four digits of the phone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from runtime.serving import Unable, refuse_taken_port
from runtime.train import MODEL
from runtime.up import HOST, answers, port, prepare
from storage.paths import var_dir
from storage.secrets import MissingSecret, secret

START_SECONDS = 60
COMMANDS = {
    "interactive": ["interactive", "--model", str(MODEL), "--skip-visualization"],
    "shell": ["shell", "--model", str(MODEL)],
}


def endpoints(number: int) -> Path:
    """An endpoints file for plain Rasa: the action server with its token, readable by us alone."""
    path = var_dir() / "with_actions.yml"
    action_endpoint = {
        "url": f"http://{HOST}:{number}/webhook",
        "token": secret("QUDAO_ACTION_TOKEN"),
    }
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(yaml.safe_dump({"action_endpoint": action_endpoint}))
    return path


def run(command: list[str]) -> int:
    """Prepare, start the action server, run Rasa in this terminal, end both; Rasa's exit code.

    Raises:
        Unable: something stands in the way; the message says what.
    """
    number = port("QUDAO_ACTION_PORT", 5055)
    refuse_taken_port(HOST, number)
    try:
        with_endpoints = [*command, "--endpoints", str(endpoints(number))]
    except MissingSecret as missing:
        raise Unable(str(missing)) from missing
    prepare()
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "RASA_TELEMETRY_ENABLED": "false"}
    log = var_dir() / "actions.log"
    with log.open("wb") as output:
        actions = subprocess.Popen(
            [sys.executable, "-m", "runtime.action_server", "--port", str(number)],
            env=environment,
            stdout=output,
            stderr=output,
            # In Rasa's terminal Ctrl-C opens a menu: it must not end the actions behind its back.
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(f"http://{HOST}:{number}/health"):
            if actions.poll() is not None or time.monotonic() > until:
                raise Unable(f"the action server did not start on port {number}: {log} says why")
            time.sleep(0.3)
        return subprocess.call([sys.executable, "-m", "rasa", *with_endpoints], env=environment)
    finally:
        actions.terminate()
        actions.wait()


def main(arguments: list[str]) -> int:
    """Run one of `COMMANDS`."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"expected one of: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As when the terminal is closed: the action server has a session of its own, and stays.
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return run([*COMMANDS[arguments[0]], *arguments[1:]])
    except Unable as unable:
        print(unable, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
