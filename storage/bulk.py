"""Many rows of one table in one statement, with little work for each: for the pipeline's batches.

SQLAlchemy makes a set of parameters of every row, which costs more than SQLite's own work on it;
and PostgreSQL plans every row's UPDATE anew. Here SQLite is given plain tuples, and PostgreSQL one
array a column; what is asked for comes as plain tuples too. Statements are made once for each set
of columns. Values are parameters; the names in a statement are the table's own. All rows of a call
have the same columns, and no two the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

import orjson
from sqlalchemy import Boolean, String, Table, Text, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator

Rows = Sequence[dict]


def insert_rows(
    session: Session, table: Table, rows: Rows, key: tuple[str, ...] = (), keep: bool = False
) -> int:
    """Insert rows; a row of the same `key` that is there is written over, or (`keep`) stays.

    Gives how many were inserted or written over.
    """
    if not rows:
        return 0
    return _run(session, _keep if keep else _insert, table, tuple(rows[0]), key, rows)


def update_rows(session: Session, table: Table, rows: Rows, key: tuple[str, ...]) -> None:
    """Change the rows that have these keys; the other columns given are set."""
    if rows:
        _run(session, _update, table, tuple(rows[0]), key, rows)


def delete_rows(session: Session, table: Table, rows: Rows, key: tuple[str, ...]) -> None:
    """Delete the rows that have these keys."""
    if rows:
        _run(session, _delete, table, key, key, rows)


def fetch(session: Session, statement: Select, **values) -> Sequence[Sequence]:
    """The rows of a SELECT as plain tuples, or lists.

    statement: a constant of its module, since it is made into text once; values: of the parameters
    by which it differs (`listed`, `bindparam`).
    """
    connection = session.connection()
    text, names, fixed, there, process = _prepared(statement, connection.dialect)
    values |= fixed
    for name, change in there:
        values[name] = change(values[name])
    parameters = values if names is None else tuple(map(values.__getitem__, names))
    rows = connection.exec_driver_sql(text, parameters).cursor.fetchall()
    return [_processed(row, process) for row in rows] if process else rows


def any_row(session: Session, table: Table) -> bool:
    """Whether there is any row in a table: of rare things mostly none."""
    connection = session.connection()
    text = f"SELECT 1 FROM {_quoted(table.name, connection.dialect)} LIMIT 1"
    return connection.exec_driver_sql(text).first() is not None


def among(column: ColumnElement, values: Iterable) -> ColumnElement[bool]:
    """The condition that a column's value is one of these (numbers, or texts), as one parameter:
    that of `in_` is one for each value, and the statement is made anew for every number of them."""
    return _Among(column, bindparam("among", list(values), _List, unique=True))


def listed(column: ColumnElement, name: str) -> ColumnElement[bool]:
    """The same with the values given later, by that name."""
    return _Among(column, bindparam(name, type_=_List))


def undecoded(column: ColumnElement[str]) -> ColumnElement:
    """A column of JSON as it is to be read: on SQLite as bytes, which need not become a text that
    only becomes bytes again."""
    return _Undecoded(column)


class _Undecoded(FunctionElement):
    inherit_cache = True
    type = NullType()


@compiles(_Undecoded)
def _as_it_is(element: _Undecoded, compiler, **how) -> str:
    return compiler.process(next(iter(element.clauses)), **how)


@compiles(_Undecoded, "sqlite")
def _as_bytes(element: _Undecoded, compiler, **how) -> str:
    return f"CAST({compiler.process(next(iter(element.clauses)), **how)} AS BLOB)"


class _List(TypeDecorator):
    """A list as one parameter: SQLite takes it as JSON, PostgreSQL as an array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list, dialect: Dialect):
        return orjson.dumps(value).decode() if dialect.name == "sqlite" else value


class _Among(FunctionElement):
    inherit_cache = True
    type = Boolean()

    def self_group(self, against=None):
        # SQLAlchemy would ask SQLite whether it is `= 1`, which no index answers.
        return self


@compiles(_Among)
def _by_array(element: _Among, compiler, **how) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_Among, "sqlite")
def _by_json(element: _Among, compiler, **how) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


def _run(session: Session, make: Callable, table: Table, names, key, rows: Rows) -> int:
    connection = session.connection()
    text, names, process = make(table, names, key, connection.dialect)
    values = _values(rows, names, process)
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql(text, values).rowcount
    columns = map(list, zip(*values, strict=True))
    return connection.exec_driver_sql(text, dict(zip(names, columns, strict=True))).rowcount


