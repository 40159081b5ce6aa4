"""Many rows in one statement, on both databases, and questions with one parameter a list."""

from __future__ import annotations

from datetime import datetime

import orjson
import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError, IntegrityError

from cdp.tags.tables import CheckRow, TagRow
from storage import bulk, read, write

TAGS = TagRow.__table__
AT = datetime(2026, 11, 20, 12)


def tag(person: int, name: str = "新客", **other) -> dict:
    row = {"person_id": person, "tag": name, "rule": name, "version": "1", "purpose": "analytics"}
    return {
        **row,
        "reason": "100% 新 'x'",
        "quoted": None,
        "sources": "[1]",
        "since": AT,
        "expires_at": None,
        **other,
    }


def stored() -> list:
    with read() as session:
        return session.execute(select(TAGS).order_by(TAGS.c.person_id, TAGS.c.tag)).all()


def test_rows_come_back_as_they_were_given(database):
    rows = [tag(1), tag(2, expires_at=datetime(2026, 12, 1, 0, 0, 0, 5))]
    with write() as session:
        bulk.insert_rows(session, TAGS, rows)
        bulk.insert_rows(session, TAGS, [])
    assert [dict(row._mapping) for row in stored()] == rows


def test_times_are_written_as_everywhere_else(database):
    with write() as session:
        bulk.insert_rows(session, TAGS, [tag(1)])
        session.add(TagRow(**tag(2)))
    with read() as session:
        same = select(TAGS.c.person_id).where(TAGS.c.since == AT)
        assert set(session.scalars(same)) == {1, 2}


def test_a_row_of_the_same_key_is_written_over_or_stays(database):
    key = ("person_id", "tag")
    with write() as session:
        bulk.insert_rows(session, TAGS, [tag(1)])
        bulk.insert_rows(session, TAGS, [tag(1, version="2"), tag(2)], key=key, keep=True)
        assert [row.version for row in session.execute(select(TAGS))] == ["1", "1"]
        bulk.insert_rows(session, TAGS, [tag(1, version="3")], key=key)
        bulk.update_rows(session, TAGS, [{**dict.fromkeys(key), **_of(2), "version": "4"}], key)
    assert [row.version for row in stored()] == ["3", "4"]
    with pytest.raises(IntegrityError), write() as session:
        bulk.insert_rows(session, TAGS, [tag(1)])


FIELDS = (TAGS.c.person_id, TAGS.c.tag, TAGS.c.expires_at)
OF_PEOPLE = select(*FIELDS).where(bulk.listed(TAGS.c.person_id, "people"), TAGS.c.version == "1")
NEWEST = select(TAGS.c.person_id).order_by(TAGS.c.person_id.desc()).limit(bindparam("limit"))
REASONS = select(bulk.undecoded(TAGS.c.reason)).where(TAGS.c.tag == bindparam("tag"))


def test_what_is_asked_often_comes_back_as_it_was_given(database):
    rows = [tag(1), tag(2, expires_at=AT), tag(3), tag(4, version="2")]
    with write() as session:
        assert not bulk.any_row(session, TAGS)
        bulk.insert_rows(session, TAGS, rows)
        assert bulk.any_row(session, TAGS)
        # Nothing of one question is left in the next.
        for people, given in (([1, 2, 4], [(1, None), (2, AT)]), ([3], [(3, None)]), ([], [])):
            found = bulk.fetch(session, OF_PEOPLE, people=people)
            assert sorted(map(tuple, found)) == [(one, "新客", at) for one, at in given]
        assert [one for (one,) in bulk.fetch(session, NEWEST, limit=2)] == [4, 3]


def test_json_may_come_as_bytes(database):
    with write() as session:
        bulk.insert_rows(session, TAGS, [tag(1, reason='{"原因": "新"}')])
        ((reason,),) = bulk.fetch(session, REASONS, tag="新客")
    assert orjson.loads(reason) == {"原因": "新"}


def test_rows_are_deleted_by_their_keys(database):
    with write() as session:
        bulk.insert_rows(session, TAGS, [tag(1), tag(1, "b"), tag(2)])
        bulk.delete_rows(session, TAGS, [_of(1), _of(7)], key=("person_id", "tag"))
        bulk.delete_rows(session, TAGS, [], key=("person_id", "tag"))
    assert [(row.person_id, row.tag) for row in stored()] == [(1, "b"), (2, "新客")]


def _of(person: int) -> dict:
    return {"person_id": person, "tag": "新客"}


def test_what_is_too_long_is_not_cut_off(database):
    if database == "sqlite":
        pytest.skip("SQLite holds no text to its length")
    with pytest.raises(DataError), write() as session:
        bulk.insert_rows(session, TAGS, [tag(1, "x" * 101)])


@pytest.mark.parametrize("many", [0, 1, 1_500])
def test_a_list_of_numbers_or_of_texts_is_one_parameter(database, many):
    with write() as session:
        bulk.insert_rows(session, TAGS, [tag(1, "a%'"), tag(2, "b"), tag(3, "c")])
        session.add(CheckRow(person_id=1, due_at=AT))
    numbers, texts = range(2, 2 + many), ["a%'", *map(str, range(many))]
    with read() as session:
        by_number = session.scalars(
            select(TAGS.c.person_id).where(bulk.among(TAGS.c.person_id, numbers))
        )
        assert set(by_number) == {2, 3} & set(numbers)
        by_text = session.scalars(select(TAGS.c.person_id).where(bulk.among(TAGS.c.tag, texts)))
        assert set(by_text) == {1}
        assert not session.scalars(select(TAGS).where(bulk.among(TAGS.c.tag, []))).all()
