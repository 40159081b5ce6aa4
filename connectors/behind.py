"""What is noted behind an answer, and what is asked for it: neither raises, nor keeps it waiting.

What is noted within `GATHER_SECONDS` is written together: a transaction for every talk that begins
would take from the answers of all. After a failure nothing is asked for `REST_SECONDS`, since a
database that is away would be waited for in vain; the log says once that it is, and once that it is
back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

GATHER_SECONDS = 0.2
PATIENCE_SECONDS = 0.5
REST_SECONDS = 10.0
MOST_WAITING = 1_000

_T = TypeVar("_T")
_Failed = Callable[[], None]


def _nothing() -> None:
    """Whoever noted it does not mind that it is lost."""


@dataclass(frozen=True)
class _Note:
    make: Callable[[], list[dict]]
    failed: _Failed


class Behind:
    """Notes for a platform and questions to it; `name` is what its log says it is.

    `send` takes the events of several notes at once.
    """

    def __init__(self, name: str, send: Callable[[list[dict]], None]) -> None:
        self.send = send
        self._health = _Health(name)
        self._notes: list[_Note] = []
        self._changed = threading.Condition()
        self._writing = self._hurried = False
        # One writer keeps the order of what was noted; readers do not wait behind it.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-writer")
        self._readers = ThreadPoolExecutor(4, thread_name_prefix=name)

    def note(self, make: Callable[[], list[dict]], failed: _Failed = _nothing) -> None:
        """Send what `make` gives, soon; what cannot be sent is lost, and `failed` is called."""
        with self._changed:
            is_lost = self._health.resting or len(self._notes) >= MOST_WAITING
            if not is_lost:
                self._notes.append(_Note(make, failed))
            if not is_lost and not self._writing:
                self._writing = True
                self._writer.submit(self._write_all)
        if is_lost:
            failed()

    def ask(self, question: Callable[[], _T], otherwise: _T) -> _T:
        """The answer, or `otherwise` if there is none within `PATIENCE_SECONDS`."""
        if self._health.resting:
            return otherwise
        future = self._readers.submit(question)
        try:
            found = future.result(PATIENCE_SECONDS)
        except Exception as error:  # the talk goes on, whatever it was
            future.cancel()
            self._health.failed(error)
            return otherwise
        self._health.worked()
        return found

    def settle(self, seconds: float) -> None:
        """Wait until what was noted is sent."""
        with self._changed:
            self._hurried = self._writing
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._writing, seconds)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._hurried, GATHER_SECONDS)
                self._hurried = False
                notes, self._notes = self._notes, []
                if not notes:
                    self._writing = False
                    self._changed.notify_all()
                    return
            self._write(notes)

    def _write(self, notes: list[_Note]) -> None:
        made: list[tuple[_Note, list[dict]]] = []
        for note in notes:
            if self._health.resting:
                note.failed()
                continue
            try:
                made.append((note, note.make()))
            except Exception as error:
                self._lost([note], error)
        if made and not self._sent(made):
            for one in made:
                self._sent([one])

    def _sent(self, made: list[tuple[_Note, list[dict]]]) -> bool:
        """Send the events of some notes; False where each has to be tried alone, since one of them
        may be what all of them failed of."""
        events = [event for _, told in made for event in told]
        try:
            if events:
                self.send(events)
        except Exception as error:
            if len(made) > 1 and not isinstance(error, SQLAlchemyError):
                return False
            self._lost([note for note, _ in made], error)
        else:
            self._health.worked()
        return True

    def _lost(self, notes: list[_Note], error: Exception) -> None:
        self._health.failed(error)
        for note in notes:
            note.failed()


class _Health:
    """Whether the platform answers."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{__name__}.{name}")
        self._name = name
        self._resting_until = 0.0
        self._away = False

    @property
    def resting(self) -> bool:
        """Whether nothing should be asked now."""
        return time.monotonic() < self._resting_until

    def failed(self, error: BaseException) -> None:
        """Something did not work."""
        self._resting_until = time.monotonic() + REST_SECONDS
        if not self._away:
            self._away = True
            self._logger.warning("%s.away error=%s", self._name, type(error).__name__)

    def worked(self) -> None:
        """Something worked."""
        if self._away:
            self._away = False
            self._logger.info("%s.back", self._name)
