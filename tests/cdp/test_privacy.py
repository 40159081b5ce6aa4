"""What a shopper asks for is done: a copy, a correction, an explanation; children are protected."""

from __future__ import annotations

import json
import re
import time
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from cdp import (
    audit,
    consent,
    correction,
    decisions,
    erasure,
    export,
    identity,
    minors,
    parts,
    privacy,
)
from cdp.correction import CannotCorrect
from cdp.export import ExportGone, contents
from cdp.identity.tables import IdentifierRow, PersonRow
from cdp.segments.tables import MemberRow, SegmentRow
from storage import read, write
from tests.cdp.one_shopper import DAY, put

TODAY = date(2026, 11, 22)
# Its tables are made with the others.
assert parts.erasers


@pytest.fixture
def demo(database):
    return put("demo", "+8613812341234")


def copy_of(who, form="json"):
    number = privacy.request(who.ids[:1], "export", "m")
    path = export.links(number)[form]
    assert path.startswith("/me/export/")
    return export.open_export(path.removeprefix("/me/export/"))


def test_a_copy_holds_everything_of_them_and_nothing_of_others(demo):
    lin = put("lin", "+8613800005678")
    name, content, kind = copy_of(demo)
    assert (name, kind) == ("my-data.json", "application/json")
    text = content.decode()
    assert all(word in text for word in demo.words)
    assert not any(word in text for word in lin.words)
    sections = {one["name"]: one["content"] for one in json.loads(text)["sections"]}
    assert {"kind": "phone", "value": "+8613812341234"}.items() <= sections["identifiers"][
        1
    ].items()
    assert len(sections["events"]) == 3 and sections["allowed"]["analytics"] is True
    assert sections["corrections"] == [{"trait": "shoe_size", "value": "说的话-demo"}]
    assert {one["what"] for one in sections["decisions"]} == {"兴趣:运动装备", "轻羽跑鞋"}
    assert [one["purpose"] for one in sections["consents"]] == ["analytics"]


def test_the_page_can_be_read_and_does_nothing(demo):
    with write() as session:
        correction.correct(session, demo.person_id, "name", "<script>alert(1)</script>")
    name, content, kind = copy_of(demo, "html")
    page = content.decode()
    assert name.endswith(".html") and kind.startswith("text/html")
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "src=" not in page and 'href="http' not in page
    assert "+8613812341234" in page and "自动得出的标签与推荐" in page


def test_a_link_ends_and_opens_nothing_else(demo, monkeypatch):
    number = privacy.request(demo.ids[:1], "export", "m")
    token = export.links(number)["json"].removeprefix("/me/export/")
    export.open_export(token)
    assert audit.entries()[0].action == "export.opened"
    with pytest.raises(ExportGone, match="not a link"):
        export.open_export(token[:-2] + "xx")
    with pytest.raises(ExportGone, match="not a link"):
        export.open_export("nonsense")
    later = time.time() + timedelta(days=1, minutes=1).total_seconds()
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(ExportGone) as gone:
        export.open_export(token)
    assert gone.value.expired


def test_a_link_opens_nothing_once_its_data_is_erased(demo):
    token = export.links(privacy.request(demo.ids[:1], "export", "m"))["json"]
    with write() as session:
        number = erasure.begin(session, demo.ids[:1], "web")
    erasure.run(number)
    with pytest.raises(ExportGone, match="erased"):
        export.open_export(token.removeprefix("/me/export/"))


def test_other_parts_add_their_own_sections(demo, monkeypatch):
    with read() as session:
        before = export.gather(session, demo.ids)
    monkeypatch.setitem(
        contents._sections, "orders", ("订单", lambda session, people, ids: [{"n": people}])
    )
    with read() as session:
        after = export.gather(session, demo.ids)
    assert after["sections"][:-1] == before["sections"]
    assert after["sections"][-1] == {
        "name": "orders",
        "title": "订单",
        "content": [{"n": [demo.person_id]}],
    }


def test_a_correction_follows_its_owner_and_the_newest_counts(demo):
    with write() as session:
        correction.correct(session, demo.person_id, "shoe_size", 43)
        correction.correct(session, demo.person_id, "gender", None)
        assert correction.corrections_of(session, demo.person_id) == {
            "shoe_size": 43,
            "gender": None,
        }
        other = identity.ensure_person(session, "user_id", "another")
        session.execute(
            update(IdentifierRow)
            .where(IdentifierRow.person_id == demo.person_id)
            .values(person_id=other)
        )
        assert correction.corrections_of(session, other)["shoe_size"] == 43
    assert {one.action for one in audit.entries()} >= {"trait.corrected", "trait.deleted"}


@pytest.mark.parametrize(
    ("trait", "value"),
    [("phone", "1"), ("Shoe Size", 1), ("size", [1]), ("size", "x" * 256), ("", 1)],
)
def test_what_cannot_be_corrected_is_said(demo, trait, value):
    with write() as session, pytest.raises(CannotCorrect, match="expected"):
        correction.correct(session, demo.person_id, trait, value)


def test_every_automated_decision_is_explained_in_a_sentence(demo):
    with read() as session:
        found = decisions.explain(session, demo.person_id)
    tag = next(one for one in found if one.kind == "tag")
    assert "兴趣:运动装备" in tag.sentence and "您最近看过跑步鞋" in tag.sentence
    assert (tag.rule, tag.version, tag.data) == ("interest.sports", "v1", ("记录 1", "记录 2"))
    shown = next(one for one in found if one.kind == "recommendation")
    assert shown.sentence.startswith("向您推荐了“轻羽跑鞋”，因为最近看过：跑步鞋。")
    assert shown.version == "3" and shown.objection


