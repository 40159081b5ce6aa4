"""A watched folder: what is put into it, and what is added to it, is taken in within seconds.

Settings of the web application: `CDP_WATCH_DIR`, `CDP_WATCH_SOURCE` (logs), `CDP_WATCH_FORMAT`
(else by name: .jsonl, .csv, others combined). A file `mapping.yml` in the folder is its mapping.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from cdp import sources
from cdp.files.importer import Tally, format_of, import_file
from cdp.files.mapping import InvalidMapping, Mapping, load

logger = logging.getLogger(__name__)

MAPPING_NAME = "mapping.yml"
_POLL_S = 2.0
# A last line without a line break counts as finished when nothing was added for so long.
_QUIET_S = 60.0

_stopping = threading.Event()
_thread: threading.Thread | None = None


class Folder:
    """One watched folder."""

    def __init__(
        self,
        path: Path,
        source: sources.Source,
        shape: str | None = None,
        mapping: Mapping | None = None,
        stopping: threading.Event | None = None,
    ):
        self._path, self._source, self._shape = path, source, shape
        self._mapping, self._stopping = mapping, stopping
        self._seen: dict[Path, tuple] = {}
        # By file its last state, and since when (monotonic s) it has been in it.
        self._states: dict[Path, tuple[tuple, float]] = {}

    def look(self) -> Tally:
        """Take in what is new since the last look; a file that fails is tried again when it
        changes, and does not keep the others."""
        total = Tally()
        for path, state in self._changed():
            if self._stopping is not None and self._stopping.is_set():
                break
            try:
                total.add(self._take(path, state[3]))
                self._seen[path] = state
            except (InvalidMapping, OSError) as error:
                logger.error("files.unread name=%s reason=%s", path.name, error)
                self._seen[path] = state
        return total

    def _take(self, path: Path, complete: bool) -> Tally:
        mapping = self._mapping
        beside = self._path / MAPPING_NAME
        if mapping is None and beside.exists():
            mapping = load(beside)
        shape = self._shape or format_of(path, mapping)
        tally = import_file(
            self._source, path, shape, mapping, complete=complete, stopping=self._stopping
        )
        if tally.records:
            logger.info("files.read name=%s %s", path.name, tally)
        return tally

    def _changed(self) -> list[tuple[Path, tuple]]:
        found = []
        for path in self._path.iterdir():
            if path.name.startswith(".") or path.name == MAPPING_NAME or not path.is_file():
                continue
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            look = (state.st_ino, state.st_size, state.st_mtime_ns)
            if self._states.get(path, (None,))[0] != look:
                self._states[path] = (look, time.monotonic())
            look += (time.monotonic() - self._states[path][1] > _QUIET_S,)
            if self._seen.get(path) != look:
                found.append((path, look))
        # The oldest first: a rotated file was written before the one in its place.
        return sorted(found, key=lambda one: one[1][2])


def watch(folder: Folder, stopping: threading.Event, poll_s: float = _POLL_S) -> None:
    """Look until `stopping` is set; a database that is away is waited for."""
    while not stopping.is_set():
        try:
            folder.look()
        except Exception as error:
            logger.warning("files.watch.failed reason=%s", type(error).__name__)
        stopping.wait(poll_s)


def start() -> bool:
    """Watch `CDP_WATCH_DIR` in a daemon thread; False if none is set.

    Raises:
        ValueError: the folder or the source is not there, or the format unknown.
    """
    global _thread
    named = os.environ.get("CDP_WATCH_DIR")
    if not named or (_thread is not None and _thread.is_alive()):
        return False
    path, shape = Path(named), os.environ.get("CDP_WATCH_FORMAT") or None
    if not path.is_dir():
        raise ValueError(f"CDP_WATCH_DIR {named!r}: there is no such folder")
    if shape not in (None, "combined", "jsonl", "csv"):
        raise ValueError(f"CDP_WATCH_FORMAT {shape!r}: expected combined, jsonl or csv")
    name = os.environ.get("CDP_WATCH_SOURCE", "logs")
    source = sources.by_name(name)
    if source is None:
        raise ValueError(
            f"CDP_WATCH_SOURCE {name!r}: there is no such source; `python -m cdp files import` "
            f"with --evidence makes it"
        )
    _stopping.clear()
    folder = Folder(path, source, shape, stopping=_stopping)
    _thread = threading.Thread(
        target=watch, args=(folder, _stopping), name="files-watch", daemon=True
    )
    _thread.start()
    return True


def stop(timeout: float = 10.0) -> None:
    """End the thread after the batch it is at."""
    _stopping.set()
    if _thread is not None:
        _thread.join(timeout)
