"""No statement of a batch reads a table from one end to the other: it would cost the more the more
is stored, which a small database in a test does not show."""

from __future__ import annotations

import re

import pytest

from cdp import pipeline
from cdp.intake.accept import accept
from storage import read
from tests.cdp.calls import SHOE, built_in, call
from tests.cdp.statements import asked

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
    told = {}
    for batch in (unknown, known_or_merged):
        for statement, parameters in asked(
            lambda batch=batch: (accept(web, batch), pipeline.run_once())
        ):
            told.setdefault(statement, parameters)
    assert len(told) > 20
    assert read_whole(told) == []


def test_a_table_that_is_read_whole_is_noticed(database):
    told = {"SELECT tag FROM tags WHERE reason = ?": ("x",)}
    assert read_whole(told) == ["SCAN tags: SELECT tag FROM tags WHERE reason = ?"]


def read_whole(told: dict[str, tuple]) -> list[str]:
    """Of statements with their parameters the steps of SQLite's plan that read a table, or an index
    of one, whole."""
    found = []
    with read() as session:
        connection = session.connection()
        for statement, parameters in sorted(told.items()):
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
