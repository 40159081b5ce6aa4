"""The Socket.IO channel, over the wire, with python-socketio's own client."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import httpx
import pytest
import socketio
import websockets
from sqlalchemy.exc import OperationalError

from cdp import identity
from cdp.messages import notify
from cdp.session import issue, new_conversation
from connectors import rooms, sender
from connectors.fixed_words import words
from connectors.socketio import channel, shown
from connectors.socketio.channel import PATH, SocketInput
from storage import write
from tests.connectors.served import served
from tests.connectors.talks import Bot, until

PAGE = "https://widget.example"
FOREIGN = {"Origin": "https://evil.example"}


class Widget:
    """What a third party's widget does; `heard` is what it got."""

    def __init__(self, place: str, **options) -> None:
        self.place = place
        self.io = socketio.AsyncClient(reconnection=False, **options)
        self.heard: list[dict] = []
        self.session = ""
        self._confirmed = asyncio.Event()
        self.io.on("bot_uttered", self.heard.append)
        self.io.on("session_confirm", self._confirm)

    def _confirm(self, session: str) -> None:
        self.session = session
        self._confirmed.set()

    async def open(self, session: str | None = None, **how) -> Widget:
        how = {"headers": {"Origin": PAGE}, "transports": ["websocket"], **how}
        how |= {"socketio_path": PATH, "wait_timeout": 10}
        await self.io.connect(f"http://{self.place}", **how)
        await self.io.emit("session_request", {"session_id": session})
        await asyncio.wait_for(self._confirmed.wait(), 10)
        return self

    async def say(self, message: object, **told) -> None:
        data = {"message": message, "session_id": self.session, "customData": {}, **told}
        await self.io.emit("user_uttered", data)

    async def heard_texts(self, count: int) -> list[str]:
        await until(lambda: len(self.heard) >= count)
        return [one.get("text") for one in self.heard]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    # A client that polls leaves when its last poll is answered.
    monkeypatch.setattr(channel, "PING_SECONDS", 0.3)
    monkeypatch.setattr(channel, "PONG_SECONDS", 3.0)
    # The client (not the server) wants a newer aiohttp than Rasa's; of the older a number will do.
    monkeypatch.setattr(aiohttp, "ClientWSTimeout", lambda ws_close: ws_close, raising=False)


@asynccontextmanager
async def talking():
    """The channel, a bot in Rasa's place, and `widget()` to open it with."""
    made = SocketInput.from_credentials({"origins": [PAGE]})
    bot, widgets = Bot(), []
    async with served(made, bot) as place:

        async def widget(session: str | None = None, **how) -> Widget:
            widgets.append(Widget(place))
            return await widgets[-1].open(session, **how)

        yield SimpleNamespace(channel=made, bot=bot, place=place, widget=widget)
        for one in widgets:
            await one.io.disconnect()


def room_of(widget: Widget) -> str:
    return channel._in_a_room_of_ours(channel.sessions.read(widget.session)).conversation


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]], ids="".join)
async def test_a_widget_asks_for_a_session_and_is_answered(database, transports):
    async with talking() as at:
        widget = await at.widget(transports=transports)
        await widget.say("跑鞋有42码吗")
        assert await widget.heard_texts(1) == ["听到：跑鞋有42码吗"]
        assert at.bot.heard == ["跑鞋有42码吗"]
        assert [one["from"] for one in rooms.history(room_of(widget))] == ["user", "bot"]


async def test_messages_are_answered_in_the_order_they_were_said(state):
    async with talking() as at:
        widget = await at.widget()
        said = [str(number) for number in range(8)]
        for text in said:
            await widget.say(text)
        await widget.heard_texts(8)
        assert at.bot.heard == said


