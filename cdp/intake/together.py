"""Group commit: what several threads want written at once shares one transaction.

A commit waits for the disk, and before that for its turn to write; meanwhile the next callers
queue up. Whoever comes to the pen first writes for all who wait when the turn has come.
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
    """`write_all(take) -> list of answers`, called by one thread at a time for many; it calls
    `take()` when it can begin to write, for the list of work, which is the same if asked again.

    hopeless: errors of which all work fails alike (the database is away); after any other, each
    work is tried alone.
    """

    def __init__(
        self,
        write_all: Callable[[Callable[[], list[Work]]], list[Answer]],
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
                self._write(place)
        if place.error is not None:
            raise place.error
        return place.answer

    def _write(self, own: _Place) -> None:
        places: list[_Place] = []

        def take() -> list[Work]:
            if not places:
                places.extend(self._take(own))
            return [place.work for place in places]

        try:
            answers = self._write_all(take)
            for place, answer in zip(places, answers, strict=True):
                place.answer = answer
        except self._hopeless as error:
            take()
            for place in places:
                place.error = error
        except Exception:
            take()
            for place in places:
                try:
                    place.answer = self._write_all(lambda place=place: [place.work])[0]
                except Exception as error:
                    place.error = error
        finally:
            for place in places:
                place.done.set()

    def _take(self, own: _Place) -> list[_Place]:
        """Those who wait, `own` among them."""
        with self._queue:
            # Those before it in the queue are few: each of them waits for the pen too.
            first = max(0, self._waiting.index(own) + 1 - MOST)
            places = self._waiting[first : first + MOST]
            self._waiting = self._waiting[:first] + self._waiting[first + MOST :]
        return places
