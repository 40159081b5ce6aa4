"""Anger, and the way to a person."""

from __future__ import annotations

from rasa_sdk.events import ActiveLoop, SlotSet

from actions import handoff
from actions.base import Answer, to_person
from actions.small_talk import menu
from actions.turn import Turn, in_thread
from cdp import cases


async def call_person(turn: Turn, reason: str, because: str = "") -> None:
    """Store a request to the desk with the whole conversation, and say so.

    `because`: why it was not asked for, for whoever takes the case.
    """
    transcript = [{"from": "system", "text": because}] if because else []
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
    """Says sorry; where the talk shows that this will not do, it brings a person.

    Slots read: complaints, misunderstood, order_id.
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
        reading = await handoff.read(turn)
        turn.set(complaints=(turn.slot("complaints") or 0) + 1)
        if reading.score >= handoff.THRESHOLD:
            await call_person(turn, "complained", reading.because(turn))
        else:
            turn.say("sorry", buttons=[to_person(turn)])


class HandOver(Answer):
    """Says sorry and brings a person, where an answer would only make it worse.

    Slots read: complaints, misunderstood, order_id.
    Slots set: complaints, misunderstood, requested_slot.
    Entities read: none.
    Says: `person_complained` with the case's number; a form under way ends.
    Failures: asking again keeps the one case; database away: `unavailable`, with the way to a
        person.
    """

    action_name = "action_hand_over"

    async def answer(self, turn: Turn) -> None:
        """Ask the desk for a person, and tell it why."""
        await call_person(turn, "complained", (await handoff.read(turn)).because(turn))
