"""Dumps of a PostgreSQL database: whatever tables are in it come back as they were."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from cdp.backup import postgresql


@pytest.fixture
def server(request, state, monkeypatch) -> str:
    """An empty database of its own on the PostgreSQL server; its address."""
    shared = request.getfixturevalue("postgresql")
    name = f"backup_{abs(hash(request.node.name)) % 10**8}"
    with shared.admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = shared.admin.url.set(database=name).render_as_string(hide_password=False)
    yield url
    with shared.admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def run(url: str, *statements: str) -> list:
    made = create_engine(url, future=True, poolclass=NullPool)
    with made.begin() as connection:
        found = None
        for statement in statements:
            found = connection.execute(text(statement))
        return found.fetchall() if found is not None and found.returns_rows else []


def test_tables_of_others_come_back_as_they_were(server, tmp_path):
    run(
        server,
        'CREATE TABLE "Odd name" (id SERIAL PRIMARY KEY, "a b" NUMERIC(6, 2) DEFAULT 1.5 NOT NULL,'
        " at TIMESTAMP, raw BYTEA, said JSONB)",
        'CREATE TABLE aaa (odd INTEGER REFERENCES "Odd name"(id) ON DELETE CASCADE,'
        " CHECK (odd > 0))",
        'CREATE INDEX part ON "Odd name" (at) WHERE raw IS NULL',
        'INSERT INTO "Odd name" (raw, said) VALUES (\'\\x00ff\', \'{"t": "tab\\t\\\\ 你好"}\'),'
        " (NULL, NULL)",
        "INSERT INTO aaa VALUES (2)",
    )
    before = run(server, 'SELECT * FROM "Odd name" ORDER BY id')
    assert postgresql.dump(server, tmp_path) == {"Odd name": 2, "aaa": 1}
    run(server, "DROP TABLE aaa", 'DROP TABLE "Odd name"', "CREATE TABLE other (x INTEGER)")
    postgresql.load(server, tmp_path)
    assert [tuple(map(str, one)) for one in run(server, 'SELECT * FROM "Odd name" ORDER BY id')][1:]
    assert str(run(server, 'SELECT id, "a b", said FROM "Odd name" ORDER BY id')) == str(
        [(one[0], one[1], one[4]) for one in before]
    )
    assert run(server, 'INSERT INTO "Odd name" (raw) VALUES (NULL) RETURNING id') == [(3,)]
    with pytest.raises(Exception, match="violates foreign key"):
        run(server, "INSERT INTO aaa VALUES (99)")
    assert run(server, "SELECT count(*) FROM pg_indexes WHERE indexname = 'part'") == [(1,)]
    assert run(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'other'") == [(0,)]


def test_a_load_that_fails_leaves_what_was_there(server, tmp_path):
    run(server, "CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)")
    postgresql.dump(server, tmp_path)
    (tmp_path / "0001.copy").write_text("not a number\n")
    run(server, "INSERT INTO a VALUES (2)")
    with pytest.raises(Exception, match="invalid input syntax"):
        postgresql.load(server, tmp_path)
    assert run(server, "SELECT count(*) FROM a") == [(2,)]


def test_what_a_dump_does_not_know_it_names(server, tmp_path):
    run(server, "CREATE VIEW seen AS SELECT 1 AS x")
    with pytest.raises(postgresql.Unsupported, match="seen"):
        postgresql.dump(server, tmp_path)


def test_a_server_in_use_is_noticed(server):
    made = create_engine(server, future=True)
    assert not postgresql.in_use(server)
    with made.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert postgresql.in_use(server)
    made.dispose()
