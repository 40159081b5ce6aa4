"""A number typed out of the blue: what it opens, and what counts as a failed try."""

from __future__ import annotations

from sqlalchemy import func, select

from actions.small_talk import Inform
from shop.gate import GateRow
from storage import read
from tests.actions.turns import said, turn_of


async def test_a_guests_number_alone_is_no_failed_try(state):
    turn = turn_of(entities={"order_number": "QD2026110001"}, metadata={"address": "192.0.2.7"})
    await Inform().answer(turn)
    assert [message["response"] for message in said(turn)] == ["utter_question_order_guest"]
    assert turn.slot("given_number") == "QD2026110001"
    with read() as session:
        assert session.scalar(select(func.count()).select_from(GateRow)) == 0


async def test_a_guests_wrong_digits_are_one(state):
    turn = turn_of(
        entities={"order_number": "QD2026110001", "phone_last4": "0000"},
        metadata={"address": "192.0.2.7"},
    )
    await Inform().answer(turn)
    assert [message["response"] for message in said(turn)] == ["utter_gate_refused"]
    with read() as session:
        assert session.scalar(select(func.count()).select_from(GateRow)) > 0
