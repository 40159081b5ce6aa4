"""Segments over real profiles: sizes, members, consent, CSV; on both databases."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from cdp import audit, consent, erasure, identity, minors, segments
from cdp.segments import export
from cdp.segments.tables import MemberRow
from storage import read, utc_now, write
from tests.cdp.shoppers import ALL, Shopper

HARMLESS = ["杭州", "a=b", -5, "", "+8613812341234"]
SPORTY = 'tag("兴趣:运动装备")'


def sporty(name: str, **more) -> Shopper:
    return Shopper(name, **more).looks("running_shoes")


def people(*shoppers: Shopper) -> list[int]:
    return sorted(shopper.person for shopper in shoppers)


def members(segment: segments.Segment) -> list[int]:
    with read() as session:
        return [person for person, _ in segments.members(session, segment.id)]


def rows(segment: segments.Segment, **how) -> list[dict]:
    text = "".join(segments.export_csv(segment.id, "console:ann", **how))
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_size_is_known_before_it_is_saved(database):
    people(sporty("a"), sporty("b"), Shopper("c").looks("diapers"))
    people(sporty("d", allows=("analytics",)))
    assert segments.size_of(SPORTY) == 3
    assert segments.size_of(SPORTY, "marketing") == 2
    assert segments.size_of("orders.count >= 1") == 0
    assert segments.size_of('not tag("兴趣:运动装备")') == 1
    with pytest.raises(segments.ExpressionError):
        segments.size_of("tag(")


def test_members_come_and_go_with_their_times(database):
    first = sporty("a")
    assert first.person
    made = segments.save("运动客", SPORTY, actor="ann")
    other = segments.save("买过", "orders.count >= 1")
    at = utc_now()
    assert segments.rebuild_all(at) == {"运动客": 1, "买过": 0}
    second = sporty("b").buys("QD1", 399)
    both = people(first, second)
    later = at + timedelta(hours=1)
    assert segments.rebuild_all(later) == {"运动客": 2, "买过": 1}
    assert segments.rebuild_all(later + timedelta(hours=1)) == {"运动客": 2, "买过": 1}
    assert members(made) == both
    with read() as session:
        assert segments.of(session, second.person) == ["买过", "运动客"]
    gone = segments.rebuild([segments.by_id(made.id)], at + timedelta(days=70))[0]
    assert (gone.size, gone.left) == (0, 2)
    assert [size for _, size in segments.sizes(made.id)] == [1, 2, 2, 0]
    assert [size for _, size in segments.sizes(other.id)] == [0, 1, 1]
    with read() as session:
        stays = session.execute(select(MemberRow.joined_at, MemberRow.left_at))
        ours = [(row.joined_at, row.left_at) for row in stays if row.left_at is not None]
    assert ours == [(at, at + timedelta(days=70)), (later, at + timedelta(days=70))]


def test_only_who_allows_the_purpose_is_in_it(database):
    all_of_it, some = sporty("a"), sporty("b", allows=("analytics", "personalisation"))
    assert people(all_of_it, some)
    for purpose, expected in (("marketing", [all_of_it]), ("personalisation", [all_of_it, some])):
        made = segments.save(purpose, SPORTY, purpose)
        segments.rebuild([made])
        assert members(made) == people(*expected)


def test_withdrawal_ends_the_stay_at_once(database):
    demo, other = sporty("demo"), sporty("other")
    assert people(demo, other)
    ads, shown = segments.save("ads", SPORTY), segments.save("shown", SPORTY, "personalisation")
    segments.rebuild_all()
    with write() as session:
        consent.record(session, [("anonymous_id", "a-demo")], ["marketing"], False, "web", "test")
    assert members(ads) == people(other)
    assert members(shown) == people(demo, other)
    assert segments.by_id(ads.id).size == 1
    with write() as session:
        consent.record(session, [("anonymous_id", "a-demo")], ["analytics"], False, "web", "test")
    assert members(shown) == people(other)
    assert segments.rebuild_all() == {"ads": 1, "shown": 1}


def test_nobody_under_fourteen_is_in_a_segment_for_marketing(database):
    child = sporty("child").known_by({"age": 12})
    with write() as session:
        # Even with a guardian's consent.
        ids = [("anonymous_id", "a-child")]
        consent.record(session, ids, ALL, True, "web", "test", source=consent.GUARDIAN)
    child.looks("running_shoes", "P2")
    assert "兴趣:运动装备" in child.tags
    with read() as session:
        assert consent.allowed(session, child.person, "marketing")
    assert segments.size_of(SPORTY, "personalisation") == 1
    assert segments.size_of(SPORTY, "marketing") == 0
    assert minors.OF_AGE == 14


def test_a_merge_leaves_one_member(database):
    one, other = sporty("a").known_by(user_id="u1"), sporty("b")
    numbers = people(one, other)
    made = segments.save("s", SPORTY)
    segments.rebuild([made])
    assert members(made) == numbers
    other.known_by(user_id="u1")
    assert one.person == other.person
    assert members(made) == [one.person]
    assert segments.by_id(made.id).size == 1


def test_erasure_leaves_nothing(database):
    demo = sporty("demo")
    person = demo.person
    made = segments.save("s", SPORTY)
    segments.rebuild([made])
    erasers = {step.name: step for step in erasure._erasers.values()}
    assert erasers["segments"].function([person], []) == 1
    assert erasers["segments"].function([person], []) == 0
    with read() as session:
        assert session.scalars(select(MemberRow.person_id)).all() == []
    assert segments.by_id(made.id).size == 0


@pytest.mark.parametrize(
    ("name", "purpose", "field"), [("", "marketing", "name"), ("s", "fun", "purpose")]
)
def test_what_cannot_be_saved(database, name, purpose, field):
    with pytest.raises(segments.InvalidSegment) as caught:
        segments.save(name, "minor", purpose)
    assert caught.value.field == field


def test_changing_and_removing(database):
    made = segments.save("s", "minor", actor="ann")
    with pytest.raises(segments.InvalidSegment, match="'s' is taken"):
        segments.save("s", "minor")
    changed = segments.save("t", SPORTY, "analytics", "why", segment_id=made.id)
    assert (changed.name, changed.expression, changed.created_by) == ("t", SPORTY, "ann")
    assert sporty("a").person
    segments.rebuild_all()
    assert segments.remove(made.id)
    assert not segments.remove(made.id)
    assert (segments.all_segments(), segments.sizes(made.id), members(made)) == ([], [], [])
    with pytest.raises(segments.InvalidSegment, match="found no segment 99"):
        segments.save("s", "minor", segment_id=99)


def test_csv_holds_who_allows_it_now_masked(database):
    demo = sporty("demo").known_by({"phone": "13812341234", "email": "zoe@qq.com"})
    demo.buys("QD1", 399.5)
    other = sporty("other", allows=(*ALL, "sharing"))
    made = segments.save("s", SPORTY)
    assert people(demo, other)
    segments.rebuild([made])
    found = {int(row["person_id"]): row for row in rows(made)}
    assert sorted(found) == people(demo, other)
    row = found[demo.person]
    assert (row["user_id"], row["phone"], row["email"]) == ("u-demo", "138****1234", "z***@qq.com")
    assert (row["orders"], row["order_value"]) == ("1", "399.50")
    assert "兴趣:运动装备" in row["tags"]
    clear = {int(row["person_id"]): row for row in rows(made, clear=True)}
    assert clear[demo.person]["phone"] == "+8613812341234"
    assert [int(row["person_id"]) for row in rows(made, outside=True)] == [other.person]
    entries = audit.entries(subject=f"segment {made.id}")
    assert [entry.details["clear"] for entry in entries] == [False, True, False]
    assert {entry.actor for entry in entries} == {"console:ann"}
    with pytest.raises(segments.UnknownSegment, match="segment 99"):
        segments.export_csv(99, "console:ann")


def test_csv_asks_for_consent_again(database):
    demo = sporty("demo")
    assert demo.person
    made = segments.save("s", SPORTY)
    segments.rebuild([made])
    with write() as session:
        # Somebody who is a member by a row only.
        row = {"segment_id": made.id, "person_id": 4711, "joined_at": utc_now()}
        session.execute(MemberRow.__table__.insert(), [row])
    assert [int(row["person_id"]) for row in rows(made)] == [demo.person]


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", " =1+1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(value):
    assert export.safe_cell(value) == f"'{value}"


def test_harmless_cells_stay_as_they_are():
    assert [export.safe_cell(one) for one in HARMLESS] == HARMLESS


def test_csv_of_a_shopper_who_writes_formulas(database):
    demo = Shopper("demo").looks("running_shoes").known_by(user_id="=cmd|' /C calc'!A0")
    assert demo.person
    made = segments.save("s", SPORTY)
    segments.rebuild([made])
    (row,) = rows(made)
    assert row["user_id"] == "'=cmd|' /C calc'!A0"
    with read() as session:
        assert identity.identifiers_of(session, demo.person)[0].key == "=cmd|' /C calc'!A0"
