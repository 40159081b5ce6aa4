"""Where figures go: one line of JSON each in `bench/results/<date>.jsonl`.

{"name": "assistant.messages_per_s.8", "value": 412.0, "unit": "1/s",
 "machine": "…, 2 cores", "commit": "1a2b3c4", "when": "2026-11-22T20:00:00+00:00"}
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

Figure = tuple[str, float, str]

FOLDER = Path(__file__).parent / "results"


def record(figures: Iterable[Figure]) -> Iterable[dict]:
    """Write each (name, value, unit) as it comes, and hand it on as it was written."""
    here, at = machine(), commit()
    FOLDER.mkdir(exist_ok=True)
    for name, value, unit in figures:
        now = datetime.now(timezone.utc)
        line = {
            "name": name,
            "value": round(value, 3),
            "unit": unit,
            "machine": here,
            "commit": at,
            "when": now.isoformat(timespec="seconds"),
        }
        with (FOLDER / f"{now.date()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        yield line


def newest() -> dict[str, dict]:
    """The newest line of each figure, by name."""
    found: dict[str, dict] = {}
    for path in sorted(FOLDER.glob("*.jsonl")):
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line["name"] not in found or line["when"] >= found[line["name"]]["when"]:
                found[line["name"]] = line
    return found


def machine() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = next(s for s in text.splitlines() if s.startswith("model name")).partition(": ")[2]
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def commit() -> str:
    """The commit that is measured, with a `+` if files have changed since; empty outside of git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--exclude", "*", "--dirty=+"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()