def test_a_copy_and_its_reasons_in_english(demo):
    with write() as session:
        row = SegmentRow(name="Runners", expression="orders.count >= 1", description="Run a lot.")
        row.purpose, row.created_by, row.created_at, row.updated_at = "marketing", "ann", DAY, DAY
        session.add(row)
        session.flush()
        session.add(MemberRow(segment_id=row.id, person_id=demo.person_id, joined_at=DAY))
    path = export.links(privacy.request(demo.ids[:1], "export", "m"))["html"]
    page = export.open_export(path.removeprefix("/me/export/"), "en")[1].decode()
    assert '<html lang="en">' in page and "A copy of my personal data" in page
    assert "Tags and recommendations made by machine" in page
    assert "You have the tag “Interest: sports gear”" in page
    assert "You are in the segment “Runners” (Run a lot), since your records fit" in page
    assert "You were recommended “轻羽跑鞋”" in page
    with read() as session:
        found = decisions.explain(session, demo.person_id, "en")
    assert all(one.objection.startswith("You can") for one in found)
    # A language that nobody has written yet is Chinese.
    with read() as session:
        assert "您有标签" in str(decisions.explain(session, demo.person_id, "ja"))


def test_the_words_of_copies_are_the_same_in_all_languages():
    for words in (decisions.words, contents.words):
        zh, en = words("zh"), words("en")
        assert zh.keys() == en.keys()
        for key, text in zh.items():
            if isinstance(text, str):
                braces = [sorted(re.findall(r"{\w+}", one)) for one in (text, en[key])]
                assert braces[0] == braces[1], key
    assert contents.words("en")["sections"].keys() >= contents._sections.keys()


def test_being_in_a_segment_is_explained_too(demo):
    with write() as session:
        row = SegmentRow(name="跑者", expression='tag("兴趣:运动装备")', description="爱跑步")
        row.purpose, row.created_by, row.created_at, row.updated_at = "marketing", "ann", DAY, DAY
        session.add(row)
        session.flush()
        session.add(MemberRow(segment_id=row.id, person_id=demo.person_id, joined_at=DAY))
    with read() as session:
        found = decisions.explain(session, demo.person_id)
    (one,) = [one for one in found if one.kind == "segment"]
    assert "人群“跑者”" in one.sentence and "爱跑步" in one.sentence
    assert one.rule == "跑者" and one.data == ('tag("兴趣:运动装备")',)


def test_withdrawing_personalisation_takes_its_decisions_back(demo):
    with write() as session:
        consent.record(session, demo.ids[:1], ("personalisation",), True, "web", "m")
        consent.record(session, demo.ids[:1], ("personalisation",), False, "web", "m")
        assert [one.kind for one in decisions.explain(session, demo.person_id)] == ["tag"]
        consent.record(session, demo.ids[:1], ("analytics",), False, "web", "m")
        assert decisions.explain(session, demo.person_id) == []


@pytest.mark.parametrize(
    ("traits", "day"),
    [
        ({"birthday": "2013-03-01"}, date(2027, 3, 1)),
        ({"birthday": "2012-02-29"}, date(2026, 3, 1)),
        ({"birth_date": "2013-11-22T00:00:00Z"}, date(2027, 11, 22)),
        ({"age": 13}, date(2027, 11, 22)),
        ({"age": "9"}, date(2031, 11, 22)),
        ({"age": 14}, TODAY),
        ({"age": True}, None),
        ({"birthday": "soon"}, None),
        ({"birthday": "2999-01-01"}, None),
        ({}, None),
    ],
)
def test_when_somebody_is_of_age(traits, day):
    assert minors.of_age_on(traits, TODAY) == day
    assert minors.is_minor(traits, TODAY) == (day is not None and day > TODAY)


def test_a_child_is_flagged_excluded_and_let_go_on_the_birthday(demo):
    with write() as session:
        consent.record(session, demo.ids[:1], ("marketing",), True, "web", "m")
        assert consent.allowed(session, demo.person_id, "marketing", "web")
        assert not minors.note(session, demo.person_id, {"age": 30}, TODAY)
        assert minors.note(session, demo.person_id, {"birthday": "2013-01-10"}, TODAY)
        assert not consent.allowed(session, demo.person_id, "marketing", "web")
        assert decisions.explain(session, demo.person_id) == []
    assert minors.come_of_age(datetime(2027, 1, 9)) == 0
    assert minors.come_of_age(datetime(2027, 1, 10)) == 1
    with read() as session:
        assert consent.allowed(session, demo.person_id, "marketing", "web")


def test_a_merge_makes_a_child_of_both(demo):
    with write() as session:
        child = identity.ensure_person(session, "anonymous_id", "tablet")
        minors.note(session, child, {"age": 8}, TODAY)
        session.execute(
            update(IdentifierRow)
            .where(IdentifierRow.person_id == child)
            .values(person_id=demo.person_id)
        )
        minors.refresh(session, [demo.person_id, child])
        flags = session.scalars(select(PersonRow.minor).where(PersonRow.id == demo.person_id))
        assert flags.one() is True


def test_decisions_of_one_name_are_found_by_either_of_its_meanings(database):
    privacy.decide("demo", ("analytics",), True, "web", "m")
    assert privacy.allowed("demo", "analytics") and not privacy.allowed("lin", "analytics")
    assert privacy.ids_of("demo", "web-1") == [("user_id", "demo"), ("conversation", "web-1")]
