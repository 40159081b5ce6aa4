"""Graphs for the tests: the embedded one always, a real Neo4j where it can run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kg.graph import Graph, open_graph
from kg.neo4j_server.launcher import CannotStart, Neo4jServer, missing
from kg.releases import publish
from tests.kg.shop import small_shop

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def neo4j_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Neo4j to write to: NEO4J_TEST_URI, or one of our own; in CI it must be there."""
    given = os.environ.get("NEO4J_TEST_URI")
    if given:
        yield given
        return
    reason = missing()
    if reason is None:
        server = Neo4jServer(ROOT / "var" / "neo4j", data=tmp_path_factory.mktemp("neo4j"))
        try:
            server.start()
        except CannotStart as failure:
            reason = str(failure)
        else:
            try:
                yield server.uri
            finally:
                server.stop()
            return
    if os.environ.get("CI") == "true":
        pytest.fail(f"Neo4j must run in CI: {reason}")
    pytest.skip(f"no Neo4j here: {reason}")


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place of the embedded engine; its folder of versions."""
    for name in ("NEO4J_URI", "NEO4J_USER", "NEO4J_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUDAO_VAR", str(tmp_path))
    return tmp_path / "graph"


@pytest.fixture(params=["ladybug", pytest.param("neo4j", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, embedded: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine in turn, with nothing published."""
    name: str = request.param
    if name == "neo4j":
        uri = request.getfixturevalue("neo4j_uri")
        monkeypatch.setenv("NEO4J_URI", uri)
        _emptied(uri)
    return name


def _emptied(uri: str) -> None:
    import neo4j

    with neo4j.GraphDatabase.driver(uri) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")


@pytest.fixture
async def graph(engine: str) -> AsyncIterator[Graph]:
    """The small shop, published on each engine in turn."""
    publish(small_shop())
    opened = open_graph()
    yield opened
    await opened.close()


@pytest.fixture
async def local(embedded: Path) -> AsyncIterator[Graph]:
    """The small shop on the embedded engine."""
    publish(small_shop())
    opened = open_graph()
    yield opened
    await opened.close()
