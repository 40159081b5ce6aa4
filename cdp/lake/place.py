"""Where the lake lies: `var/lake`.

events/date=2026-11-22/<first seq>-<last seq>.parquet   by the day an event occurred (UTC)
people/<n>.parquet                                      whose event it is, for a range of seqs
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from storage import var_dir


def root() -> Path:
    """The lake's folder."""
    folder = var_dir() / "lake"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def scratch() -> Path:
    """A folder for what is only there for a moment."""
    folder = root() / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


def day_folder(day: date) -> Path:
    """Where the events of a day lie."""
    return root() / "events" / f"date={day.isoformat()}"


def event_files() -> list[Path]:
    """All files of events, by day."""
    return sorted((root() / "events").glob("date=*/*.parquet"))


def people_file(part: int) -> Path:
    """The file that says whose the events of that part of all seqs are."""
    return root() / "people" / f"{part}.parquet"


def people_files() -> list[Path]:
    """All files that say whose events are."""
    return sorted((root() / "people").glob("*.parquet"))
