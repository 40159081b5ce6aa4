"""Group commit: what several threads want written at once shares one transaction.

A commit waits for the disk, several milliseconds with `synchronous=FULL`; meanwhile the next
callers queue up, and whoever comes to the pen first writes for all who wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Work = TypeVar("Work")
Answer = TypeVar("Answer")
MOST = 50


@dataclass(slots=True)
class _Place(Generic[Work, Answer]):
    work: Work
    answer: Answer | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Together(Generic[Work, Answer]):
    """`write_all(list of work) -> list of answers`, called by one thread at a time for many.

    hopeless: errors of which all work fails alike (the database is away); after any other, each
    work is tried alone.
    """

    def __init__(
        self,
        write_all: Callable[[list[Work]], list[Answer]],
        hopeless: tuple[type[Exception], ...] = (),
    ):
        self._write_all = write_all
        self._hopeless = hopeless
        self._waiting: list[_Place] = []
        self._queue = threading.Lock()
        self._pen = threading.Lock()

    def write(self, work: Work) -> Answer:
        """The answer for this work, when it is written.

        Raises:
            Exception: what writing it raised; of others' work it raises nothing.
        """
        place = _Place(work)
        with self._queue:
            self._waiting.append(place)
        with self._pen:
            if not place.done.is_set():
                with self._queue:
                    # Those before it in the queue are few: each of them waits for the pen too.
                    mine = self._waiting.index(place)
                    first = max(0, mine + 1 - MOST)
                    places = self._waiting[first : first + MOST]
                    self._waiting = self._waiting[:first] + self._waiting[first + MOST :]
                self._write(places)
        if place.error is not None:
            raise place.error
        return place.answer

    def _write(self, places: list[_Place]) -> None:
        try:
            answers = self._write_all([place.work for place in places])
            for place, answer in zip(places, answers, strict=True):
                place.answer = answer
        except self._hopeless as error:
            for place in places:
                place.error = error
        except Exception:
            for place in places:
                try:
                    place.answer = self._write_all([place.work])[0]
                except Exception as error:
                    place.error = error
        finally:
            for place in places:
                place.done.set()
