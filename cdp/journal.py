"""What has to be done again after a restore: erasures and withdrawals, in a file beside backups.

A backup does not know what came after it. So each erasure, each return of somebody who was erased,
and each withdrawal is noted here too, as one line of JSON, as soon as it is in the database:

    {"what": "erased" | "lifted", "hash": …, "key": …, "at": …}
    {"what": "withdrawn", "hash": …, "key": …, "purpose": …, "scope": …, "source": …, "at": …}

`hash` is that of the suppression list, so the file names nobody; `key` names the hash key that was
in force. The file lies outside `var/`, which it has to outlive: `backups/journal.jsonl` beside it,
or where `QUDAO_JOURNAL` says. `cdp.replay` does what it says after a restore. Lines older than the
oldest archive may be cut off.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import event

from cdp import keys
from storage import var_dir

logger = logging.getLogger(__name__)

ERASED, LIFTED, WITHDRAWN = "erased", "lifted", "withdrawn"
_FIELDS = {
    ERASED: {"hash", "key", "at"},
    LIFTED: {"hash", "key", "at"},
    WITHDRAWN: {"hash", "key", "at", "purpose", "scope", "source"},
}


def path() -> Path:
    """Where the journal lies."""
    told = os.environ.get("QUDAO_JOURNAL")
    return Path(told) if told else var_dir().resolve().parent / "backups" / "journal.jsonl"


def note(session, lines: Iterable[dict]) -> None:
    """Write these lines once the transaction of `session` has been committed.

    What cannot be written is said in the log, with how much it was: the database has it, and what
    was asked for is done.
    """
    lines = list(lines)
    by = keys.fingerprint(keys.active_secret()) if lines else ""
    text = "".join(json.dumps({**line, "key": by}, default=_written) + "\n" for line in lines)
    if text:
        event.listen(session, "after_commit", lambda _session: _append(text), once=True)


def read(place: Path) -> tuple[list[dict], int]:
    """The lines of a journal in their order, and how many could not be read; none if there is no
    such file."""
    found, unreadable = [], 0
    if not place.exists():
        return found, unreadable
    with place.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
                if not _FIELDS[line["what"]] <= line.keys():
                    raise ValueError("a field is missing")
            except (ValueError, KeyError, TypeError):
                # The last line of a machine that lost its power, for example.
                unreadable += 1
                continue
            found.append(line)
    return found, unreadable


def _append(text: str) -> None:
    place = path()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One write of whole lines: processes that append at once do not mix them.
        opened = os.open(place, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(opened, text.encode())
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        lines = text.count("\n")
        logger.error("journal.not_written lines=%d reason=%s", lines, type(error).__name__)


def _written(value) -> str:
    return value.isoformat()
