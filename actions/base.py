"""What all actions share: answering, going on with a form, and failing honestly.

    Answer   answers one message; if a form was under way, the form goes on afterwards
    Flow     validates a form: fills its slots from the message, then asks for the next one

A shopper gets an answer even if the graph or the database is down: the same honest sentence, with
the way to a person.

An action's docstring says which slots and entities it reads, which slots it sets, what it says, and
which failures it handles. What all share is left out there: slot `language` is read for every
phrase; an answer that is understood sets `misunderstood` to 0, and reads `requested_slot` and
`paused` to let a form go on.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

from rasa_sdk import Action
from rasa_sdk.events import FollowupAction, SlotSet
from sqlalchemy.exc import SQLAlchemyError

from actions import handoff, words
from actions.turn import Turn, in_thread
from cdp import cases
from kg.errors import GraphError

logger = logging.getLogger(__name__)

# What brings a person to somebody who is upset, and the actions that decide on it by themselves.
HAND_OVER = "action_hand_over"
_OF_PEOPLE = (HAND_OVER, "action_request_human", "action_complain")


def to_person(turn: Turn) -> dict:
    """The button that brings a person."""
    return turn.button("person", "request_human")


class Answer(Action, ABC):
    """An action that answers one message."""

    action_name: str

    def name(self) -> str:
        """The action's name in the domain."""
        return self.action_name

    async def run(self, dispatcher, tracker, domain):
        """Answer; then let a form that was under way ask again what it was asking."""
        turn = Turn(dispatcher, tracker, domain)
        if self.action_name not in _OF_PEOPLE and await _wants_person(turn):
            return [FollowupAction(HAND_OVER)]
        if turn.intent != "nlu_fallback" and turn.slot("misunderstood"):
            turn.set(misunderstood=0)
        await _honestly(turn, self.action_name, self.answer)
        events = turn.events()
        form = _goes_on(turn, events)
        return [*events, FollowupAction(form)] if form else events

    @abstractmethod
    async def answer(self, turn: Turn) -> None:
        """Say something, set slots."""


class Flow(Action, ABC):
    """The validation of a form: a flow of questions whose order the shopper's answers decide.

    `state_slots` belong to the flow: they are emptied when it starts. `fill` takes what the message
    gives; `next_question` asks and names the slot it asks for, or returns None when nothing is
    missing. A message that gives nothing is left to the rules (a question in the middle of the
    form, for example), after which the form asks again.

    A flow that `only_asks` and starts in the middle of another (a size, in the middle of an
    exchange) gives back to it: slot `flow` names the one under way, `paused` keeps what the
    interrupted one knew.
    """

    form: str
    state_slots: tuple[str, ...]
    _flows: dict[str, tuple[str, ...]] = {}

    def __init_subclass__(cls, **kwargs) -> None:
        """Know every flow's slots by the name of its form."""
        super().__init_subclass__(**kwargs)
        cls._flows[cls.form] = cls.state_slots

    def name(self) -> str:
        """`action_validate_…` is for slots; a form's validation is `validate_<form>`."""
        return f"validate_{self.form}"

    async def run(self, dispatcher, tracker, domain):
        """Fill what the message gives, then ask for what is missing."""
        turn = Turn(dispatcher, tracker, domain)
        await _honestly(turn, self.name(), self._advance)
        events = turn.events()
        if turn.answered and not events:
            # An event keeps Rasa from taking the message for one that gave the form nothing.
            kept = self.state_slots[0]
            events = [SlotSet(kept, turn.slot(kept)), SlotSet("requested_slot", None)]
        return events

    async def _advance(self, turn: Turn) -> None:
        starting = self._starts(turn)
        resuming = starting and self._take_up(turn)
        if starting and not resuming:
            self._begin(turn)
        if not resuming and (starting or not self._resumes(turn)):
            handled = await self.fill(turn, starting)
            if not handled and not starting:
                return
        asked = await self.next_question(turn)
        turn.extra_events.append(SlotSet("requested_slot", asked))

    @abstractmethod
    async def fill(self, turn: Turn, starting: bool) -> bool:
        """Set slots from the message; whether it gave anything (True sets at least one slot)."""

    @abstractmethod
    async def next_question(self, turn: Turn) -> str | None:
        """Ask for the next thing that is missing and name its slot, or None."""

    def only_asks(self, turn: Turn) -> bool:
        """Whether what starts with this message changes nothing, so that another flow may wait."""
        return False

    def _begin(self, turn: Turn) -> None:
        under_way = turn.slot("flow") if turn.slot("requested_slot") else None
        paused = None
        if under_way in self._flows and under_way != self.form and self.only_asks(turn):
            kept = {slot: turn.slot(slot) for slot in self._flows[under_way]}
            paused = {"form": under_way, "slots": kept}
        turn.set(**dict.fromkeys(self.state_slots), flow=self.form, paused=paused)

    def _take_up(self, turn: Turn) -> bool:
        """Go on where this flow was interrupted; whether it was."""
        paused = turn.slot("paused")
        if not paused or paused["form"] != self.form:
            return False
        turn.set(**paused["slots"], flow=self.form, paused=None)
        return True

    def _starts(self, turn: Turn) -> bool:
        return any(
            event.get("event") == "active_loop" and event.get("name") == self.form
            for event in turn.events_since_message()
        )

    def _resumes(self, turn: Turn) -> bool:
        # Something else has answered this message already; the form only asks again.
        return any(
            event.get("event") == "action"
            and event.get("name") not in (self.form, "action_listen", "action_extract_slots")
            for event in turn.events_since_message()
        )

    @staticmethod
    def leaves(turn: Turn) -> bool:
        """Whether the shopper drops the flow."""
        return not turn.chosen and words.leaves(turn.text)


async def _wants_person(turn: Turn) -> bool:
    """Whether the shopper is so upset that a person should answer, and none has been called yet."""
    try:
        reading = await handoff.read(turn)
        if reading.score < handoff.THRESHOLD:
            return False
        return not await in_thread(cases.waits, turn.conversation)
    except SQLAlchemyError:
        # Without the database nobody can be called; what is answered will say so.
        return False


def _goes_on(turn: Turn, events) -> str | None:
    """The form that has the word after an answer: the one under way, or the one that waits."""
    if turn.active_form and turn.slot("requested_slot") and not _leaves_form(events):
        return turn.active_form
    if turn.active_form is None and turn.slot("paused"):
        return turn.slot("paused")["form"]
    return None


def _leaves_form(events) -> bool:
    return any(event.get("event") == "active_loop" and not event.get("name") for event in events)


async def _honestly(turn: Turn, what: str, step) -> None:
    try:
        await turn.prepare()
        await step(turn)
    except (GraphError, SQLAlchemyError):
        logger.exception("action.failed name=%s", what)
        turn.say("unavailable", buttons=[to_person(turn)])