async def test_choices_and_cards_come_as_rasas_own_widgets_know_them(state):
    async with talking() as at:
        pick = {"title": "选尺码", "payload": '/ask_size{"product": "P1"}'}
        card = {"title": "疾风3", "price": "¥499", "image": "/media/products/P1.svg"}
        card |= {"url": "/products/P1", "subtitle": "凌步", "buttons": [pick]}
        at.bot.answer = {
            "text": "您好！\n\n看看这双：",
            "custom": {"cards": [card], "links": [{"title": "尺码表", "url": "/sizes"}]},
            "buttons": [{"title": "退货", "payload": "/request_return"}],
        }
        widget = await at.widget()
        await widget.say("跑鞋")
        texts = await widget.heard_texts(4)
        assert texts == ["您好！", "看看这双：", None, "尺码表：http://localhost:8000/sizes"]
        (element,) = widget.heard[2]["attachment"]["payload"]["elements"]
        assert (element["title"], element["subtitle"]) == ("疾风3 ¥499", "凌步")
        assert element["image_url"] == "http://localhost:8000/media/products/P1.svg"
        (reply,) = widget.heard[3]["quick_replies"]
        # What it means stays here; the widget holds a token.
        assert reply["title"] == "退货" and "request_return" not in reply["payload"]
        await widget.say(reply["payload"])
        await widget.say(element["buttons"][0]["payload"])
        await until(lambda: len(at.bot.heard) == 3)
        assert at.bot.heard[1:] == ["/request_return", '/ask_size{"product": "P1"}']
        assert rooms.history(room_of(widget))[2]["text"] == "退货"


async def test_what_came_while_the_page_was_away_is_told_once_when_it_is_back(state):
    async with talking() as at:
        widget = await at.widget()
        await widget.say("在吗")
        await widget.heard_texts(1)
        at.bot.seconds = 0.3
        await widget.say("有货吗")
        await until(lambda: len(at.bot.heard) == 2)
        await widget.io.disconnect()
        await until(lambda: len(rooms.history(room_of(widget))) == 4)
        back = await at.widget(widget.session)
        assert back.session == widget.session
        assert await back.heard_texts(1) == ["听到：有货吗"]
        await back.io.disconnect()
        again = await at.widget(widget.session)
        await again.say("谢谢")
        assert await again.heard_texts(1) == ["听到：谢谢"]


async def test_what_was_written_first_is_told_first_though_it_is_published_last(state):
    async with talking() as at:
        widget = await at.widget()
        room = room_of(widget)
        written = [rooms.say(room, {"text": text}, text) for text in ("一", "二")]
        for message in reversed(written):
            await at.channel._publish(room, {"type": "message", "message": message})
        await widget.say("在吗")
        assert await widget.heard_texts(3) == ["一", "二", "听到：在吗"]


async def test_two_pages_of_one_session_hear_the_same(state):
    async with talking() as at:
        one = await at.widget()
        other = await at.widget(one.session)
        await one.say("在吗")
        assert await one.heard_texts(1) == await other.heard_texts(1) == ["听到：在吗"]


@pytest.mark.parametrize("back_early", [False, True])
async def test_a_page_that_died_gets_again_what_it_may_not_have_got(state, monkeypatch, back_early):
    monkeypatch.setattr(channel, "PING_SECONDS", 0.2)
    # Long enough for the living page on a busy machine.
    monkeypatch.setattr(channel, "PONG_SECONDS", 1.0)
    async with talking() as at:
        url = f"ws://{at.place}{PATH}/?EIO=4&transport=websocket"
        async with websockets.connect(url, origin=PAGE) as dying:
            await dying.recv()
            await dying.send("40")
            await dying.recv()
            await dying.send('42["session_request",{"session_id":null}]')
            frame = await dying.recv()
            while not frame.startswith("42"):
                frame = await dying.recv()
            _, session = json.loads(frame[2:])
            said = ["user_uttered", {"message": "在吗", "session_id": session}]
            await dying.send(f"42{json.dumps(said)}")
            # From here on it answers no ping.
            if back_early:
                while "bot_uttered" not in await dying.recv():
                    pass
                back = await at.widget(session)
            await asyncio.wait_for(dying.wait_closed(), 10)
        if not back_early:
            back = await at.widget(session)
        assert await back.heard_texts(1) == ["听到：在吗"]


