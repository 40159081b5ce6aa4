"""Notes are sent together behind an answer, and one of them never spoils the rest."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy.exc import OperationalError

from connectors import behind
from connectors.behind import Behind


@pytest.fixture(autouse=True)
def gathers_for_long(monkeypatch):
    """Until it is hurried: so what a test notes is written at once."""
    monkeypatch.setattr(behind, "GATHER_SECONDS", 60.0)
    monkeypatch.setattr(behind, "REST_SECONDS", 0.0)


def note_all(platform: Behind, *told: str) -> list[str]:
    """Note these; which of them were lost."""
    lost: list[str] = []
    for one in told:
        platform.note(lambda one=one: [{"is": one}], lambda one=one: lost.append(one))
    platform.settle(5.0)
    return lost


def test_what_is_noted_at_once_is_sent_at_once_and_in_its_order():
    sent = []
    assert note_all(Behind("p", sent.append), "a", "b", "c") == []
    assert sent == [[{"is": "a"}, {"is": "b"}, {"is": "c"}]]


def test_what_is_noted_while_others_are_sent_comes_next():
    sent, begun, go_on = [], threading.Event(), threading.Event()

    def send(events: list[dict]) -> None:
        begun.set()
        go_on.wait(5)
        sent.append([event["is"] for event in events])

    platform = Behind("p", send)
    platform.note(lambda: [{"is": "a"}])
    threading.Thread(target=platform.settle, args=(5.0,)).start()
    assert begun.wait(5)
    platform.note(lambda: [{"is": "b"}])
    go_on.set()
    platform.settle(5.0)
    assert sent == [["a"], ["b"]]


def test_a_note_that_cannot_be_made_or_sent_is_lost_alone():
    sent, lost = [], []

    def send(events: list[dict]) -> None:
        if {"is": "bad"} in events:
            raise ValueError("bad")
        sent.extend(event["is"] for event in events)

    platform = Behind("p", send)
    platform.note(lambda: 1 / 0, lambda: lost.append("no event"))
    assert note_all(platform, "a", "bad", "b") == ["bad"]
    assert (sent, lost) == (["a", "b"], ["no event"])


def test_while_the_database_is_away_all_are_lost_by_one_try(monkeypatch):
    tries = []

    def send(events: list[dict]) -> None:
        tries.append(len(events))
        raise OperationalError("away", {}, Exception())

    platform = Behind("p", send)
    assert note_all(platform, "a", "b") == ["a", "b"] and tries == [2]
    monkeypatch.setattr(behind, "REST_SECONDS", 60.0)
    note_all(platform, "c")
    # It rests: nothing is tried.
    assert note_all(platform, "d") == ["d"] and tries == [2, 1]


def test_more_than_may_wait_is_lost(monkeypatch):
    monkeypatch.setattr(behind, "MOST_WAITING", 2)
    sent = []
    assert note_all(Behind("p", sent.append), "a", "b", "c") == ["c"]
    assert sent == [[{"is": "a"}, {"is": "b"}]]
