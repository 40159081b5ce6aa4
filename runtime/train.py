"""Train the assistant when what it is made of has changed, with one line of progress."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from storage.paths import var_dir

MODEL = Path("models/qudao.tar.gz")
_STAMP = Path("models/qudao.sha256")
# What a model is made of. The graph and the actions are not: they change without training.
_MADE_OF = (
    "config.yml",
    "domain.yml",
    "data/**/*.yml",
    "nlu/*.py",
    "nlu/*.txt",
    "nlu/sentiment/*.yml",
    "actions/responses.*.yml",
    "runtime/importer.py",
    "runtime/*polic*.py",
)


class TrainingFailed(RuntimeError):
    """Rasa could not train; the message says what it said last."""


def fingerprint() -> str:
    """A hash of everything that the model is trained from, and of the locked packages."""
    digest = hashlib.sha256()
    paths = sorted(path for pattern in _MADE_OF for path in Path().glob(pattern))
    for path in [*paths, Path("requirements.lock")]:
        digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def train_if_needed() -> bool:
    """Train unless the model is there and of today's files; whether it trained.

    Raises:
        TrainingFailed: a file is broken, or Rasa failed for another reason.
    """
    wanted = fingerprint()
    if MODEL.exists() and _STAMP.exists() and _STAMP.read_text() == wanted:
        return False
    # A training that is ended halfway must not leave another model under the old stamp.
    _STAMP.unlink(missing_ok=True)
    log = var_dir() / "train.log"
    command = [
        sys.executable,
        "-m",
        "rasa",
        "train",
        "--fixed-model-name",
        "qudao",
        "--out",
        "models",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TQDM_DISABLE": "1"},
        )
        try:
            _wait(process)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0 or not MODEL.exists():
        raise TrainingFailed(f"training failed: {_last_words(log)} (all of it in {log})")
    _STAMP.write_text(wanted)
    return True


def _wait(process: subprocess.Popen) -> None:
    started, shown = time.monotonic(), sys.stdout.isatty()
    if not shown:
        print("training the assistant …", flush=True)
    while process.poll() is None:
        if shown:
            print(
                f"\rtraining the assistant … {time.monotonic() - started:.0f} s ",
                end="",
                flush=True,
            )
        time.sleep(0.5)
    print("\r" if shown else "", f"trained in {time.monotonic() - started:.0f} s", flush=True)


def _last_words(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in text.splitlines()]
    telling = [line for line in lines if re.search(r"Error|Exception|[Ff]ailed|line \d+", line)]
    return (telling or [line for line in lines if line] or ["no output"])[-1]


def main() -> int:
    """Train if needed; 1 when it failed."""
    try:
        if not train_if_needed():
            print("the model is up to date")
    except TrainingFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
