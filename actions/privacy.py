"""What a shopper allows, takes back, and wants done with their data: done, then acknowledged."""

from __future__ import annotations

import os

from actions import cues, words
from actions.base import Answer, Flow
from actions.turn import Turn, in_thread
from cdp import erasure, export, parts, privacy
from storage import write

# What a withdrawal takes back is loaded with the server, and not while the first one waits.
TAKEN_BACK = parts.__all__

# What cannot be undone wants a plain yes; anything that sounds like second thoughts is a no.


async def _decide(turn: Turn, purposes: tuple[str, ...], granted: bool) -> None:
    await in_thread(
        privacy.decide,
        _ids(turn),
        purposes,
        granted,
        _channel(turn),
        f"message {turn.message_key}",
    )


def _ids(turn: Turn) -> list[tuple[str, str]]:
    """The identifiers of who is talking."""
    return privacy.ids_of(turn.shopper, turn.conversation)


def _channel(turn: Turn) -> str:
    return turn.tracker.get_latest_input_channel() or "unknown"


def _make_copy(turn: Turn) -> tuple[int, list[dict]]:
    """The number of the request, and links to the copy as a page and as a file."""
    number = privacy.request(_ids(turn), "export", turn.message_key)
    # The page of the chat is ours; from elsewhere a link needs to say where that is.
    origin = "" if _channel(turn) == "web" else os.environ.get("QUDAO_WEB_ORIGIN", "")
    paths = export.links(number)
    return number, [
        {"title": turn.phrase("copy.html"), "url": origin + paths["html"]},
        {"title": turn.phrase("copy.json"), "url": origin + paths["json"]},
    ]


def _erase(turn: Turn) -> str:
    """The number of the receipt; the same for a message that is processed again."""
    number = privacy.request(_ids(turn), "delete", turn.message_key)
    with write() as session:
        return erasure.begin(session, _ids(turn), _channel(turn), number)


def _meant(turn: Turn) -> bool | None:
    """Yes, no or neither; what is typed counts as yes only where it says so in so many words."""
    if turn.chosen:
        return words.yes_or_no("", turn.intent)
    if cues.says("privacy.keep", turn.text):
        return False
    if cues.is_whole("privacy.delete", turn.text.strip()):
        return True
    return words.yes_or_no(turn.text, turn.intent if turn.intent == "deny" else "")


class GiveConsent(Answer):
    """Records consent to analytics, personalisation and marketing, with the message as evidence.

    Slots read: none.
    Slots set: none.
    Entities read: none.
    Says: `consent_given`.
    Failures: database away: `unavailable`, with the way to a person.
    """

    action_name = "action_give_consent"

    async def answer(self, turn: Turn) -> None:
        """Record and acknowledge."""
        await _decide(turn, privacy.ASKED_TOGETHER, True)
        turn.say("consent_given")


class WithdrawConsent(Answer):
    """Records the withdrawal of every optional consent; service goes on as before.

    Slots read: none.
    Slots set: none.
    Entities read: none.
    Says: `consent_withdrawn`.
    Failures: database away: `unavailable`, with the way to a person.
    """

    action_name = "action_withdraw_consent"

    async def answer(self, turn: Turn) -> None:
        """Record and acknowledge."""
        await _decide(turn, privacy.OPTIONAL, False)
        turn.say("consent_withdrawn")


class UnsubscribeMarketing(Answer):
    """Records that no marketing may be sent any more.

    Slots read: none.
    Slots set: none.
    Entities read: none.
    Says: `unsubscribed`.
    Failures: database away: `unavailable`, with the way to a person.
    """

    action_name = "action_unsubscribe"

    async def answer(self, turn: Turn) -> None:
        """Record and acknowledge."""
        await _decide(turn, ("marketing",), False)
        turn.say("unsubscribed")


class RequestMyData(Answer):
    """Gives signed links to a copy of one's data, good for a day.

    Slots read: none.
    Slots set: none.
    Entities read: none.
    Says: `data_requested` with its number and links.
    Failures: a message processed twice makes one request; database away: `unavailable`, with the
        way to a person.
    """

    action_name = "action_request_data"

    async def answer(self, turn: Turn) -> None:
        """Store the request and answer with the links."""
        number, links = await in_thread(_make_copy, turn)
        turn.say("data_requested", links=links, number=number)


class ValidateDeletionForm(Flow):
    """Asks for a plain yes, since deletion cannot be undone.

    Slots read: deletion_confirmed, outcome, flow, paused, requested_slot.
    Slots set: deletion_confirmed, outcome, flow, paused, requested_slot.
    Entities read: none.
    Says: `question_deletion_confirmed`.
    Failures: none; it asks neither the graph nor the database.
    """

    form = "deletion_form"
    state_slots = ("deletion_confirmed", "outcome")

    async def fill(self, turn: Turn, starting: bool) -> bool:
        """Take yes or no."""
        if starting:
            return False
        answer = _meant(turn)
        if self.leaves(turn):
            answer = False
        if answer is None:
            return False
        turn.set(deletion_confirmed=answer, outcome="submit" if answer else "left")
        return True

    async def next_question(self, turn: Turn) -> str | None:
        """Ask whether it is really meant."""
        if turn.slot("outcome"):
            return None
        turn.say(
            "question_deletion_confirmed",
            buttons=[turn.button("delete", "affirm"), turn.button("not_delete", "deny")],
        )
        return "deletion_confirmed"


class DeleteMyData(Answer):
    """Begins the erasure of one's data, once it is confirmed.

    Slots read: outcome.
    Slots set: none.
    Entities read: none.
    Says: `deletion_requested` with the receipt's number, or `deletion_left`.
    Failures: a message processed twice begins one erasure; database away: `unavailable`, with the
        way to a person.
    """

    action_name = "action_delete_data"

    async def answer(self, turn: Turn) -> None:
        """Begin and give the receipt's number, or let it be."""
        if turn.slot("outcome") != "submit":
            turn.say("deletion_left")
            return
        turn.say("deletion_requested", number=await in_thread(_erase, turn))
