"""From the conversation's outbox into the intake: in order, at least once, counted once.

`start()` in the web application keeps one thread at it; `drain_once()` is one step of it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading

from cdp.talk.outbox import Outbox, outbox_path
from cdp.talk.sessions import deliver

logger = logging.getLogger(__name__)

LIMIT = 200
_POLL_S = 0.25
_LONGEST_WAIT_S = 30.0

_stopping = threading.Event()
_thread: threading.Thread | None = None


def drain_once(outbox: Outbox, limit: int = LIMIT) -> int:
    """Deliver the oldest events and forget them; how many.

    Raises:
        SQLAlchemyError, sqlite3.Error: a database is away; nothing is lost, call again.
    """
    rows = outbox.oldest(limit)
    if not rows:
        return 0
    raws = []
    for number, body in rows:
        try:
            raws.append(json.loads(body))
        except ValueError:
            logger.error("talk.outbox.unreadable id=%d", number)
    if raws:
        refused = [one for one in deliver(raws) if one.status == "refused"]
        if refused:
            # The intake keeps them with their reason.
            logger.warning("talk.refused count=%d first=%s", len(refused), refused[0].code)
    outbox.remove(rows[-1][0])
    return len(rows)


def start() -> None:
    """Keep draining in a daemon thread, until `stop()`."""
    global _thread
    if _thread is not None and _thread.is_alive():
        return
    _stopping.clear()
    _thread = threading.Thread(target=_run, name="talk-drain", daemon=True)
    _thread.start()


def stop(timeout: float = 10.0) -> None:
    """End the thread after the step it is at."""
    _stopping.set()
    if _thread is not None:
        _thread.join(timeout)


def _run() -> None:
    outbox, wait = None, _POLL_S
    while not _stopping.is_set():
        try:
            if outbox is None and outbox_path().exists():
                outbox = Outbox()
            done = drain_once(outbox) if outbox is not None else 0
            wait = 0.0 if done == LIMIT else _POLL_S
        except Exception as error:
            # Whatever it is, the talk is safe in its file; it is tried again, ever more rarely.
            logger.warning("talk.undelivered reason=%s", type(error).__name__)
            wait = min(max(wait, _POLL_S) * 2, _LONGEST_WAIT_S)
            if isinstance(error, sqlite3.Error) and outbox is not None:
                outbox.close()
                outbox = None
        _stopping.wait(wait)
    if outbox is not None:
        outbox.close()
