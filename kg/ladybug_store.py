"""The embedded engine: writing a version as a file of its own.

<folder>/current                 the name of the version in force, replaced in one step
<folder>/<version>/graph.lbug    the version's graph, never written again
<folder>/<version>/digest        its content's SHA-256; written last: it makes it a version
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import real_ladybug as ladybug

from kg.errors import GraphUnavailable
from kg.ladybug_graph import DATABASE, POINTER
from kg.schema import NODES, RELATIONS, STRING
from kg.store import Store
from kg.tables import Row, Tables

_DIGEST = "digest"
# Told, not guessed: the engine would otherwise sniff the dialect from the first rows.
_CSV = "header=false, auto_detect=false, delim=',', quote='\"', escape='\"'"


class LadybugStore(Store):
    """Versions as files under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, version: str, digest: str, tables: Tables) -> None:
        home = self._folder / version
        home.mkdir(parents=True, exist_ok=True)
        path = home / DATABASE
        path.unlink(missing_ok=True)
        try:
            _load(path, version, tables)
        except RuntimeError as error:
            path.unlink(missing_ok=True)
            raise GraphUnavailable(f"version {version} could not be loaded: {error}") from error
        _replace(home / _DIGEST, digest)

    def point(self, version: str) -> None:
        _replace(self._folder / POINTER, version)

    def current(self) -> str | None:
        try:
            return (self._folder / POINTER).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None

    def versions(self) -> dict[str, str]:
        found = sorted(self._folder.glob(f"*/{_DIGEST}"))
        return {path.parent.name: path.read_text(encoding="ascii").strip() for path in found}

    def delete(self, version: str) -> None:
        home = self._folder / version
        # The digest first: what is left half deleted is no version. Open files stay readable.
        (home / _DIGEST).unlink(missing_ok=True)
        shutil.rmtree(home, ignore_errors=True)

    def close(self) -> None:
        """Nothing is kept open between calls."""


def _replace(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def _load(path: Path, version: str, tables: Tables) -> None:
    """Create the tables and copy all rows; the database is closed, so complete, on return."""
    database = ladybug.Database(str(path), buffer_pool_size=1 << 30)
    connection = ladybug.Connection(database)
    try:
        for statement in _definitions():
            connection.execute(statement)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            source = Path(scratch) / "rows.csv"
            for kind, rows in tables.nodes.items():
                reading = _write(source, [(row[0], version, *row[1:]) for row in rows])
                connection.execute(f"COPY {kind} FROM '{source}' ({_CSV}{reading})")
            for (name, near, far), rows in tables.relations.items():
                reading = _write(source, rows)
                ends = f", from='{near}', to='{far}'" if len(RELATIONS[name][0]) > 1 else ""
                connection.execute(f"COPY {name} FROM '{source}' ({_CSV}{reading}{ends})")
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
        database.close()


def _definitions() -> Iterable[str]:
    """The schema in the engine's dialect. Names come from kg.schema, never from content."""
    for kind, properties in NODES.items():
        columns = {"version": STRING, **properties}
        rest = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        yield f"CREATE NODE TABLE {kind}(id STRING PRIMARY KEY, {rest})"
    for name, (pairs, properties) in RELATIONS.items():
        columns = [f"FROM {near} TO {far}" for near, far in pairs]
        columns += [f"{column} {type_}" for column, type_ in properties.items()]
        yield f"CREATE REL TABLE {name}({', '.join(columns)})"


def _write(path: Path, rows: Sequence[Row]) -> str:
    """Write rows as CSV; gives the option to read them with, if they need one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    # The engine's parallel reader cannot take line breaks within a cell.
    broken = any("\n" in cell or "\r" in cell for row in rows for cell in row if type(cell) is str)
    return ", parallel=false" if broken else ""
