"""No statement of a batch reads a table from one end to the other: it would cost the more the more
is stored, which a small database in a test does not show."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from cdp import pipeline
from cdp.intake.accept import accept
from storage import engine, read
from tests.cdp.calls import SHOE, built_in, call

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

# One row of a table is all that these ask for.
_ANY_ROW = re.compile(r"SELECT 1 FROM \w+ LIMIT 1")
# What a shop has few of: its sources, merges that somebody undid by hand.
_FEW = re.compile(r"SCAN (sources|splits|sqlite_sequence)\b")
_EXPLAINED = ("SELECT", "UPDATE", "DELETE", "INSERT")


def test_every_statement_of_a_batch_finds_its_rows_by_an_index(database):
    web = built_in()["storefront"]
    ad = {"campaign": {"source": "douyin", "medium": "cpc", "name": "double11"}}
    unknown = [
        one
        for n in range(20)
        for one in (
            call(event="Ad Clicked", anonymousId=f"a{n}", context=ad, properties=SHOE),
            call("identify", 3, anonymousId=f"a{n}", userId=f"u{n}", traits={"age": 30}),
            call("page", 2, userId=f"u{n}", properties={"category": "running_shoes"}),
        )
    ]
    known_or_merged = [
        call("page", userId="u1"),
        call("page", anonymousId="b"),
        call("identify", anonymousId="b", userId="u2"),
    ]
    asked = set()
    for batch in (unknown, known_or_merged):
        asked |= statements_of(lambda batch=batch: (accept(web, batch), pipeline.run_once()))
    assert len(asked) > 20
    assert read_whole(asked) == []


def test_a_table_that_is_read_whole_is_noticed(database):
    asked = {("SELECT tag FROM tags WHERE reason = ?", ("x",))}
    assert read_whole(asked) == ["SCAN tags: SELECT tag FROM tags WHERE reason = ?"]


def statements_of(run) -> set[tuple[str, tuple]]:
    """Each statement that something executes, with its parameters (the first row's of many)."""
    asked = {}

    def note(_connection, _cursor, statement, parameters, _context, many):
        asked.setdefault(statement, tuple(parameters[0] if many else parameters))

    event.listen(engine(), "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    return set(asked.items())


def read_whole(asked: set[tuple[str, tuple]]) -> list[str]:
    """Of these the steps of SQLite's plan that read a table, or an index of one, whole."""
    found = []
    with read() as session:
        connection = session.connection()
        for statement, parameters in sorted(asked):
            if _ANY_ROW.fullmatch(statement) or not statement.startswith(_EXPLAINED):
                continue
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row.detail for row in plan]
            found += [
                f"{step}: {' '.join(statement.split())}"
                for step in steps
                if step.startswith("SCAN ") and "VIRTUAL TABLE" not in step and not _FEW.match(step)
            ]
    return found
