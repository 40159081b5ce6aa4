"""The graph as its readers see it, whichever engine holds it.

    graph = open_graph()
    rows = await graph.query("product", id="P1001")

    async with graph.snapshot() as snapshot:      # several queries on one and the same version
        ...

Every reading function of this package takes a graph or a snapshot first.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from kg.errors import UnknownQuery
from kg.queries import QUERIES

Rows = list[dict[str, Any]]

# One query's time limit: a shopper is waiting. Queries that read everything get the longer one.
QUERY_SECONDS = 5.0
SCAN_SECONDS = 60.0


def text_of(name: str) -> str:
    """The text of a named query; raises UnknownQuery."""
    try:
        return QUERIES[name]
    except KeyError:
        known = ", ".join(sorted(QUERIES))
        raise UnknownQuery(f"there is no query {name!r}; the queries are {known}") from None


class Reader(ABC):
    """What a graph and a snapshot of it have in common: named queries are asked of them."""

    @abstractmethod
    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        """Run one named query once for each set of parameters, all on the same version.

        Raises GraphUnavailable, GraphTimeout, QueryFailed, UnknownQuery or NothingPublished.
        """

    @abstractmethod
    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """A reader that stays on the version in force now, however many are published meanwhile."""

    @abstractmethod
    async def version(self) -> str:
        """The version that the next query reads."""

    async def query(self, name: str, **params: Any) -> Rows:
        """Run a named query; rows come as dicts by column name."""
        return (await self.query_each(name, [params]))[0]


class Graph(Reader):
    """One of the two engines, open for reading."""

    async def query_each(self, name: str, calls: Sequence[dict[str, Any]]) -> list[Rows]:
        async with self.snapshot() as snapshot:
            return await snapshot.query_each(name, calls)

    async def version(self) -> str:
        async with self.snapshot() as snapshot:
            return await snapshot.version()

    async def rest(self) -> None:
        """Let go of what only reading needs; the next query takes it up again."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of files, threads and connections; running queries end first."""


class Snapshot(Reader):
    """A reader bound to one version."""

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        yield self


def graph_folder() -> Path:
    """Where versions are kept: graph/ under QUDAO_VAR (default `var`)."""
    return Path(os.environ.get("QUDAO_VAR") or "var") / "graph"


def open_graph() -> Graph:
    """The graph that the environment asks for.

    Neo4j when NEO4J_URI is set (with NEO4J_USER and NEO4J_PASSWORD), else the embedded engine.
    Nothing is opened before the first query, so a graph may be made before it is published.
    """
    uri = os.environ.get("NEO4J_URI")
    if uri:
        from kg.neo4j_graph import Neo4jGraph, credentials

        return Neo4jGraph(uri, credentials())
    from kg.ladybug_graph import LadybugGraph

    return LadybugGraph(graph_folder())