def _values(rows: Rows, names: tuple[str, ...], process) -> list[tuple]:
    pick = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    if not process:
        return list(map(pick, rows))
    made = []
    for row in rows:
        values = list(pick(row))
        for place, change in process:
            values[place] = change(values[place])
        made.append(tuple(values))
    return made


def _processed(row: tuple, process) -> list:
    values = list(row)
    for place, change in process:
        values[place] = change(values[place])
    return values


@lru_cache(maxsize=200)
def _prepared(statement: Select, dialect: Dialect):
    """The text, its parameters in order (None: by name), those that are always the same, and what
    changes a value on its way there and back."""
    made = statement.compile(dialect=dialect)
    fixed = {name: bound.value for name, bound in made.binds.items() if not bound.required}
    there = [
        (name, change)
        for name, bound in made.binds.items()
        if (change := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    ]
    back = [
        (place, change)
        for place, column in enumerate(statement.selected_columns)
        if (change := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
    ]
    return str(made), made.positiontup, fixed, there, back


@lru_cache(maxsize=200)
def _insert(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: Dialect):
    """The statement, its parameters in order, and what changes a value on its way there."""
    if dialect.name == "sqlite":
        values = f"VALUES ({', '.join('?' * len(names))})"
    else:
        values = f"SELECT * FROM {_arrays(table, names, dialect)}"
    text = f"INSERT INTO {_quoted(table.name, dialect)} ({_listed(names, dialect)}) {values}"
    if key:
        changed = [_quoted(name, dialect) for name in names if name not in key]
        sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
        text += f" ON CONFLICT ({_listed(key, dialect)}) DO UPDATE SET {sets}"
    return text, names, _processors(table, names, dialect)


@lru_cache(maxsize=200)
def _keep(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: Dialect):
    """The same for an INSERT that leaves what is there."""
    text, names, process = _insert(table, names, (), dialect)
    return f"{text} ON CONFLICT ({_listed(key, dialect)}) DO NOTHING", names, process


@lru_cache(maxsize=200)
def _update(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: Dialect):
    """The same for an UPDATE; its keys come last."""
    names = (*(name for name in names if name not in key), *key)
    quoted = {name: _quoted(name, dialect) for name in names}
    target = _quoted(table.name, dialect)
    changed = names[: -len(key)]
    if dialect.name == "sqlite":
        sets = ", ".join(f"{quoted[name]} = ?" for name in changed)
        where = " AND ".join(f"{quoted[name]} = ?" for name in key)
        text = f"UPDATE {target} SET {sets} WHERE {where}"
    else:
        sets = ", ".join(f"{quoted[name]} = new.{quoted[name]}" for name in changed)
        where = " AND ".join(f"{target}.{quoted[name]} = new.{quoted[name]}" for name in key)
        arrays = f"{_arrays(table, names, dialect)} AS new ({_listed(names, dialect)})"
        text = f"UPDATE {target} SET {sets} FROM {arrays} WHERE {where}"
    return text, names, _processors(table, names, dialect)


@lru_cache(maxsize=200)
def _delete(table: Table, names: tuple[str, ...], key: tuple[str, ...], dialect: Dialect):
    """The same for a DELETE, whose only columns are its keys."""
    target = _quoted(table.name, dialect)
    if dialect.name == "sqlite":
        where = " AND ".join(f"{_quoted(name, dialect)} = ?" for name in key)
        text = f"DELETE FROM {target} WHERE {where}"
    else:
        quoted = [_quoted(name, dialect) for name in key]
        where = " AND ".join(f"{target}.{name} = gone.{name}" for name in quoted)
        arrays = f"{_arrays(table, names, dialect)} AS gone ({_listed(names, dialect)})"
        text = f"DELETE FROM {target} USING {arrays} WHERE {where}"
    return text, names, _processors(table, names, dialect)


def _arrays(table: Table, names: Iterable[str], dialect: Dialect) -> str:
    return f"unnest({', '.join(f'%({name})s::{_type(table, name, dialect)}[]' for name in names)})"


def _type(table: Table, name: str, dialect: Dialect) -> str:
    kind = table.c[name].type
    # A cast to VARCHAR(n) cuts off what is too long; assigned as text, it is refused as it should.
    return "TEXT" if isinstance(kind, String) else kind.compile(dialect)


def _processors(table: Table, names: tuple[str, ...], dialect: Dialect):
    found = [
        (place, table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for place, name in enumerate(names)
    ]
    return tuple((place, change) for place, change in found if change is not None)


def _listed(names: Iterable[str], dialect: Dialect) -> str:
    return ", ".join(_quoted(name, dialect) for name in names)


def _quoted(name: str, dialect: Dialect) -> str:
    return dialect.identifier_preparer.quote(name)
