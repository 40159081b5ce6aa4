"""The one module that knows which engine reads and writes the lake's Parquet: DuckDB.

A larger engine over the same files (Spark, say) changes this module alone: it has to give the three
functions below and their errors. `ANALYTICS_URL` names the engine; only `duckdb:` is built in.

    Failed          the engine refuses: wrong SQL, a missing parameter       not worth a retry
    └── Gone        a file was taken away or replaced while it was read      worth one
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from cdp.lake import place

BUILT_IN = "duckdb:"
_MEMORY = "512MB"
_THREADS = 2
# Type of each column of a file of events, as the engine's SQL names it.
EVENT_COLUMNS = {
    "seq": "BIGINT",
    "source_id": "INTEGER",
    "message_id": "VARCHAR",
    "type": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "received_at": "TIMESTAMP",
    "channel": "VARCHAR",
    "campaign": "VARCHAR",
    "city": "VARCHAR",
    "city_tier": "VARCHAR",
    "device": "VARCHAR",
    "language": "VARCHAR",
    "product": "VARCHAR",
    "category": "VARCHAR",
    "brand": "VARCHAR",
    "order_id": "VARCHAR",
    "total_cents": "BIGINT",
    "currency": "VARCHAR",
    "properties": "VARCHAR",
}
PEOPLE_COLUMNS = {"seq": "BIGINT", "person_id": "INTEGER"}


class UnknownEngine(ValueError):
    """`ANALYTICS_URL` names an engine that is not built in."""


class Failed(Exception):
    """The engine does not answer; its own words are the message."""


class Gone(Failed):
    """A file was taken away, or replaced, between looking and reading: look again."""


def write(rows: Iterable[dict[str, Any]], columns: dict[str, str], path: Path) -> None:
    """Write rows (of these columns) as one Parquet file, which appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _scratch() as scratch:
        lines = scratch / "rows.jsonl"
        with lines.open("wb") as file:
            for row in rows:
                file.write(orjson.dumps(row) + b"\n")
        listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
        _copy(
            "SELECT * FROM read_json(?, format = 'newline_delimited', columns = "
            f"{{{listed}}}, timestampformat = '%Y-%m-%dT%H:%M:%S.%f')",
            [str(lines)],
            path,
        )


def rewrite_without(path: Path, seqs: Sequence[int]) -> int:
    """Take these events out of a file of ours; how many there were. An empty file is removed."""
    with _connection() as connection:
        held, gone = connection.execute(
            "SELECT count(*), count(*) FILTER (list_contains(?, seq)) FROM read_parquet(?)",
            [list(seqs), str(path)],
        ).fetchone()
    if gone == held:
        path.unlink()
    elif gone:
        wanted = "SELECT * FROM read_parquet(?) WHERE NOT list_contains(?, seq)"
        _copy(wanted, [str(path), list(seqs)], path)
    return gone


def select(sql: str, params: dict[str, Any], files: dict[str, list[Path]]) -> list[dict[str, Any]]:
    """Run SQL with named parameters (`$name`) over views of the files: `events` and `people`.

    Raises:
        Gone: a file has just been replaced. Failed: the SQL or a parameter is wrong.
    """
    import duckdb

    try:
        with _connection() as connection:
            for name, columns in (("events", EVENT_COLUMNS), ("people", PEOPLE_COLUMNS)):
                _view(connection, name, columns, files.get(name) or [])
            found = connection.execute(sql, params) if params else connection.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.IOException as error:
        raise Gone(str(error)) from error
    except duckdb.Error as error:
        raise Failed(str(error)) from error


def _view(connection, name: str, columns: dict[str, str], paths: list[Path]) -> None:
    if paths:
        # A view cannot have parameters; the paths are our own and quoted.
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        source = f"read_parquet([{listed}])"
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
        return
    none = ", ".join(f"NULL::{kind} AS {column}" for column, kind in columns.items())
    connection.execute(f"CREATE VIEW {name} AS SELECT {none} WHERE false")


def _copy(sql: str, params: list[Any], path: Path) -> None:
    # Beside its place, so that naming it is one step; readers only look for *.parquet.
    fresh = path.with_suffix(".writing")
    target = str(fresh).replace("'", "''")
    with _connection() as connection:
        connection.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", params)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)


def _connection():
    wanted = os.environ.get("ANALYTICS_URL") or BUILT_IN
    if not wanted.startswith(BUILT_IN):
        raise UnknownEngine(
            f"ANALYTICS_URL is {wanted!r}: expected {BUILT_IN!r}; another engine is a matter of "
            f"cdp/lake/engine.py (docs/lake.md)"
        )
    # Who only knows of the lake (the assistant, for an erasure) does without its 30 MB.
    import duckdb

    scratch = place.scratch()
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": _MEMORY,
            "threads": _THREADS,
            "temp_directory": str(scratch),
            # Nothing is fetched, and nothing outside the lake is read by a query.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=place.scratch()) as made:
        yield Path(made)
