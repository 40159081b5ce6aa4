"""The inbox and the room: kept before acknowledged, answered once, in order."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event

from connectors import rooms
from storage import engine


@pytest.fixture(autouse=True)
def tables(state):
    return state


def take(client_id: str, text: str = "你好", conversation: str = "c") -> dict:
    return rooms.accept("web", conversation, client_id, text, text, {"shopper": "demo"}).shown


def test_the_same_message_is_kept_once():
    assert take("m1") == take("m1")
    assert take("m2")["seq"] == 2
    assert [message["seq"] for message in rooms.history("c")] == [1, 2]


def test_two_conversations_may_use_the_same_id():
    assert take("m1", conversation="a")["seq"] == take("m1", conversation="b")["seq"] == 1


def test_messages_are_pending_in_order_until_done():
    take("m1", "一")
    take("m2", "二")
    first = rooms.pending("c")
    assert (first.text, first.context) == ("一", {"shopper": "demo"})
    rooms.finish(first, [{"text": "答一"}])
    assert rooms.pending("c").text == "二"
    assert rooms.conversations_pending("web") == ["c"]


def test_a_message_done_twice_is_answered_once():
    take("m1")
    message = rooms.pending("c")
    assert len(rooms.finish(message, [{"text": "答"}]).shown) == 1
    assert rooms.finish(message, [{"text": "答"}]).shown == []
    assert [shown["text"] for shown in rooms.history("c")] == ["你好", "答"]


def test_a_choice_belongs_to_its_conversation():
    take("m1")
    button = {"title": "退货", "payload": "/request_return"}
    card = {"kind": "order", "id": "QD1", "title": "鞋", "buttons": [button]}
    answer = {"text": "", "buttons": [button], "cards": [card]}
    shown = rooms.finish(rooms.pending("c"), [answer]).shown
    token = shown[0]["buttons"][0]["token"]
    assert "payload" not in shown[0]["buttons"][0]
    assert "payload" not in shown[0]["cards"][0]["buttons"][0]
    assert rooms.choice("c", token) == ("退货", "/request_return")
    assert rooms.choice("another", token) is None
    assert rooms.choice("c", "made up") is None


def test_whoever_keeps_a_message_knows_what_is_to_be_answered_next():
    def keep(client_id: str, **more) -> rooms.Accepted:
        return rooms.accept("web", "c", client_id, client_id, client_id, {"touch": None}, **more)

    first = keep("m1")
    assert first.is_new and first.following == rooms.pending("c")
    second, again = keep("m2"), keep("m2")
    assert second.is_new and not again.is_new and again.shown == second.shown
    assert second.following == again.following == first.following
    told = keep("m3", at_once={"text": "请打字"})
    assert told.following == first.following
    following = rooms.finish(first.following, [{"text": "答一"}]).following
    assert following == rooms.pending("c") and following.text == "m2"
    assert rooms.finish(first.following, [{"text": "又答"}]) == rooms.Finished([], following)
    assert rooms.finish(following, [{"text": "答二"}]).following is None
    assert keep("m4", at_once={"text": "请打字"}).following is None


def test_history_after_a_sequence_number_and_its_newest_part():
    for turn in range(5):
        take(f"m{turn}")
    assert [m["seq"] for m in rooms.history("c", after=3)] == [4, 5]
    assert [m["seq"] for m in rooms.history("c", limit=2)] == [4, 5]


def test_many_writers_at_once_lose_nothing():
    threads = [threading.Thread(target=take, args=(f"m{turn}",)) for turn in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [m["seq"] for m in rooms.history("c")] == list(range(1, 21))


def test_choices_are_forgotten_after_their_time(monkeypatch):
    offered = rooms.offer_all("c", [{"buttons": [{"title": "要", "payload": "/affirm"}]}])
    token = offered[0]["buttons"][0]["token"]
    assert rooms.drop_old_choices() == 0 and rooms.choice("c", token)
    later = rooms.utc_now() + rooms.CHOICE_LIFE + timedelta(minutes=1)
    monkeypatch.setattr(rooms, "utc_now", lambda: later)
    assert rooms.drop_old_choices() == 1 and rooms.choice("c", token) is None


@pytest.mark.parametrize("look", [lambda: rooms.pending("c"), lambda: take("m1")])
def test_however_much_is_there_no_table_is_read_whole(look):
    ran: list[tuple[str, tuple]] = []

    def note(_connection, _cursor, statement, values, *_) -> None:
        ran.append((statement, values))

    event.listen(engine(), "before_cursor_execute", note)
    try:
        look()
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    asked = [(text, values) for text, values in ran if text.startswith("SELECT")]
    with engine().connect() as connection:
        for text, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            steps = [step[-1] for step in plan if step[-1].startswith(("SCAN ", "SEARCH "))]
            # A statement of several questions begins with a row of its own.
            read_whole = {step for step in steps if step.startswith("SCAN ")}
            assert steps and read_whole <= {"SCAN CONSTANT ROW"}, text
            # "new" says nothing where thousands wait.
            assert not any("(state=?)" in step for step in steps), text
    assert asked
