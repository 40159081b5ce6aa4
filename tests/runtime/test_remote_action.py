"""What the action server is sent, and what becomes of its answers."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from aiohttp import web
from rasa.core.actions.action import ActionExecutionRejection
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from runtime.remote_action import TURNS_BEFORE, ActionEndpoint, LiveRemoteAction
from runtime.tracker import LiveTracker

TOKEN = "token-of-the-tests-0123456789"
DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [ask]
slots:
  size: {type: text, mappings: [{type: custom}]}
actions:
- action_few
- action_all
- action_domain: {send_domain: true}
- validate_few_form
- validate_all_form: {send_domain: true}
forms:
  few_form: {required_slots: [size]}
  all_form: {required_slots: [size]}
responses:
  utter_size: [{text: "size {size}"}]
"""
)


class Store:
    """Holds a whole conversation, as the database does."""

    def __init__(self, events):
        self.whole = LiveTracker("a", DOMAIN.slots)
        self.whole.events = deque(events)

    async def retrieve_full_tracker(self, _sender):
        return self.whole


def long_tracker(turns=20):
    tracker = LiveTracker("a", DOMAIN.slots)
    for number in range(turns):
        parsed = {"intent": {"name": "ask"}, "intent_ranking": [{"name": "ask"}], "entities": []}
        tracker.update(UserUttered(f"message {number}", parsed["intent"], [], parsed))
        tracker.update(ActionExecuted("action_listen"))
    tracker.update(SlotSet("size", "42"))
    tracker.accepted = len(tracker.events)
    return tracker


def ask(monkeypatch, name, answer, tracker=None, store=None, status=200, **config):
    """Run an action against a server that answers so; the result, and all that was sent."""
    monkeypatch.setenv("QUDAO_ACTION_TOKEN", TOKEN)
    monkeypatch.delenv("ACTION_ENDPOINT_URL", raising=False)
    sent = []

    async def webhook(request):
        sent.append((dict(request.headers), await request.json(), request.transport))
        return web.json_response(answer, status=status)

    async def talk():
        app = web.Application()
        app.router.add_post("/webhook", webhook)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        read = EndpointConfig(f"http://127.0.0.1:{port}/webhook", **config)
        endpoint = ActionEndpoint(read, store)
        action = LiveRemoteAction(name, endpoint)
        nlg = TemplatedNaturalLanguageGenerator(DOMAIN.responses)
        arguments = (CollectingOutputChannel(), nlg, tracker or long_tracker(), DOMAIN)
        try:
            await action.run(*arguments)
            return await action.run(*arguments)
        finally:
            await endpoint.close()
            await runner.cleanup()

    return asyncio.run(talk()), sent


EMPTY = {"events": [], "responses": []}


def test_it_sends_the_last_turns_the_slots_and_the_token_over_one_connection(monkeypatch):
    _, sent = ask(monkeypatch, "action_few", EMPTY, enable_selective_domain=True)
    headers, body, connection = sent[0]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    texts = [e["text"] for e in body["tracker"]["events"] if e["event"] == "user"]
    assert texts == [f"message {number}" for number in range(20 - TURNS_BEFORE - 1, 20)]
    assert body["tracker"]["slots"]["size"] == "42"
    assert body["tracker"]["latest_message"]["intent_ranking"] and "domain" not in body
    kept = {e["event"] for e in body["tracker"]["events"] if "metadata" in e}
    assert kept == {"user"}
    assert sent[1][2] is connection and sent[1][1] == body


def test_of_earlier_turns_it_sends_what_was_said_and_done_and_of_this_one_everything(monkeypatch):
    tracker = LiveTracker("a", DOMAIN.slots)
    for text in ("earlier", "now"):
        tracker.update(UserUttered(text, {"name": "ask"}, []))
        tracker.update(SlotSet("size", text))
        tracker.update(BotUttered(f"answer to {text}"))
        tracker.update(ActionExecuted("action_listen"))
    _, sent = ask(monkeypatch, "action_few", EMPTY, tracker=tracker)
    told = [event["event"] for event in sent[0][1]["tracker"]["events"]]
    assert told == ["user", "bot", "action", "user", "slot", "bot", "action"]


def test_the_domain_goes_to_actions_that_ask_for_it(monkeypatch):
    _, sent = ask(monkeypatch, "action_domain", EMPTY, enable_selective_domain=True)
    assert "utter_size" in sent[0][1]["domain"]["responses"]


def test_a_forms_validation_gets_what_rasa_sdk_reads_or_what_it_asks_for(monkeypatch):
    _, sent = ask(monkeypatch, "validate_few_form", EMPTY, enable_selective_domain=True)
    told = sent[0][1]["domain"]
    assert set(told) == {"forms", "slots"} and told["forms"]["few_form"] and "size" in told["slots"]
    _, sent = ask(monkeypatch, "validate_all_form", EMPTY, enable_selective_domain=True)
    assert "utter_size" in sent[0][1]["domain"]["responses"]


def test_named_actions_get_the_whole_conversation(monkeypatch):
    tracker = long_tracker()
    store = Store([*(UserUttered(f"older {number}") for number in range(50)), *tracker.events])
    tracker.update(BotUttered("of this turn"))
    _, sent = ask(monkeypatch, "action_all", EMPTY, tracker, store, full_tracker=["action_all"])
    events = sent[0][1]["tracker"]["events"]
    assert events[0]["text"] == "older 0" and events[-1]["text"] == "of this turn"
    assert len(events) == 50 + len(tracker.events)


def test_answers_become_messages_and_events(monkeypatch):
    answer = {
        "events": [{"event": "slot", "name": "size", "value": "43"}],
        "responses": [{"response": "utter_size", "buttons": [{"title": "t", "payload": "/ask"}]}],
    }
    events, _ = ask(monkeypatch, "action_few", answer)
    assert events[0].text == "size 42" and events[0].data["buttons"][0]["title"] == "t"
    assert events[1] == SlotSet("size", "43")


def test_a_rejection_lets_others_decide(monkeypatch):
    refused = {"action_name": "action_few", "error": "not now"}
    with pytest.raises(ActionExecutionRejection, match="not now"):
        ask(monkeypatch, "action_few", refused, status=400)


@pytest.mark.parametrize(
    ("answer", "status"), [({}, 500), ({"events": "none", "responses": []}, 200)]
)
def test_a_failing_action_server_is_named(monkeypatch, answer, status):
    with pytest.raises(RasaException, match="action_few"):
        ask(monkeypatch, "action_few", answer, status=status)
