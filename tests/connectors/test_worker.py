"""The worker: a failure of the database delays an answer, and never doubles or loses it."""

from __future__ import annotations

import asyncio

import pytest
from rasa.shared.core.events import BotUttered, UserUttered
from sqlalchemy.exc import OperationalError

from cdp import cases
from connectors import rooms, worker
from connectors.answers import answers_after
from connectors.fixed_words import words
from connectors.worker import UNANSWERED, Worker


@pytest.fixture(autouse=True)
def quick(state, monkeypatch):
    monkeypatch.setattr(worker, "PAUSES", (0.01, 0.01))
    rooms.accept("web", "c", "m1", "你好", "你好", {"shopper": "demo"})


class Rasa:
    """Answers every message, remembers it as a tracker does, and what was shown in the room."""

    def __init__(self, answer: str | None = "您好") -> None:
        self.answer, self.events, self.frames = answer, [], []
        self.worker = Worker("web", self.handle, self.publish, self.retrieve)

    async def handle(self, message) -> None:
        self.events.append(UserUttered(message.text, message_id=message.message_id))
        if self.answer:
            await message.output_channel.send_response("c", {"text": self.answer})
            self.events.append(BotUttered(self.answer))

    async def publish(self, _conversation: str, frame: dict) -> None:
        self.frames.append(frame)

    async def retrieve(self, _conversation: str) -> list:
        return self.events

    async def work(self) -> None:
        self.worker.kick("c")
        while self.worker._tasks:
            await asyncio.wait(list(self.worker._tasks.values()))

    @property
    def asked(self) -> int:
        return sum(isinstance(event, UserUttered) for event in self.events)


def failing(monkeypatch, times: int) -> None:
    """`rooms.finish` fails so many times, as a database that is locked does."""
    finish, left = rooms.finish, iter(range(times))

    def fail(*arguments):
        if next(left, None) is not None:
            raise OperationalError("locked", {}, Exception())
        return finish(*arguments)

    monkeypatch.setattr(rooms, "finish", fail)


def told() -> list[str]:
    return [message["text"] for message in rooms.history("c") if message["from"] == "bot"]


async def test_answers_that_could_not_be_kept_are_kept_later_without_asking_again(monkeypatch):
    failing(monkeypatch, 1)
    rasa = Rasa()
    await rasa.work()
    assert told() == ["您好"] and rasa.asked == 1
    assert rooms.pending("c") is None


async def test_a_message_told_of_by_whoever_kept_it_is_answered_once(monkeypatch):
    rasa, kept = Rasa(), rooms.pending("c")
    rasa.worker.kick("c", kept)
    # Under way already.
    rasa.worker.kick("c", kept)
    await rasa.work()
    assert told() == ["您好"] and rasa.asked == 1


async def test_after_many_failures_the_next_message_takes_up_the_first(monkeypatch):
    failing(monkeypatch, 3)
    rasa = Rasa()
    await rasa.work()
    assert told() == [] and rooms.pending("c") is not None
    rooms.accept("web", "c", "m2", "在吗", "在吗", {})
    await rasa.work()
    assert told() == ["您好", "您好"] and rasa.asked == 2


async def test_nobody_is_seen_typing_after_a_failure(monkeypatch):
    failing(monkeypatch, 3)
    rasa = Rasa()
    await rasa.work()
    typing = [frame["on"] for frame in rasa.frames if frame["type"] == "typing"]
    assert typing == [True, False] * 3


async def test_a_message_without_an_answer_gets_the_honest_one_and_a_case():
    await Rasa(answer=None).work()
    assert told() == [words(UNANSWERED)]
    assert [case["reason"] for case in cases.waiting()] == ["unanswered"]


async def test_stopping_does_not_wait_for_a_pause(monkeypatch):
    monkeypatch.setattr(worker, "PAUSES", (60.0,))
    failing(monkeypatch, 1)
    rasa = Rasa()
    rasa.worker.kick("c")
    while not rasa.frames or rasa.frames[-1] != {"type": "typing", "on": False}:
        await asyncio.sleep(0.01)
    await asyncio.wait_for(rasa.worker.stop(), 2)
    assert rooms.pending("c") is not None


async def test_what_was_seen_and_not_answered_is_left_to_a_person_and_not_asked_again(monkeypatch):
    rasa = Rasa(answer=None)
    failing(monkeypatch, 1)
    await rasa.work()
    assert rasa.asked == 1
    assert rooms.history("c")[-1]["text"] == words(UNANSWERED)
    assert [case["conversation"] for case in cases.waiting()] == ["c"]


def test_answers_to_all_questions_of_a_message_are_its_answers():
    events = [
        UserUttered("包邮吗", message_id="m0"),
        BotUttered("满 69 元包邮"),
        UserUttered("有货吗", message_id="m1"),
        BotUttered("有现货"),
        UserUttered("几天能到", message_id="m1"),
        BotUttered("2 到 4 天"),
        UserUttered("谢谢", message_id="m2"),
        BotUttered("不客气"),
    ]
    assert [answer["text"] for answer in answers_after(events, "m1")] == ["有现货", "2 到 4 天"]
    assert answers_after(events, "m3") is None