async def test_nobody_reads_along_in_anothers_room(state):
    async with talking() as at:
        ann, conversation = await at.widget(), None
        conversation = room_of(ann)
        for guess in (conversation, f"{ann.session}x", issue(new_conversation(), None, ttl=-1), 7):
            eve = await at.widget(guess)
            # She has a room of her own.
            assert room_of(eve) != conversation
            await eve.say("在吗", session_id=conversation)
            assert (await eve.heard_texts(1))[0] == words(channel.EXPIRED)
        await ann.say("我的订单")
        await ann.heard_texts(1)
        assert len(eve.heard) == 1
        assert "听到：在吗" not in await ann.heard_texts(1)


async def test_a_session_of_the_shops_own_page_brings_who_is_signed_in(state):
    async with talking() as at:
        contexts = []
        at.bot.does = lambda message: contexts.append(message.metadata)
        token = issue(new_conversation(), "demo", touch={"first": {"utm_source": "x"}})
        widget = await at.widget(token)
        assert widget.session == token and room_of(widget).startswith("socketio-")
        # What a page claims of itself is nothing.
        await widget.say("在吗", metadata={"shopper": "lin"}, customData={"shopper": "lin"})
        await widget.heard_texts(1)
        assert contexts[0]["shopper"] == "demo" and contexts[0]["address"] == "127.0.0.1"
        assert contexts[0]["touch"] == {"first": {"utm_source": "x"}}


@pytest.mark.parametrize("typed", ['/request_refund{"order": "1"}', "\u3000/restart"])
async def test_nobody_sets_an_intent_by_typing_it(state, typed):
    async with talking() as at:
        widget = await at.widget()
        await widget.say(typed)
        await widget.heard_texts(1)
        assert not at.bot.heard[0].startswith("/")


async def test_a_foreign_page_opens_nothing(state):
    async with talking() as at:
        for how in (
            {"headers": FOREIGN},
            {"headers": FOREIGN, "transports": ["polling"]},
            {"headers": {}},
            {"headers": {"Sec-Fetch-Site": "cross-site"}},
        ):
            with pytest.raises(socketio.exceptions.ConnectionError):
                await at.widget(**how)
        ours = await at.widget(headers={"Sec-Fetch-Site": "same-origin"}, transports=["polling"])
        await ours.say("在吗")
        assert await ours.heard_texts(1) == ["听到：在吗"]
        async with httpx.AsyncClient(timeout=60) as client:
            url = f"http://{at.place}{PATH}/?EIO=4&transport=polling"
            allowed = await client.get(url, headers={"Origin": PAGE})
            assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
            assert (await client.get(url, headers=FOREIGN)).status_code == 400


@pytest.mark.parametrize(
    ("message", "language"),
    [("", "zh"), ("长" * 1001, "zh"), ("long " * 300, "en"), (7, "zh")],
    ids=["empty", "long", "long in English", "number"],
)
async def test_what_cannot_be_read_is_answered_and_not_kept(state, message, language):
    async with talking() as at:
        widget = await at.widget()
        await widget.say(message)
        assert await widget.heard_texts(1) == [words(channel.UNREADABLE, language)]
        for broken in (None, [], "x"):
            assert await widget.io.call("user_uttered", broken) == {"error": "expected an object"}
        assert rooms.history(room_of(widget)) == [] and at.bot.heard == []


async def test_broken_frames_end_nobody_elses_talk(state):
    async with talking() as at:
        widget = await at.widget()
        url = f"ws://{at.place}{PATH}/?EIO=4&transport=websocket"
        for frame in ("42[", '42["session_request"', "42{}", "49", "x", b"\x00", "42[7]"):
            async with websockets.connect(url, origin=PAGE) as broken:
                await broken.send("40")
                await broken.send(frame)
                await broken.send("4" * (channel.MOST_BODY + 1))
                with contextlib.suppress(websockets.ConnectionClosed):
                    while True:
                        await asyncio.wait_for(broken.recv(), 10)
        await widget.say("在吗")
        assert await widget.heard_texts(1) == ["听到：在吗"]


