"""The embedded engine: reading LadybugDB files, one read-only file per version.

A pointer file names the version in force. It is looked at before every query (one `stat`), so a
reader follows a new version at once; a file it has left is closed when its last query has ended.
LadybugDB blocks while it works, so queries run on a few threads of their own.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import real_ladybug as ladybug

from kg.errors import GraphTimeout, GraphUnavailable, NothingPublished, QueryFailed
from kg.graph import QUERY_SECONDS, SCAN_SECONDS, Graph, Reader, Rows, Snapshot, text_of
from kg.queries import SCANS

POINTER = "current"
DATABASE = "graph.lbug"

_THREADS = 4
# Pages kept in memory, in bytes; LadybugDB would otherwise take 80 % of the machine's.
_BUFFER_BYTES = 256 << 20
# A file may be pruned between reading the pointer and opening it: look at the pointer again.
_OPEN_TRIES = 5

_T = TypeVar("_T")


class _OpenVersion:
    """One version's file with its connections; counts who still reads it."""

    def __init__(self, version: str, path: Path) -> None:
        self.version = version
        self.readers = 0
        self.left = False
        self._database = ladybug.Database(str(path), read_only=True, buffer_pool_size=_BUFFER_BYTES)
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def run(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        """Run a named query for each set of parameters, on a connection of its own."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or _Connection(self._database)
        try:
            return [connection.run(name, {**call, "version": self.version}) for call in calls]
        finally:
            with self._lock:
                self._idle.append(connection)

    def close(self) -> None:
        """Close connections and file; nobody may be reading."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._database.close()
        # An open file takes a hundred megabytes, and glibc would keep them for itself.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


class _Connection:
    """A connection with the statements it has planned: planning costs more than most queries."""

    def __init__(self, database: ladybug.Database) -> None:
        # One thread a query: ours are short, and more threads only cost more to start.
        self._connection = ladybug.Connection(database, num_threads=1)
        self._statements: dict[str, ladybug.PreparedStatement] = {}

    def run(self, name: str, params: dict[str, Any]) -> Rows:
        text = text_of(name)
        statement = self._statements.get(name)
        if statement is None:
            statement = ladybug.PreparedStatement(self._connection, text)
            if not statement.is_success():
                raise QueryFailed(f"query {name!r}: {statement.get_error_message()}")
            self._statements[name] = statement
        seconds = SCAN_SECONDS if name in SCANS else QUERY_SECONDS
        self._connection.set_query_timeout(int(seconds * 1000))
        try:
            result = self._connection.execute(statement, params)
        except RuntimeError as error:
            if "Interrupted" in str(error):
                raise GraphTimeout(f"query {name!r} took more than {seconds} s") from error
            given = ", ".join(sorted(params))
            raise QueryFailed(f"query {name!r} with parameters {given}: {error}") from error
        try:
            columns = result.get_column_names()
            return [dict(zip(columns, row, strict=True)) for row in result.get_all()]
        finally:
            result.close()

    def close(self) -> None:
        self._statements.clear()
        self._connection.close()


class LadybugGraph(Graph):
    """Readers of the versions under one folder; shared by all tasks of a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: _OpenVersion | None = None
        self._seen: tuple[int, int] | None = None
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="kg")
        self._closed = False

    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        def work() -> list[Rows]:
            version = self._take()
            try:
                return version.run(name, calls)
            finally:
                self._release(version)

        return await self.run(work)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        version = self._take_if_open() or await self._take_in_thread()
        try:
            yield _LadybugSnapshot(self, version)
        finally:
            self._let_go(version)

    async def version(self) -> str:
        version = self._take_if_open()
        if version is None:
            return (await self.run(self._pointer))[0]
        self._let_go(version)
        return version.version

    async def rest(self) -> None:
        await self.run(self._rest)

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)
        with self._lock:
            version, self._open = self._open, None
            if version and not version.readers:
                version.close()
            elif version:
                version.left = True

    def run_in(self, version: _OpenVersion, work: Callable[[], _T]) -> Awaitable[_T]:
        """As `run`, with the version held open until the thread is done, even if nobody waits."""
        with self._lock:
            version.readers += 1
        try:
            future = self._submit(work)
        except BaseException:
            self._release(version)
            raise
        future.add_done_callback(lambda _: self._release(version))
        return _within_limit(future)

    def _submit(self, work: Callable[[], _T]) -> Future[_T]:
        if self._closed:
            raise GraphUnavailable("the graph has been closed")
        return self._executor.submit(work)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do blocking work on one of the graph's threads."""
        return await _within_limit(self._submit(work))

    async def _take_in_thread(self) -> _OpenVersion:
        taking = self._submit(self._take)
        try:
            return await _within_limit(taking)
        except (asyncio.CancelledError, GraphTimeout):
            # The thread may go on without us: what it takes is given back once it has it.
            taking.add_done_callback(self._give_back)
            raise

    def _take_if_open(self) -> _OpenVersion | None:
        """As `_take`, where that needs no waiting; None where it does."""
        if self._closed or not self._lock.acquire(blocking=False):
            return None
        try:
            if self._open is None or self._stamp() != self._seen:
                return None
            self._open.readers += 1
            return self._open
        except OSError:
            return None
        finally:
            self._lock.release()

    def _take(self) -> _OpenVersion:
        """The version in force, opened where it is not yet, with one more reader."""
        with self._lock:
            for attempt in range(1, _OPEN_TRIES + 1):
                try:
                    self._follow()
                    break
                except (RuntimeError, OSError) as error:
                    if attempt == _OPEN_TRIES:
                        raise GraphUnavailable(
                            f"the version that {self._folder / POINTER} names cannot be opened: "
                            f"{error}"
                        ) from error
            assert self._open is not None
            self._open.readers += 1
            return self._open

    def _rest(self) -> None:
        with self._lock:
            version, self._open = self._open, None
            if version is not None:
                version.left = True
                self._close_if_unread(version)

    def _pointer(self) -> tuple[str, tuple[int, int]]:
        """The version in force, and its pointer's stamp; nothing is opened for it."""
        try:
            # First the stamp: whoever replaces the pointer meanwhile is noticed next time.
            seen = self._stamp()
            return (self._folder / POINTER).read_text(encoding="ascii").strip(), seen
        except FileNotFoundError:
            raise NothingPublished(
                f"no graph is published under {self._folder}: run `python -m kg build`"
            ) from None

    def _follow(self) -> None:
        name, seen = self._pointer()
        if self._open is not None and seen == self._seen:
            return
        if self._open is None or self._open.version != name:
            fresh = _OpenVersion(name, self._folder / name / DATABASE)
            previous, self._open = self._open, fresh
            if previous is not None:
                previous.left = True
                self._close_if_unread(previous)
        self._seen = seen

    def _stamp(self) -> tuple[int, int]:
        """Tells one pointer from the next: it is replaced, never rewritten."""
        stat = (self._folder / POINTER).stat()
        return stat.st_ino, stat.st_mtime_ns

    def _release(self, version: _OpenVersion) -> None:
        with self._lock:
            version.readers -= 1
            self._close_if_unread(version)

    def _let_go(self, version: _OpenVersion) -> None:
        """Release, on a thread if it has to wait for one that opens a file, or to close one."""
        if self._lock.acquire(blocking=False):
            try:
                if not version.left:
                    version.readers -= 1
                    return
            finally:
                self._lock.release()
        try:
            self._executor.submit(self._release, version)
        except RuntimeError:  # the graph has been closed meanwhile
            self._release(version)

    def _give_back(self, taking: Future[_OpenVersion]) -> None:
        if not taking.cancelled() and taking.exception() is None:
            self._release(taking.result())

    @staticmethod
    def _close_if_unread(version: _OpenVersion) -> None:
        if version.left and not version.readers:
            version.close()


async def _within_limit(future: Future[_T]) -> _T:
    """Wait for a thread's work.

    The engine stops a query itself; this catches one that finds no thread free for very long.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), SCAN_SECONDS)
    except asyncio.TimeoutError:
        raise GraphTimeout(f"no answer from the graph within {SCAN_SECONDS} s") from None


class _LadybugSnapshot(Snapshot):
    """Reads one open version, whatever is published meanwhile."""

    def __init__(self, graph: LadybugGraph, version: _OpenVersion) -> None:
        self._graph = graph
        self._version = version

    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        return await self._graph.run_in(self._version, lambda: self._version.run(name, calls))

    async def version(self) -> str:
        return self._version.version
