"""The rules of identity, without a database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp.identity import rules
from tests.cdp.people import at

BLOCKED = (
    *("", "  ", "null", "NULL", " None", "-1", "0", "000-000", "--", "anonymous", "Undefined"),
    *("unknown", "(null)", "NaN", "００００", "00000000-0000-0000-0000-000000000000"),
)


@pytest.mark.parametrize("value", BLOCKED)
def test_such_values_identify_nobody(value):
    assert not rules.usable("user_id", value)


@pytest.mark.parametrize("value", ["lin", "10", "0a", "null-1", "用户", "-2", "01"])
def test_such_values_identify(value):
    assert rules.usable("user_id", value)


def test_the_strongest_comes_first_and_blocked_ones_not_at_all():
    given = [
        ("device_id", "d"),
        ("anonymous_id", "null"),
        ("phone", "p"),
        ("user_id", "u"),
        ("phone", "p"),
    ]
    assert rules.by_strength(given) == [("user_id", "u"), ("phone", "p"), ("device_id", "d")]


def test_positions_sort_as_text_by_proof_then_time_then_event_then_place():
    places = [
        rules.position(True, at(9), 1, "a", 0),
        rules.position(False, at(1), 1, "a", 0),
        rules.position(False, at(1), 1, "a", 1),
        rules.position(False, at(1) + timedelta(microseconds=1), 1, "a", 0),
        rules.position(False, at(100), 12, "b", 0),
    ]
    assert places == sorted(places)
    assert len({len(place) for place in places}) == 1
    assert rules.proven(places[0]) and not rules.proven(places[1])
    assert rules.position(False, at(1), 1, "a", 0) != rules.position(False, at(1), 1, "b", 0)


def test_what_several_people_share_proves_nothing():
    assert rules.is_proof(True, "user_id", "phone")
    assert not rules.is_proof(True, "user_id", "anonymous_id")
    assert not rules.is_proof(False, "user_id", "phone")


def test_evidence_is_the_last_link_on_the_way():
    joins = [("1", 1, 2), ("5", 2, 3), ("3", 3, 4)]
    assert rules.evidence(joins, 1, 4) == ("5", 2, 3)
    assert rules.evidence(joins, 3, 4) == ("3", 3, 4)
