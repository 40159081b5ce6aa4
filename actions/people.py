"""Anger, and the way to a person."""

from __future__ import annotations

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.base import Answer, to_person
from actions.small_talk import menu
from actions.turn import Turn, in_thread
from cdp import cases

# The second complaint in a conversation is one too many for a machine.
PATIENCE = 2


async def call_person(turn: Turn, reason: str) -> None:
    """Store a request to the desk with the whole conversation, and say so."""
    transcript = []
    for event in turn.tracker.events:
        if event.get("event") in ("user", "bot") and event.get("text"):
            transcript.append({"from": event["event"], "text": event["text"]})
    case = await in_thread(
        cases.request_person, turn.conversation, reason, transcript, turn.shopper
    )
    turn.set(complaints=0, misunderstood=0)
    if turn.active_form:
        # Whoever asked for a person is not asked on by a machine.
        turn.extra_events += [ActiveLoop(None), SlotSet("requested_slot", None)]
    turn.say(f"person_{reason}", case=case)


class RequestHuman(Answer):
    """Asks the desk for a person, with the whole conversation.

    Slots read: none.
    Slots set: complaints, misunderstood, requested_slot.
    Entities read: none.
    Says: `person_asked` with the case's number; a form under way ends.
    Failures: asking again keeps the one case; database away: `unavailable`, with the way to a
        person.
    """

    action_name = "action_request_human"

    async def answer(self, turn: Turn) -> None:
        """Ask the desk for a person."""
        await call_person(turn, "asked")


class Complain(Answer):
    """Says sorry; at the second complaint of a conversation it brings a person.

    Slots read: complaints.
    Slots set: complaints, misunderstood, requested_slot.
    Entities read: none.
    Says: `sorry`, or `person_complained`; `unclear` to a mere row of signs.
    Failures: database away: `unavailable`, with the way to a person.
    """

    action_name = "action_complain"

    async def answer(self, turn: Turn) -> None:
        """Say sorry and offer a person; call one if it is not the first time."""
        if not any(sign.isalnum() for sign in turn.text):
            # 「？？？」 is impatient, but says nothing that could be noted down.
            turn.say("unclear", buttons=[*menu(turn), to_person(turn)])
            return
        complaints = (turn.slot("complaints") or 0) + 1
        turn.set(complaints=complaints)
        if complaints >= PATIENCE:
            await call_person(turn, "complained")
        else:
            turn.say("sorry", buttons=[to_person(turn)])
