"""A short message in the light of what was just talked about.

有黑色的吗 or 多重 says little by itself; after a search or with a product in view it is plain.
Used where the intent alone is unsure or says only that a detail was given.
"""

from __future__ import annotations

from rasa_sdk.events import FollowupAction

from actions import cues, wants
from actions.focus import candidates, mention
from actions.products import Price, ProductAttribute, Stock, matching
from actions.search import SearchProduct, narrows
from actions.stock import version
from actions.turn import Turn

_BODY = ("foot_length", "height", "weight", "age")
_BROWSING = ("search_product", "ask_recommendation")


async def followed_up(turn: Turn) -> bool:
    """Answer the message as a follow-up; whether it could be read as one."""
    if turn.active_form or turn.chosen:
        return False
    body = cues.says("goods.girth", turn.text) or any(turn.entity(measure) for measure in _BODY)
    if body and not _browsing(turn):
        turn.extra_events.append(FollowupAction("size_form"))
        return True
    answer = await _answer(turn)
    if answer:
        await answer().answer(turn)
    return answer is not None


async def _answer(turn: Turn):
    found = await candidates(turn)
    if len(found) == 1:
        product, text = found[0], turn.text
        if cues.says("goods.price", text):
            return Price
        if cues.says("goods.colour", text) or matching(product, text):
            return ProductAttribute
        if (
            cues.says("goods.stock", text)
            or version(product, turn)
            or any(c in text for c in product.colours)
        ):
            return Stock
        if wants.colour(text) and not turn.slot("search"):
            return Stock
        singled_out = turn.entities("product") or turn.picked(turn.slot("offered_products"))
        if singled_out and cues.says("goods.at_large", text):
            return ProductAttribute
    if narrows(turn) or (not found and _names_goods(turn)):
        return SearchProduct
    return None


def _browsing(turn: Turn) -> bool:
    ranking = turn.tracker.latest_message.get("intent_ranking") or []
    return any(ranked.get("name") in _BROWSING for ranked in ranking[:2])


def _names_goods(turn: Turn) -> bool:
    """Whether goods are named and little else is said, or they are most likely looked for."""
    if not mention(turn):
        return False
    kinds = ("category", "brand", "series")
    named = sum((e["end"] or 0) - (e["start"] or 0) for k in kinds for e in turn.entities(k))
    return named * 2 >= len(turn.text.strip()) or _browsing(turn)