async def test_floods_are_refused(state, monkeypatch):
    monkeypatch.setattr(channel, "BY_CONVERSATION", channel.RateLimitItemPerMinute(2))
    async with talking() as at:
        widget = await at.widget()
        for number in range(3):
            await widget.say(str(number))
        assert words(channel.TOO_FAST) in await widget.heard_texts(3)
        assert at.bot.heard == ["0", "1"]
        monkeypatch.setattr(channel, "BY_ADDRESS", channel.RateLimitItemPerMinute(0))
        with pytest.raises(socketio.exceptions.ConnectionError):
            await at.widget()


async def test_a_message_that_cannot_be_kept_is_not_taken(state, monkeypatch):
    def fail(*_, **_more):
        raise OperationalError("away", {}, Exception())

    async with talking() as at:
        widget = await at.widget()
        said = {"message": "在吗", "session_id": widget.session, "id": "m1"}
        with monkeypatch.context() as away:
            away.setattr(rooms, "accept", fail)
            assert await widget.io.call("user_uttered", said) == {
                "error": words(channel.UNAVAILABLE)
            }
        assert await widget.heard_texts(1) == [words(channel.UNAVAILABLE)]
        # Said again, and once more since the answer got lost, it is one.
        for _ in range(2):
            assert await widget.io.call("user_uttered", said) is None
        assert (await widget.heard_texts(2))[1:] == ["听到：在吗"] and at.bot.heard == ["在吗"]


async def test_what_was_acknowledged_before_a_restart_is_answered_after_it(state):
    session = issue(new_conversation(), None)
    room = channel._in_a_room_of_ours(channel.sessions.read(session)).conversation
    rooms.accept("socketio", room, "m1", "在吗", "在吗", {})
    async with talking() as at:
        await until(lambda: len(rooms.history(room)) == 2)
        widget = await at.widget(session)
        assert await widget.heard_texts(1) == ["听到：在吗"]


async def test_what_the_shop_sends_of_itself_comes_at_once_or_waits(state):
    async with talking() as at:
        widget = await at.widget()
        await widget.say("在吗")
        await widget.heard_texts(1)
        with write() as session:
            person = identity.ensure_person(session, "conversation", room_of(widget))
        sent = await asyncio.to_thread(notify, person, "您的退款到账了")
        assert sent.channel == "socketio"
        assert (await widget.heard_texts(2))[1] == "您的退款到账了"
        await widget.io.disconnect()
        await asyncio.to_thread(notify, person, "疾风3 到货了")
        await until(lambda: len(rooms.history(room_of(widget))) == 4)
        back = await at.widget(widget.session)
        assert await back.heard_texts(1) == ["疾风3 到货了"]
        await until(lambda: shown.of(room_of(widget)) == 4)


async def test_what_rasa_says_of_itself_waits_in_the_room(state):
    async with talking() as at:
        widget = await at.widget()
        output = at.channel.get_output_channel()
        buttons = [{"title": "看看", "payload": "/ask_product"}]
        await output.send_response(room_of(widget), {"text": "还需要帮忙吗？", "buttons": buttons})
        await output.send_text_message(room_of(widget), "再见")
        assert await widget.heard_texts(2) == ["还需要帮忙吗？", "再见"]


async def test_without_pages_the_channel_is_off(state, monkeypatch):
    monkeypatch.delenv("SOCKETIO_ORIGINS", raising=False)
    off = SocketInput.from_credentials(None)
    async with served(off, Bot()) as place, httpx.AsyncClient(timeout=60) as client:
        health = await client.get(f"http://{place}/webhooks/socketio/")
        assert health.json() == {"status": "off"}
        assert (await client.get(f"http://{place}{PATH}/?EIO=4")).status_code == 404
