"""REST for other programs: keys, senders of their own, and an honest answer to everything."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from cdp import cases
from connectors import rooms
from connectors.fixed_words import words
from connectors.rest.channel import SORRY, RestInput, parse_keys
from connectors.worker import UNANSWERED
from tests.connectors.served import served

KEY = "0123456789abcdef"


class Rasa:
    """Says `answer` to every message; `seen` are the messages."""

    def __init__(self) -> None:
        self.answer: dict | None = {"text": "您好"}
        self.seen: list = []

    async def handle(self, message) -> None:
        self.seen.append(message)
        if self.answer:
            await message.output_channel.send_response(message.sender_id, self.answer)


@pytest.fixture
def rasa(state):
    return Rasa()


@pytest.fixture
async def post(rasa):
    """Post a body, as JSON unless it is bytes."""
    async with (
        served(RestInput({"shop": KEY}), rasa.handle) as place,
        httpx.AsyncClient(timeout=60) as client,
    ):

        async def send(body, authorization: bytes = f"Bearer {KEY}".encode()):
            content = {"content": body} if isinstance(body, bytes) else {"json": body}
            address = f"http://{place}/webhooks/rest/webhook"
            headers = [(b"Authorization", authorization)]
            return await client.post(address, headers=headers, **content)

        yield send


def message(**changed) -> dict:
    return {"sender": "a", "message": "你好", **changed}


async def test_a_program_speaks_for_its_own_senders(rasa, post):
    answer = await post(message())
    assert answer.json() == [{"recipient_id": "a", "text": "您好"}]
    assert rasa.seen[0].sender_id == "shop.a"


@pytest.mark.parametrize("given", [b"", b"Bearer wrong", b"Bearer \xff\xfe"])
async def test_without_a_key_there_is_no_answer(rasa, post, given):
    assert (await post(message(), given)).status_code == 401
    assert rasa.seen == []


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"sender": " "}, "sender"),
        ({"sender": "x" * 129}, "sender"),
        ({"sender": "a\x00"}, "sender"),
        ({"sender": 7}, "sender"),
        ({"message": None}, "message"),
        ({"message": " "}, "text is empty"),
    ],
)
async def test_a_bad_field_is_named(rasa, post, changed, wrong):
    answer = await post(message(**changed))
    assert answer.status_code == 422 and wrong in answer.json()["error"]


async def test_half_a_character_is_left_out(rasa, post):
    assert (await post(b'{"sender": "a", "message": "hi\\ud83d"}')).status_code == 200
    assert rasa.seen[0].text == "hi"


async def test_a_button_comes_back_as_its_token(rasa, post):
    rasa.answer = {"text": "要吗", "buttons": [{"title": "要", "payload": "/affirm"}]}
    token = (await post(message())).json()[0]["buttons"][0]["payload"]
    await post(message(message=token))
    await post(message(message=token, sender="b"))
    assert [seen.text for seen in rasa.seen] == ["你好", "/affirm", token]


async def test_a_promised_person_has_a_case(rasa, post):
    rasa.answer = None
    assert (await post(message())).json()[0]["text"] == words(UNANSWERED)
    case = cases.waiting()[0]
    assert (case["conversation"], case["reason"]) == ("shop.a", "unanswered")
    assert case["transcript"] == [{"from": "user", "text": "你好"}]


async def test_a_database_that_is_away_gets_a_sentence_without_a_promise(rasa, post, monkeypatch):
    def fail(*_):
        raise OperationalError("away", {}, Exception())

    monkeypatch.setattr(rooms, "offer_all", fail)
    rasa.answer = {"text": "您好", "buttons": [{"title": "退货", "payload": "/return_item"}]}
    answer = await post(message())
    assert (answer.status_code, answer.json()[0]["text"]) == (200, words(SORRY))


@pytest.mark.parametrize(
    "listed", ["a.b:" + KEY, ":" + KEY, "a:short", f"a:{KEY},a:{KEY}x", "x" * 33 + ":" + KEY]
)
def test_keys_that_cannot_be_used_are_refused(listed):
    with pytest.raises(ValueError, match=r"REST_KEYS, program .*: .*expected"):
        parse_keys(listed)


def test_keys_by_program():
    assert parse_keys(f" a:{KEY}, b-2:{KEY}:x ,") == {"a": KEY, "b-2": f"{KEY}:x"}


@pytest.mark.parametrize("metadata", [{"shopper": 42}, {"address": "x" * 256}, "demo", [1]])
async def test_metadata_that_cannot_be_used_is_refused(post, rasa, metadata):
    refused = await post({"sender": "a", "message": "你好", "metadata": metadata})
    assert refused.status_code == 422 and "metadata" in refused.json()["error"]
    assert rasa.seen == []


async def test_unknown_metadata_is_passed_over(post, rasa):
    await post({"sender": "a", "message": "你好", "metadata": {"shopper": "demo", "x": {"y": 1}}})
    assert set(rasa.seen[0].metadata) == {"shopper", "address"}
