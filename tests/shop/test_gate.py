"""The order gate: nobody sees, guesses or confirms another's order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from shop import clock, demo, gate
from shop.gate import GateLocked, GateRefused, Viewer, open_order
from storage import read

MINE, THEIRS, NONE = "QD2026110003", "QD2026110101", "QD2099999999"


@pytest.fixture(autouse=True)
def seeded(state):
    demo.seed()


def test_a_known_shopper_opens_their_own_order():
    assert open_order(Viewer("a", "demo"), MINE.lower()).number == MINE


def test_a_guest_needs_number_and_last_four_digits():
    assert open_order(Viewer("a"), MINE, "1234").number == MINE
    with pytest.raises(GateRefused):
        open_order(Viewer("a"), MINE)


def test_another_shoppers_order_and_none_are_refused_alike():
    said = []
    for number in (THEIRS, NONE):
        with pytest.raises(GateRefused) as refused:
            open_order(Viewer("a", "demo"), number)
        said.append((type(refused.value), str(refused.value)))
    assert said[0] == said[1]


def test_who_is_signed_in_opens_no_other_shoppers_order_whatever_they_know():
    with pytest.raises(GateRefused):
        open_order(Viewer("a", "demo"), THEIRS, "5678")
    assert open_order(Viewer("a"), THEIRS, "5678").number == THEIRS


def test_five_failures_lock_the_number_for_everyone_but_its_owner():
    for turn in range(5):
        with pytest.raises(GateRefused):
            open_order(Viewer(f"sender {turn}"), MINE, "0000")
    with pytest.raises(GateLocked):
        open_order(Viewer("somebody else"), MINE, "1234")
    assert open_order(Viewer("b", "demo"), MINE).number == MINE


def test_five_failures_lock_a_number_that_does_not_exist_too():
    for turn in range(5):
        with pytest.raises(GateRefused):
            open_order(Viewer(f"sender {turn}"), NONE, "0000")
    with pytest.raises(GateLocked):
        open_order(Viewer("somebody else"), NONE, "1234")


@pytest.mark.parametrize("kind", ["sender", "address"])
def test_five_failures_lock_sender_and_address(kind):
    def viewer(turn):
        return Viewer(
            "same" if kind == "sender" else f"s{turn}",
            None,
            "10.0.0.1" if kind == "address" else None,
        )

    for turn in range(5):
        with pytest.raises(GateRefused):
            open_order(viewer(turn), f"QD202611000{turn}", "0000")
    with pytest.raises(GateLocked):
        open_order(viewer(6), "QD2026110006", "1234")


def test_a_lock_ends_after_an_hour(monkeypatch):
    for turn in range(5):
        with pytest.raises(GateRefused):
            open_order(Viewer(f"sender {turn}"), MINE, "0000")
    later = clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(gate.clock, "now", lambda: later)
    assert open_order(Viewer("x"), MINE, "1234").number == MINE


def test_failures_long_ago_do_not_count(monkeypatch):
    for turn in range(4):
        with pytest.raises(GateRefused):
            open_order(Viewer(f"sender {turn}"), MINE, "0000")
    later = clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(gate.clock, "now", lambda: later)
    with pytest.raises(GateRefused):
        open_order(Viewer("y"), MINE, "0000")
    assert open_order(Viewer("x"), MINE, "1234").number == MINE


def test_failures_are_forgotten_when_they_no_longer_count(monkeypatch):
    def kept() -> set[str]:
        with read() as session:
            return set(session.scalars(select(gate.GateRow.key)))

    for turn in range(3):
        with pytest.raises(GateRefused):
            open_order(Viewer(f"s{turn}"), f"QD209999999{turn}", "0000")
    open_order(Viewer("honest"), MINE, "1234")
    assert len(kept()) == 6
    later = clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(gate.clock, "now", lambda: later)
    with pytest.raises(GateRefused):
        open_order(Viewer("z"), NONE, "0000")
    assert kept() == {"z", NONE}
