"""A PostgreSQL database: its tables as of one moment into files, and back, in one transaction.

Written with COPY and the server's own catalogue, so that neither `pg_dump` nor its being of the
server's version is needed. It knows what this project's tables and Rasa's are made of (tables,
sequences, constraints, indexes, functions, triggers); of anything else it says so and stops.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

SCHEMA = "schema.json"

_OWN = """NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.objid = {oid} AND e.deptype = 'e')"""
_HERE = "current_schema()::regnamespace"
_STRANGE = f"""
SELECT c.relname, c.relkind::text FROM pg_class c
WHERE c.relnamespace = {_HERE} AND c.relkind IN ('v', 'm', 'p', 'f') AND {_OWN.format(oid="c.oid")}
UNION ALL
SELECT t.typname, 'type' FROM pg_type t
WHERE t.typnamespace = {_HERE} AND t.typtype IN ('e', 'd', 'r') AND {_OWN.format(oid="t.oid")}
UNION ALL
SELECT c.relname || '.' || a.attname, 'identity or generated column'
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = {_HERE} AND c.relkind = 'r' AND (a.attidentity <> '' OR a.attgenerated <> '')
"""
_TABLES = f"""
SELECT c.oid, c.relname FROM pg_class c
WHERE c.relnamespace = {_HERE} AND c.relkind = 'r' AND {_OWN.format(oid="c.oid")} ORDER BY 2
"""
_COLUMNS = """
SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_SEQUENCES = f"""
SELECT quote_ident(c.relname), format_type(s.seqtypid, NULL),
       (SELECT quote_ident(t.relname) || '.' || quote_ident(a.attname)
        FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE d.objid = c.oid AND d.deptype = 'a')
FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relnamespace = {_HERE} AND {_OWN.format(oid="c.oid")} ORDER BY 1
"""
# Foreign keys come last: tables are filled in the order of their names.
_CONSTRAINTS = f"""
SELECT 'ALTER TABLE ' || quote_ident(c.relname) || ' ADD CONSTRAINT ' || quote_ident(k.conname)
       || ' ' || pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = {_HERE} AND k.contype IN ('p', 'u', 'c', 'x', 'f')
ORDER BY k.contype = 'f', c.relname, k.contype <> 'p', k.conname
"""
_INDEXES = f"""
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = {_HERE}
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1
"""
_FUNCTIONS = f"""
SELECT pg_get_functiondef(p.oid) FROM pg_proc p
WHERE p.pronamespace = {_HERE} AND p.prokind = 'f' AND {_OWN.format(oid="p.oid")} ORDER BY 1
"""
_FUNCTION_NAMES = f"""
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = {_HERE} AND p.prokind = 'f' AND {_OWN.format(oid="p.oid")}
"""
_TRIGGERS = f"""
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = {_HERE} AND NOT t.tgisinternal ORDER BY 1
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Unsupported(RuntimeError):
    """The database holds something that this dump does not know."""


def dump(url: str, folder: Path) -> dict[str, int]:
    """Write the database as it is at one moment into a folder; rows by table.

    Raises:
        Unsupported: there are views, types or partitions of somebody else's in it.
    """
    with _connected(url) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            if strange := _rows(cursor, _STRANGE):
                found = ", ".join(f"{name} ({kind})" for name, kind in strange)
                raise Unsupported(f"{found}: expected tables and sequences; use pg_dump")
            schema = _schema(cursor)
            for table in schema["tables"]:
                with (folder / table["file"]).open("wb") as file:
                    cursor.copy_expert(f"COPY {_place(table)} TO STDOUT", file, size=1 << 20)
                table["rows"] = cursor.rowcount
    (folder / SCHEMA).write_text(json.dumps(schema, indent=1), encoding="utf-8")
    return {table["name"]: table["rows"] for table in schema["tables"]}


def load(url: str, folder: Path) -> None:
    """Put a dump in the place of whatever the database holds: all of it, or nothing.

    Raises:
        Unsupported: the dump is of another schema.
    """
    schema = json.loads((folder / SCHEMA).read_text(encoding="utf-8"))
    with _connected(url) as connection, connection.cursor() as cursor:
        ((here,),) = _rows(cursor, "SELECT current_schema()")
        if here != schema["schema"]:
            raise Unsupported(f"the dump is of the schema {schema['schema']!r}, this is {here!r}")
        _clear(cursor)
        for statement in schema["before"]:
            cursor.execute(statement)
        for table in schema["tables"]:
            with (folder / table["file"]).open("rb") as file:
                cursor.copy_expert(f"COPY {_place(table)} FROM STDIN", file, size=1 << 20)
            if cursor.rowcount != table["rows"]:
                raise Unsupported(
                    f"{table['name']}: {cursor.rowcount} rows, expected {table['rows']}"
                )
        for statement in schema["after"]:
            cursor.execute(statement)
        for name, value, called in schema["values"]:
            cursor.execute("SELECT setval(%s::regclass, %s, %s)", (name, value, called))
        connection.commit()


def in_use(url: str) -> bool:
    """Whether others are connected to the database."""
    with _connected(url) as connection, connection.cursor() as cursor:
        return _rows(cursor, _OTHERS)[0][0] > 0


def holds_data(url: str) -> bool:
    """Whether any table has a row."""
    with _connected(url) as connection, connection.cursor() as cursor:
        return any(
            _rows(cursor, f"SELECT EXISTS (SELECT 1 FROM {_quoted(name)})")[0][0]
            for _, name in _rows(cursor, _TABLES)
            if name != "alembic_version"
        )


def _schema(cursor) -> dict[str, Any]:
    sequences = _rows(cursor, _SEQUENCES)
    before = _column(cursor, _FUNCTIONS)
    before += [f"CREATE SEQUENCE {name} AS {kind}" for name, kind, _ in sequences]
    tables = []
    for number, (oid, name) in enumerate(_rows(cursor, _TABLES), 1):
        columns = _rows(cursor, _COLUMNS, (oid,))
        tables.append(
            {"name": name, "columns": [one[0] for one in columns], "file": f"{number:04d}.copy"}
        )
        before.append(f"CREATE TABLE {_quoted(name)} ({', '.join(map(_defined, columns))})")
    owned = [f"ALTER SEQUENCE {name} OWNED BY {owner}" for name, _, owner in sequences if owner]
    return {
        "schema": _rows(cursor, "SELECT current_schema()")[0][0],
        "before": before,
        "tables": tables,
        "after": [
            *owned,
            *_column(cursor, _CONSTRAINTS),
            *_column(cursor, _INDEXES),
            *_column(cursor, _TRIGGERS),
        ],
        "values": [
            (name, *_rows(cursor, f"SELECT last_value, is_called FROM {name}")[0])
            for name, _, _ in sequences
        ],
    }


def _defined(column: tuple) -> str:
    name, kind, required, default = column
    return " ".join(
        filter(None, (name, kind, default and f"DEFAULT {default}", required and "NOT NULL"))
    )


def _clear(cursor) -> None:
    for _, name in _rows(cursor, _TABLES):
        cursor.execute(f"DROP TABLE {_quoted(name)} CASCADE")
    for name, _, _ in _rows(cursor, _SEQUENCES):
        cursor.execute(f"DROP SEQUENCE {name} CASCADE")
    for name in _column(cursor, _FUNCTION_NAMES):
        cursor.execute(f"DROP FUNCTION {name} CASCADE")


def _place(table: dict) -> str:
    return f"{_quoted(table['name'])} ({', '.join(table['columns'])})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(cursor, text: str, params: tuple | None = None) -> list[tuple]:
    cursor.execute(text, params)
    return cursor.fetchall()


def _column(cursor, text: str) -> list[str]:
    return [row[0] for row in _rows(cursor, text)]


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    """A connection of the driver's own, without the limits on statements that pages need."""
    made = create_engine(url, future=True, poolclass=NullPool, hide_parameters=True)
    with closing(made.raw_connection()) as opened:
        yield opened.dbapi_connection
