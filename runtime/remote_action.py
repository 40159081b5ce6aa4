"""The action server as the assistant calls it: a kept connection, a token, no more than needed.

Rasa opens a session for every call and sends all events and the whole domain (152 KB after a
hundred turns). Actions read the turn at hand and the slots, and of a few turns before it what was
said and done. Those named in `full_tracker` (a handover to a person, with the whole talk) get
everything.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from typing import Any

import aiohttp
import rasa
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.shared.core.domain import KEY_ACTIONS, KEY_FORMS, KEY_SLOTS, Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from yarl import URL

from runtime.events import Ready, as_events, as_json, from_json
from runtime.tracker import LiveTracker
from storage.secrets import secret

TIMEOUT_SECONDS = 10.0
TURNS_BEFORE = 6
# The slot by which a response's language is chosen.
LANGUAGE = "language"

_LONG_PARTS = ("intent_ranking", "text_tokens", "response_selector")
_VALIDATION_READS = (KEY_FORMS, KEY_SLOTS)
_TOLD = "_told_to_actions"
_SAID_AND_DONE = (UserUttered.type_name, BotUttered.type_name, ActionExecuted.type_name)


class ActionEndpoint(EndpointConfig):
    """`action_endpoint` of `endpoints.yml`, with `full_tracker`: names of actions, optional."""

    def __init__(self, config: EndpointConfig, tracker_store=None) -> None:
        """Take over a configuration that Rasa has read.

        Raises:
            MissingSecret: `QUDAO_ACTION_TOKEN` is not set.
        """
        # The environment may move the action server (another port, another machine).
        url = os.environ.get("ACTION_ENDPOINT_URL") or config.url
        super().__init__(url, headers=config.headers, **config.kwargs)
        self._address = URL(url)
        self.headers = {**self.headers, "Authorization": f"Bearer {secret('QUDAO_ACTION_TOKEN')}"}
        self.full_tracker = frozenset(self.kwargs.get("full_tracker") or ())
        self.tracker_store = tracker_store
        self._kept: aiohttp.ClientSession | None = None

    async def request(self, method: str = "post", **call: Any) -> Any:
        """Call the action server; `json` is the body as Rasa's RemoteAction makes it.

        Raises:
            ClientResponseError: it answered with 400 (the action is rejected) or more.
            aiohttp.ClientError: it cannot be reached, or took longer than `TIMEOUT_SECONDS`.
        """
        try:
            body = as_json(call.get("json"))
            async with self._session().request(method, self._address, data=body) as response:
                if response.status >= 400:
                    said = await response.text()
                    raise ClientResponseError(response.status, response.reason, said)
                return from_json(await response.read())
        except asyncio.TimeoutError as error:
            raise aiohttp.ServerTimeoutError(f"no answer in {TIMEOUT_SECONDS:.0f} s") from error

    async def close(self) -> None:
        """Close the kept connections."""
        if self._kept is not None:
            await self._kept.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._kept is None or self._kept.closed:
            self._kept = aiohttp.ClientSession(
                headers={**self.headers, "Content-Type": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                request_class=_InOneWrite,
                connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60),
            )
        return self._kept


class _InOneWrite(aiohttp.ClientRequest):
    """Its head and its body, which is bytes, leave together, as they do from aiohttp 3.12 on. That
    of Rasa's pins leaves the body to a task, and each half wakes the action server."""

    def update_body_from_data(self, body: bytes) -> None:
        super().update_body_from_data(body)
        self._told = body

    async def send(self, conn) -> aiohttp.ClientResponse:
        self.body = b""
        response = await super().send(conn)
        # uvloop writes at the end of its turn what was given to it in the turn.
        conn.transport.write(self._told)
        return response


