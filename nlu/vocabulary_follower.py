"""Keeps the names of the graph's version in force at hand, without ever making a message wait.

A thread of its own looks at the graph's version every two seconds (the graph's reading functions
are asynchronous; the thread has its own event loop). When it has changed, the thread builds the
new lexicon and swaps it in by one assignment. While the graph cannot be reached the last lexicon
stays, and one warning is logged.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable

import kg.graph
from kg.graph import Graph
from kg.vocabulary import vocabulary
from nlu.mentions import Lexicon

logger = logging.getLogger(__name__)

CHECK_SECONDS = 2.0


class VocabularyFollower:
    """The lexicon of the graph's version in force, as `lexicon`; empty until the first is built."""

    def __init__(
        self, open_graph: Callable[[], Graph] | None = None, check_seconds: float = CHECK_SECONDS
    ) -> None:
        self.lexicon = Lexicon([])
        self.version: str | None = None
        self._open_graph = open_graph or kg.graph.open_graph
        self._check_seconds = check_seconds
        self._tried = threading.Event()
        self._stop = threading.Event()
        self._failing = False
        # The thread holds no reference to the follower, so that a model that has been replaced
        # takes its thread with it.
        arguments = (weakref.ref(self), self._open_graph, self._stop, check_seconds)
        self._thread = threading.Thread(
            target=_run, args=arguments, name="graph-vocabulary", daemon=True
        )
        weakref.finalize(self, self._stop.set)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the graph has been asked once; whether that came to pass in time."""
        return self._tried.wait(seconds)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()

    async def refresh(self, graph: Graph) -> None:
        """Follow the graph if its version is another; never raises."""
        try:
            version = await graph.version()
            if version != self.version:
                async with graph.snapshot() as snapshot:
                    version = await snapshot.version()
                    terms = await vocabulary(snapshot)
                await graph.rest()
                self.lexicon, self.version = Lexicon(terms), version
                logger.info("nlu.vocabulary.loaded version=%s names=%d", version, len(self.lexicon))
            self._failing = False
        except Exception as error:  # whatever fails, messages must go on
            self._failed(error)
        finally:
            self._tried.set()

    def opened(self, open_graph: Callable[[], Graph]) -> Graph | None:
        """The graph, or None where it cannot be opened now."""
        try:
            return open_graph()
        except Exception as error:
            self._failed(error)
            self._tried.set()
            return None

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            kept = f"the names of {self.version} stay" if self.version else "no names are known"
            logger.warning(
                "nlu.vocabulary.unavailable: %s; the graph cannot be read (%s: %s), "
                "asking again every %g s",
                kept,
                type(error).__name__,
                error,
                self._check_seconds,
            )
        self._failing = True


def _run(
    follower: weakref.ref[VocabularyFollower],
    open_graph: Callable[[], Graph],
    stop: threading.Event,
    seconds: float,
) -> None:
    try:
        asyncio.run(_follow(follower, open_graph, stop, seconds))
    except RuntimeError:
        # The process ends: nothing more is done in threads, and nobody asks for names.
        if threading.main_thread().is_alive():
            raise


async def _follow(
    follower: weakref.ref[VocabularyFollower],
    open_graph: Callable[[], Graph],
    stop: threading.Event,
    seconds: float,
) -> None:
    graph = None
    try:
        while not stop.is_set():
            alive = follower()
            if alive is None:
                return
            graph = graph or alive.opened(open_graph)
            if graph is not None:
                await alive.refresh(graph)
            del alive
            stop.wait(seconds)
    finally:
        if graph is not None:
            await graph.close()
