"""Bad lines, kept aside: `var/files/bad/<file>.jsonl`, one object each, once.

{"offset", "bytes", "reason", "line"}: the line masked and cut, enough to see what is wrong with it;
the whole of it stands in the log itself, at that offset of its unpacked content.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from cdp.files.reading import Record
from cdp.talk.masking import mask
from storage import var_dir

_SHOWN = 300
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\b")


def folder() -> Path:
    """Where bad lines are kept."""
    place = var_dir() / "files" / "bad"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


class Aside:
    """The bad lines of one file; those that an earlier run has kept are not kept again."""

    def __init__(self, file: str, since: int):
        """`since`: lines from that offset on are being read (perhaps once more)."""
        self.path = folder() / f"{file}.jsonl"
        self._waiting: list[dict] = []
        self._known = {one["offset"] for one in self.kept() if one["offset"] >= since}

    def add(self, record: Record, reason: str) -> None:
        """Take one; it is on the disk after `flush`."""
        if record.offset in self._known:
            return
        line = record.data[: _SHOWN * 4].decode("utf-8", "replace").rstrip("\r\n")
        self._known.add(record.offset)
        self._waiting.append(
            {
                "offset": record.offset,
                "bytes": record.end - record.offset,
                "reason": reason,
                "line": mask(_ADDRESS.sub("[address]", line))[:_SHOWN],
            }
        )

    def flush(self) -> None:
        """Write what was taken."""
        if not self._waiting:
            return
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in self._waiting)
        broken = self.path.exists() and self.path.read_bytes()[-1:] != b"\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" * broken + text)
            file.flush()
            os.fsync(file.fileno())
        self._waiting = []

    def kept(self) -> list[dict]:
        """What is on the disk; a line that a killed process left half written is passed over."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found
