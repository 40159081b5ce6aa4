"""Answers from the questions that the graph knows."""

from __future__ import annotations

from actions.focus import candidates, mention
from actions.knowledge import faq, graph
from actions.turn import Turn
from kg import catalogue
from kg.faq import Faq

FAQ_SURE = 0.55
# How much a question on another kind of goods than the one spoken of falls behind.
_OTHER_KIND = 0.15


async def answer_from_faq(turn: Turn, intent: str | None = None, sure: float = FAQ_SURE) -> bool:
    """Answer with the question in the graph that fits; whether one did."""
    if turn.chosen:
        return False
    found = await faq().search(turn.text, intent=intent, limit=5)
    if not found or found[0][1] < sure:
        return False
    kinds = await _kinds(turn)
    ranked = sorted(found, key=lambda one: -(one[1] - _OTHER_KIND * _off(one[0], kinds)))
    turn.say_text(ranked[0][0].answer)
    return True


async def _kinds(turn: Turn) -> set[str]:
    """The categories that are spoken of, each with all that it lies in."""
    paths = [product.category_path for product in await candidates(turn)]
    named = mention(turn).category
    category = await catalogue.category(graph(), named) if named else None
    return {id for path in [*paths, category.path if category else []] for id in path}


def _off(question: Faq, kinds: set[str]) -> bool:
    about = {name.partition(":")[2] for name in question.about if name.startswith("category:")}
    return bool(about) and not about & kinds
