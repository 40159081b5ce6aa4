"""Neo4j: reading through the official asynchronous driver and its pool.

All versions lie side by side in one database; every node carries its `version`. The node
(:Release {id: "current"}) names the one in force. It is read again when what was read is older than
FRESH_SECONDS, so a reader follows a new version within that time; the version it leaves is still
there, because the last few are kept.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import neo4j
from neo4j import exceptions

from kg.errors import (
    GraphError,
    GraphTimeout,
    GraphUnavailable,
    NothingPublished,
    QueryFailed,
)
from kg.graph import QUERY_SECONDS, SCAN_SECONDS, Graph, Reader, Rows, Snapshot, text_of
from kg.queries import SCANS

FRESH_SECONDS = 0.2
POINTER = "MATCH (r:Release {id: 'current'}) RETURN r.version AS version"

# Seconds the driver may take to connect, to get a connection from the pool, and to try again.
CONNECT_SECONDS = 5.0
_POOL = 50

_T = TypeVar("_T")


def credentials() -> tuple[str, str] | None:
    """Name and password from NEO4J_USER and NEO4J_PASSWORD; None when neither is set."""
    user, password = os.environ.get("NEO4J_USER"), os.environ.get("NEO4J_PASSWORD")
    if not user and not password:
        return None
    if not user or not password:
        unset = "NEO4J_PASSWORD" if user else "NEO4J_USER"
        raise GraphError(f"{unset} is not set: set NEO4J_USER and NEO4J_PASSWORD, or neither")
    return user, password


def driver_settings() -> dict[str, Any]:
    """Settings that reader and store give the driver alike."""
    return {
        "connection_timeout": CONNECT_SECONDS,
        "connection_acquisition_timeout": CONNECT_SECONDS,
        "max_transaction_retry_time": CONNECT_SECONDS,
        "max_connection_pool_size": _POOL,
        "telemetry_disabled": True,
        # The server warns of every kind of node that the shop happens to have none of.
        "notifications_min_severity": "OFF",
    }


def translated(error: Exception, doing: str) -> GraphError:
    """A driver's error as one of ours."""
    code = getattr(error, "code", None) or ""
    if "TransactionTimedOut" in code:
        return GraphTimeout(f"{doing} took too long and was stopped by Neo4j")
    if isinstance(error, exceptions.AuthError):
        return GraphUnavailable(f"{doing}: Neo4j refused NEO4J_USER and NEO4J_PASSWORD")
    if isinstance(error, exceptions.ClientError):
        return QueryFailed(f"{doing}: {error}")
    return GraphUnavailable(f"{doing}: Neo4j cannot be reached: {error}")


class Neo4jGraph(Graph):
    """Readers of a Neo4j; belongs to the event loop of its first query."""

    def __init__(self, uri: str, auth: tuple[str, str] | None) -> None:
        self._uri = uri
        self._auth = auth
        self._driver: neo4j.AsyncDriver | None = None
        self._version: str | None = None
        self._read_at = 0.0

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        yield _Neo4jSnapshot(self, await self.version())

    async def version(self) -> str:
        if self._version is None or time.monotonic() - self._read_at > FRESH_SECONDS:
            read_at = time.monotonic()
            rows = (await self.run("the version in force", POINTER, [{}], QUERY_SECONDS))[0]
            if not rows:
                raise NothingPublished(
                    f"no graph is published in {self._uri}: run `python -m kg build`"
                )
            self._version, self._read_at = rows[0]["version"], read_at
        return self._version

    async def close(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    async def run(
        self, name: str, text: str, calls: Sequence[dict[str, Any]], seconds: float
    ) -> list[Rows]:
        """Run a text once for each set of parameters, in one reading transaction."""

        @neo4j.unit_of_work(timeout=seconds)
        async def work(transaction: neo4j.AsyncManagedTransaction) -> list[Rows]:
            found = []
            for call in calls:
                result = await transaction.run(text, call)
                found.append([dict(record) async for record in result])
            return found

        async def read() -> list[Rows]:
            async with self._opened().session(default_access_mode=neo4j.READ_ACCESS) as session:
                return await session.execute_read(work)

        # The server stops a query itself; the rest is for a server that no longer answers.
        return await _in_time(read, name, seconds + 2 * CONNECT_SECONDS)

    def _opened(self) -> neo4j.AsyncDriver:
        if self._driver is None:
            self._driver = neo4j.AsyncGraphDatabase.driver(
                self._uri, auth=self._auth, **driver_settings()
            )
        return self._driver


async def _in_time(work: Callable[[], Awaitable[_T]], name: str, seconds: float) -> _T:
    doing = f"query {name!r}"
    try:
        return await asyncio.wait_for(work(), seconds)
    except asyncio.TimeoutError:
        raise GraphTimeout(f"{doing} had no answer from Neo4j in {seconds} s") from None
    except (exceptions.Neo4jError, exceptions.DriverError) as error:
        raise translated(error, doing) from error
    except OSError as error:
        raise GraphUnavailable(f"{doing}: Neo4j cannot be reached: {error}") from error


class _Neo4jSnapshot(Snapshot):
    """Reads one version by its name; it stays readable while it is among those kept."""

    def __init__(self, graph: Neo4jGraph, version: str) -> None:
        self._graph = graph
        self._version = version

    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        seconds = SCAN_SECONDS if name in SCANS else QUERY_SECONDS
        bound = [{**call, "version": self._version} for call in calls]
        return await self._graph.run(name, text_of(name), bound, seconds)

    async def version(self) -> str:
        return self._version