class LiveRemoteAction(RemoteAction):
    """A custom action, called with the last turns of the conversation."""

    async def run(self, output_channel, nlg, tracker, domain) -> list[Event]:
        """The bot's messages, then the events that the action returned.

        Raises:
            ActionExecutionRejection: the action rejects to run.
            RasaException: the action server failed, or answered in another form.
        """
        if self.action_endpoint is None:
            raise RasaException(f"action {self.name()!r}: endpoints.yml names no action_endpoint")
        if self.name() in self.action_endpoint.full_tracker:
            tracker = await self._with_all_events(tracker)
        answer = await self._call(self._action_call_format(tracker, domain))
        events = as_events(answer["events"])
        speaking = _speaking(tracker, events)
        said = await self._utter_responses(answer["responses"], output_channel, nlg, speaking)
        return [*said, *events]

    async def _call(self, body: dict[str, Any]) -> dict[str, list]:
        try:
            answer = await self.action_endpoint.request(json=body)
        except ClientResponseError as error:
            if error.status == 400:
                raise _rejection(self.name(), error.text) from None
            # Its body repeats the whole call, with what the shopper said: not for the logs.
            raise RasaException(
                f"action {self.name()!r}: the action server answered {error.status}"
            ) from None
        except aiohttp.ClientError as error:
            raise RasaException(
                f"action {self.name()!r}: no answer from {self.action_endpoint.url} ({error})"
            ) from error
        found = {part: (answer or {}).get(part) or [] for part in ("events", "responses")}
        for part, listed in found.items():
            if not isinstance(listed, list) or not all(isinstance(x, dict) for x in listed):
                raise RasaException(f"action {self.name()!r}: {part}: expected a list of objects")
        return found

    def _action_call_format(self, tracker, domain) -> dict[str, Any]:
        state = _state(tracker)
        everything = self.name() in self.action_endpoint.full_tracker
        events = tracker.events if everything else recent_events(tracker)
        state["events"] = [
            _told(event, tracker.latest_message)
            for event in events
            if everything or event.type_name != DefinePrevUserUtteredFeaturization.type_name
        ]
        body = {
            "next_action": self.name(),
            "sender_id": tracker.sender_id,
            "tracker": state,
            "version": rasa.__version__,
        }
        told = self._domain_for_action(domain)
        return body if told is None else {**body, "domain": told}

    def _domain_for_action(self, domain: Domain) -> dict[str, Any] | None:
        """The domain where the action asked for it, of which a form's validation that did not
        needs what rasa-sdk's FormValidationAction reads: the responses alone are 170 KB."""
        if not self._is_selective_domain_enabled():
            return domain.as_dict()
        if not domain.does_custom_action_explicitly_need_domain(self.name()):
            return None
        whole = domain.as_dict()
        if self.name() in whole.get(KEY_ACTIONS, ()):  # as a name alone, without `send_domain`
            return {part: whole.get(part, {}) for part in _VALIDATION_READS}
        return whole

    async def _with_all_events(self, tracker: DialogueStateTracker) -> DialogueStateTracker:
        stored = await self.action_endpoint.tracker_store.retrieve_full_tracker(tracker.sender_id)
        if stored is None or not isinstance(tracker, LiveTracker):
            return tracker
        whole = tracker.copy()
        whole.events = deque([*stored.events, *list(tracker.events)[tracker.accepted :]])
        return whole


def _speaking(tracker: DialogueStateTracker, events: list[Event]) -> DialogueStateTracker:
    """The tracker by whose slots responses are chosen: in the language that the action has set."""
    told = [e for e in events if isinstance(e, SlotSet) and e.key == LANGUAGE]
    if not told or LANGUAGE not in tracker.slots:
        return tracker
    speaking = tracker.copy()
    speaking._set_slot(LANGUAGE, told[-1].value)
    return speaking


def recent_events(tracker: DialogueStateTracker) -> list[Event]:
    """The events since the shopper's latest message, and what was said and done in the six turns
    before it: what slots held then no action asks, and it is half of all events."""
    recent: list[Event] = []
    turns = 0
    for event in reversed(tracker.events):
        if not turns or event.type_name in _SAID_AND_DONE:
            recent.append(event)
        if event.type_name == UserUttered.type_name:
            turns += 1
            if turns > TURNS_BEFORE:
                break
    return recent[::-1]


def _state(tracker: DialogueStateTracker) -> dict[str, Any]:
    """As Rasa's `current_state` without events, and without a deep copy of the loop's trigger."""
    loop = tracker.active_loop
    return {
        "sender_id": tracker.sender_id,
        "slots": tracker.current_slot_values(),
        "latest_message": tracker._latest_message_data(),
        "latest_event_time": tracker.events[-1].timestamp if tracker.events else None,
        "followup_action": tracker.followup_action,
        "paused": tracker.is_paused(),
        "latest_input_channel": tracker.get_latest_input_channel(),
        "active_loop": {**vars(loop), "trigger_message": _short(loop.trigger_message)}
        if loop
        else {},
        "latest_action": tracker.latest_action,
        "latest_action_name": tracker.latest_action_name,
    }


def _told(event: Event, latest: UserUttered) -> dict[str, Any] | Ready:
    """The event for an action; what else an earlier message might have meant stays here.

    An event that does not change any more is put into JSON once, and that kept with it: it is told
    again and again.
    """
    if event is latest:
        return event.as_dict()
    kept = vars(event).get(_TOLD)
    if kept is None:
        told = event.as_dict()
        if event.type_name == UserUttered.type_name:
            told["parse_data"] = _short(told["parse_data"])
        elif event.type_name != BotUttered.type_name:
            # What is said has metadata of its channel's; all else only names the model.
            told.pop("metadata", None)
        kept = vars(event)[_TOLD] = Ready(as_json(told))
    return kept


def _short(parse_data: dict[str, Any] | None) -> dict[str, Any] | None:
    if parse_data is None:
        return None
    return {part: told for part, told in parse_data.items() if part not in _LONG_PARTS}


def _rejection(name: str, body: str) -> ActionExecutionRejection:
    try:
        described = json.loads(body)
        return ActionExecutionRejection(described.get("action_name", name), described.get("error"))
    except (ValueError, AttributeError):
        return ActionExecutionRejection(name)
