"""Neo4j: writing a version beside the others, and moving the pointer.

(:Release {id: "current", version})    the pointer, moved in one transaction
(:Version {id, digest})                one for each complete version; written after all its nodes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import neo4j
from neo4j import exceptions

from kg.errors import GraphError
from kg.neo4j_graph import POINTER, driver_settings, translated
from kg.schema import LOOKUPS, NODES, RELATIONS
from kg.store import Store
from kg.tables import Row, Tables

# Rows sent, and nodes deleted, in one transaction: bounded by the server's memory.
_BATCH = 5_000
_SECONDS = 120.0


class Neo4jStore(Store):
    """Versions in one Neo4j database. Kinds and properties in texts come from kg.schema only."""

    def __init__(self, uri: str, auth: tuple[str, str] | None) -> None:
        self._driver = neo4j.GraphDatabase.driver(uri, auth=auth, **driver_settings())

    def write(self, version: str, digest: str, tables: Tables) -> None:
        self._define()
        # Left by a load that was cut off; its name could come again within the same second.
        self._clear(version)
        try:
            for kind, rows in tables.nodes.items():
                names = ("id", *NODES[kind])
                text = f"UNWIND $rows AS row CREATE (n:{kind}) SET n = row, n.version = $version"
                for batch in _batches(rows):
                    self._run(
                        text,
                        version=version,
                        rows=[dict(zip(names, r, strict=True)) for r in batch],
                    )
            for (name, near, far), rows in tables.relations.items():
                self._relate(version, name, near, far, rows)
            self._run(
                "CREATE (v:Version {id: $version, digest: $digest})",
                version=version,
                digest=digest,
            )
        except GraphError:
            self._clear(version)
            raise

    def point(self, version: str) -> None:
        self._run("MERGE (r:Release {id: 'current'}) SET r.version = $version", version=version)

    def current(self) -> str | None:
        rows = self._run(POINTER)
        return rows[0]["version"] if rows else None

    def versions(self) -> dict[str, str]:
        rows = self._run("MATCH (v:Version) RETURN v.id AS id, v.digest AS digest ORDER BY id")
        return {row["id"]: row["digest"] for row in rows}

    def delete(self, version: str) -> None:
        self._clear(version)

    def close(self) -> None:
        self._driver.close()

    def _define(self) -> None:
        """Keys and indexes, once; the engine does nothing where they are there."""
        for kind in NODES:
            low = kind.lower()
            self._run(
                f"CREATE CONSTRAINT {low}_key IF NOT EXISTS FOR (n:{kind}) "
                "REQUIRE (n.version, n.id) IS UNIQUE"
            )
            self._run(f"CREATE INDEX {low}_version IF NOT EXISTS FOR (n:{kind}) ON (n.version)")
            for name in LOOKUPS.get(kind, ()):
                self._run(
                    f"CREATE INDEX {low}_{name} IF NOT EXISTS FOR (n:{kind}) "
                    f"ON (n.version, n.{name})"
                )
        for kind in ("Release", "Version"):
            self._run(
                f"CREATE CONSTRAINT {kind.lower()}_key IF NOT EXISTS FOR (n:{kind}) "
                "REQUIRE n.id IS UNIQUE"
            )
        self._run("CALL db.awaitIndexes(60)")

    def _relate(self, version: str, name: str, near: str, far: str, rows: Sequence[Row]) -> None:
        properties = RELATIONS[name][1]
        text = (
            "UNWIND $rows AS row "
            f"MATCH (a:{near} {{version: $version, id: row.near}}), "
            f"(b:{far} {{version: $version, id: row.far}}) "
            f"CREATE (a)-[r:{name}]->(b) SET r = row.properties"
        )
        for batch in _batches(rows):
            sent = [
                {
                    "near": row[0],
                    "far": row[1],
                    "properties": dict(zip(properties, row[2:], strict=True)),
                }
                for row in batch
            ]
            self._run(text, version=version, rows=sent)

    def _clear(self, version: str) -> None:
        """Remove a version: first what makes it one, then its nodes with their relations."""
        self._run("MATCH (v:Version {id: $version}) DELETE v", version=version)
        for kind in NODES:
            text = (
                f"MATCH (n:{kind} {{version: $version}}) WITH n LIMIT {_BATCH} "
                "DETACH DELETE n RETURN count(*) AS deleted"
            )
            while self._run(text, version=version)[0]["deleted"] == _BATCH:
                pass

    def _run(self, text: str, **params: Any) -> list[dict[str, Any]]:
        try:
            with self._driver.session() as session:
                result = session.run(neo4j.Query(text, timeout=_SECONDS), params)  # type: ignore[arg-type]
                return result.data()
        except (exceptions.Neo4jError, exceptions.DriverError, OSError) as error:
            raise translated(error, "writing the graph") from error


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
