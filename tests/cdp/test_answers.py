"""Answers in the outbox: waiting, claimed as they are put there, or made the reply to a request."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from cdp.messages import addresses, answers, limits, outbox
from cdp.messages.answers import Answer
from cdp.messages.limits import Limits
from cdp.messages.outbox import Outgoing
from cdp.messages.tables import OutboxRow
from storage import read, utc_now, write

ANN = ("openid", "ann")


@pytest.fixture(autouse=True)
def ann(database):
    addresses.heard("wechat", "ann", ANN)


def said(*texts: str, name: str = "answer 1", **more) -> Answer:
    return Answer("wechat", "ann", [{"text": text} for text in texts], name, **more)


def claimed(answer: Answer) -> list[Outgoing]:
    with write() as session:
        return answers.put_and_claim(session, answer)


def put(answer: Answer) -> None:
    with write() as session:
        answers.put(session, answer)


def box() -> list[tuple]:
    with read() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        return [(row.name, row.state, row.tries, row.vendor_id) for row in rows]


def test_an_answer_waits_in_its_parts_and_is_there_once():
    for _ in range(2):
        put(said("一", "二"))
    waiting = [("answer 1", "waiting", 0, None), ("answer 1 part 2", "waiting", 0, None)]
    assert box() == waiting
    assert claimed(said("一", "二")) == [] and box() == waiting
    assert [one.body["text"] for one in outbox.claim("wechat")] == ["一", "二"]


def test_what_became_the_reply_meanwhile_is_not_taken_too():
    put(said("一"))
    put(said("二", name="answer 2"))
    with read() as session:
        first, second = (one.id for one in outbox.answers_waiting(session, "wechat", "ann"))
    assert answers.replied("answer 1", "passive") == {"text": "一"}
    assert outbox.take([first, second]) == {second}
    assert box() == [("answer 1", "sent", 1, "passive"), ("answer 2", "sending", 1, None)]


def test_what_is_held_is_not_due_yet():
    put(said("一", held=timedelta(minutes=1)))
    assert outbox.claim("wechat") == []
    later = utc_now() + timedelta(minutes=2)
    assert len(outbox.claim("wechat", now=later)) == 1


def test_what_is_claimed_is_being_sent_and_nobody_elses():
    first, second = claimed(said("一", "二"))
    assert (first.body, first.address, first.tries) == ({"text": "一"}, "ann", 1)
    assert first.name != second.name and outbox.is_taken(second.id)
    assert outbox.claim("wechat") == []
    outbox.sent(first.id, "number 1")
    assert box() == [("answer 1", "sent", 1, "number 1"), ("answer 1 part 2", "sending", 1, None)]
    outbox.perhaps_sent(second.id, "the sender ended")
    assert box()[1] == ("answer 1 part 2", "waiting", 1, None)


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_nothing_is_claimed_before_what_goes_first(state):
    put(said("一", name="answer 0"))
    if state == "sending":
        outbox.claim("wechat")
    assert claimed(said("二")) == []
    assert box() == [
        ("answer 0", state, int(state == "sending"), None),
        ("answer 1", "waiting", 0, None),
    ]


def test_another_address_waits_for_nobody():
    addresses.heard("wechat", "bob", ("openid", "bob"))
    put(said("一", name="answer 0"))
    assert len(claimed(Answer("wechat", "bob", [{"text": "二"}], "answer 1"))) == 1


def test_nothing_is_sent_to_an_address_that_is_closed():
    addresses.close("wechat", "ann")
    assert claimed(said("一")) == [] and outbox.claim("wechat") == []
    assert box() == [("answer 1", "dropped", 0, None)]


def test_a_shop_with_quiet_hours_for_all_claims_nothing_beside_them(monkeypatch):
    night = Limits(quiet={"from": "21:30", "to": "09:00"}, good_for_hours=48)
    monkeypatch.setattr(limits, "of", lambda _: night)
    assert claimed(said("一")) == []
    at_night = datetime(2027, 1, 1, 16)
    assert outbox.claim("wechat", now=at_night) == []


def as_reply(answer: Answer) -> dict | None:
    with write() as session:
        return answers.put_as_reply(session, answer, "passive")


def test_a_reply_is_sent_as_it_is_put_there_and_what_follows_it_waits():
    assert as_reply(said("一", "二")) == {"text": "一"}
    assert box() == [("answer 1", "sent", 1, "passive"), ("answer 1 part 2", "waiting", 0, None)]
    # The request comes again, since the reply did not reach it.
    assert answers.is_reply("answer 1", "passive")
    assert answers.replied("answer 1", "passive") == {"text": "一"}


def test_a_reply_to_a_request_that_came_again_is_the_answer_that_waited():
    put(said("一"))
    assert as_reply(said("一")) == {"text": "一"}
    assert box() == [("answer 1", "sent", 1, "passive")]
    assert as_reply(said("一")) == {"text": "一"} and len(box()) == 1


def test_what_is_being_sent_in_another_way_is_no_reply():
    claimed(said("一"))
    assert as_reply(said("一")) is None and not answers.is_reply("answer 1", "passive")
    assert as_reply(said(name="nothing")) is None and len(box()) == 1
