"""When it is not sure what was meant: the graph's own answer, else the two likeliest meanings."""

from __future__ import annotations

from actions.base import Answer, to_person
from actions.faq_answers import answer_from_faq
from actions.followups import followed_up
from actions.meanings import MEANINGS
from actions.turn import Turn, button

FAQ_SURE = 0.6
OFFERED = 2
# After so many messages not understood in a row a person is what is offered first.
PATIENCE = 3


class Clarify(Answer):
    """Answers what was not understood: from the FAQ, else by offering two meanings.

    Slots read: misunderstood, product, category, offered_products, search.
    Slots set: misunderstood, product, category, offered_products, search.
    Entities read: product, category, brand, series, colour, size, money, foot_length, height,
        weight, age.
    Says: the FAQ's answer, or `unclear…` with the two likeliest intents and the way to a person.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    action_name = "action_clarify"

    async def answer(self, turn: Turn) -> None:
        """Answer from the FAQ, or ask which of two was meant."""
        if await followed_up(turn) or await answer_from_faq(turn, sure=FAQ_SURE):
            turn.set(misunderstood=0)
            return
        missed = (turn.slot("misunderstood") or 0) + 1
        turn.set(misunderstood=missed)
        person = to_person(turn)
        if turn.active_form:
            turn.say("unclear_in_form", buttons=[person] if missed >= PATIENCE else None)
            return
        likely = [
            ranked["name"]
            for ranked in turn.tracker.latest_message.get("intent_ranking") or []
            if ranked.get("name") in MEANINGS
        ][:OFFERED]
        keep = {"product": turn.entity("product")} if turn.entity("product") else {}
        keep |= {"category": turn.entity("category")} if turn.entity("category") else {}
        choices = [button(turn.phrase(f"meaning.{intent}"), intent, **keep) for intent in likely]
        response = "unclear_again" if missed >= PATIENCE else "unclear"
        # At last a person is what is offered first.
        buttons = [person, *choices] if missed >= PATIENCE else [*choices, person]
        turn.say(response, buttons=buttons)
