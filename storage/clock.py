"""The time as every table keeps it."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Now in UTC, without a zone: SQLite has no column that keeps one."""
    return datetime.now(timezone.utc).replace(tzinfo=None)
