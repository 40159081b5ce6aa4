"""REST for other programs: keys, senders of their own, and an honest answer to everything."""

from __future__ import annotations

import pytest
from sanic import Sanic
from sqlalchemy.exc import OperationalError

from cdp import cases
from connectors import rooms
from connectors.rest.channel import SORRY, RestInput, parse_keys
from connectors.worker import HONEST
from tests.assistant import free_port

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def tables(state):
    return state


class Client:
    """Posts to the channel in an application of its own; `answer` is what Rasa would say."""

    def __init__(self) -> None:
        self.answer: dict | None = {"text": "您好"}
        self.seen: list = []
        self.app = Sanic(f"rest_{free_port()}", configure_logging=False)
        self.app.blueprint(
            RestInput({"shop": KEY}).blueprint(self.handle), url_prefix="/webhooks/rest"
        )

    async def handle(self, message) -> None:
        self.seen.append(message)
        if self.answer:
            await message.output_channel.send_response(message.sender_id, self.answer)

    async def post(self, body, key: str = KEY):
        _, answer = await self.app.asgi_client.post(
            "/webhooks/rest/webhook", json=body, headers={"Authorization": f"Bearer {key}"}
        )
        return answer


@pytest.fixture
def client():
    return Client()
