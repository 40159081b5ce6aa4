"""Several questions in one message: 这双鞋有42码吗，几天能到.

A message is cut only where each part by itself surely is a question (or one of them a wish), and
they are about different matters. Everything else stays whole: clauses that belong together
(鞋子有点小，能换大一码吗), one matter asked in two ways, and what alone would mean something else
than after the part before it (能开发票吗，多久能收到). Which intents are which is said below; where
a text has clauses, in nlu/clauses.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nlu.clauses import Clause, clauses
from nlu.language_recogniser import LANGUAGE

# How sure the intent of each part must be; surer where it begins something.
SURE, SURE_TO_START = 0.5, 0.65
# Longer or more broken up than this it is a story; more questions than these are not taken apart.
LONGEST, MOST_CLAUSES, MOST_QUESTIONS = 160, 8, 3

FINDING = frozenset(("search_product", "ask_recommendation", "compare_products"))
GOODS = frozenset(
    (
        "ask_product_attribute",
        "ask_product_usage",
        "ask_package_contents",
        "ask_size",
        "ask_stock",
        "ask_price",
        "ask_authenticity",
    )
)
OFFERS = frozenset(("ask_promotion", "ask_coupon", "ask_payment_method", "ask_installment"))
SENDING = frozenset(("ask_shipping_fee", "ask_shipping_method", "ask_delivery_time"))
BUYING = GOODS | FINDING | OFFERS | SENDING
_OF_ONE_PRODUCT = ("ask_price", "ask_stock")
SERVICE = frozenset(
    (
        "ask_return_policy",
        "ask_return_method",
        "ask_return_shipping_fee",
        "ask_warranty",
        "ask_installation",
        "ask_review",
        "ask_membership",
        "ask_account",
        "place_order_help",
    )
)
WISHES = frozenset(
    (
        "request_return",
        "request_refund",
        "request_exchange",
        "cancel_order",
        "modify_order",
        "request_invoice",
        "change_invoice",
        "ask_order_status",
        "track_shipment",
    )
)
# What begins a form; it is answered last, so that the form's question stands at the end. Of two,
# one must be the size, which only asks: the other waits for it and goes on afterwards.
STARTS = WISHES | {"ask_size"}
_QUESTIONS = BUYING | SERVICE | STARTS
# What the whole may be taken for: anything but discontent, reports and privacy.
_WHOLE = _QUESTIONS | {"nlu_fallback", "greet", "thank", "inform", "praise"}

# What a part may be taken for when details stand beside its question.
_DETAILS = ("inform", "nlu_fallback")

# One matter: who asks for two of these asks once.
RETURNS = frozenset(
    (
        "ask_return_policy",
        "ask_return_method",
        "request_return",
        "request_refund",
        "request_exchange",
        "cancel_order",
    )
)
_MATTERS = (
    RETURNS,
    frozenset(("ask_delivery_time", "ask_order_status", "track_shipment")),
    frozenset(("request_invoice", "change_invoice")),
    frozenset(("ask_account", "place_order_help")),
    frozenset(("request_exchange", "ask_stock")),
    frozenset(("request_exchange", "ask_size")),
)
# What says little by itself, and after which questions it still is about the goods, their price
# and their parcel (多少钱 after 能上门安装吗 is not). "Also" before it, or goods or a parcel named
# in it, make it independent of them all.
_LEANS_ON = {
    "ask_price": GOODS | {"ask_promotion"},
    "ask_product_usage": GOODS - {"ask_price"},
    "ask_product_attribute": GOODS | SENDING,
    "ask_stock": GOODS | SENDING,
    "ask_size": GOODS - {"ask_product_attribute"} | OFFERS | SENDING,
    "ask_return_policy": BUYING - {"ask_coupon"} | SERVICE,
    "modify_order": BUYING,
    "ask_delivery_time": BUYING,
    "ask_shipping_fee": BUYING | RETURNS,
    "ask_shipping_method": BUYING,
    "ask_account": frozenset(),
    "place_order_help": frozenset(),
}
_OF_PARCELS = re.compile("[货貨邮届]|快递|物流|配送|発送|送料|배송|ship|deliver", re.I)
_PARTICULAR = ("product", "brand", "series")
_GOODS_NAMED = ("product", "brand", "category", "series")

Understand = Callable[[str], dict]


@dataclass(frozen=True)
class Question:
    """One question of a message, and what it means (as Rasa's `parse_message` says it)."""

    text: str
    parsed: dict

    @property
    def intent(self) -> str:
        """What it asks for."""
        return self.parsed["intent"]["name"]

    @property
    def turn(self) -> int:
        """When it is answered: 0 at once, 1 after those, 2 at last."""
        return (self.intent in STARTS) + (self.intent == "ask_size")

    def asks_again(self, before: Question, product: str | None) -> bool:
        """Whether it could only ask which product is meant, as the one before it already has.

        product: the one spoken of by now.
        """
        named = any(entity["entity"] == "product" for entity in self.parsed["entities"])
        return self.intent in _OF_ONE_PRODUCT and before.intent in GOODS and not (named or product)


@dataclass(frozen=True)
class _Asked:
    """A clause that by itself surely asks for something, and for what."""

    clause: Clause
    place: int
    intent: str
    names_goods: bool


def questions(text: str, parsed: dict, understand: Understand) -> list[Question]:
    """The questions of a message in the order to answer them; none if it is a single one.

    parsed: what the whole means; understand: what a piece of it means.
    """
    if len(text) > LONGEST or parsed["intent"]["name"] not in _WHOLE:
        return []
    found = clauses(text)
    formed = [place for place, one in enumerate(found) if one.asks or one.wishes]
    if len(found) > MOST_CLAUSES or len(formed) < 2:
        return []
    asked = [one for place in formed if (one := _asked(found[place], place, understand))]
    heads = _independent(asked)
    if not 2 <= len(heads) <= MOST_QUESTIONS or sum(one.intent in WISHES for one in heads) > 1:
        return []
    made = _cut(text, found, heads, understand)
    made = [_in_context(made, number, parsed) for number in range(len(made))]
    return sorted(made, key=lambda one: one.turn)


def _asked(clause: Clause, place: int, understand: Understand) -> _Asked | None:
    parsed = understand(clause.said)
    intent = _sure(parsed)
    if (clause.asks and intent in _QUESTIONS) or (clause.wishes and intent in WISHES):
        named = any(one["entity"] in _PARTICULAR for one in parsed["entities"])
        return _Asked(clause, place, intent, named)
    return None


def _sure(parsed: dict) -> str | None:
    intent = parsed["intent"]
    least = SURE_TO_START if intent["name"] in STARTS else SURE
    return intent["name"] if intent["confidence"] >= least else None


def _independent(asked: list[_Asked]) -> list[_Asked]:
    """Those that begin a question of their own, and do not go on with one before."""
    heads: list[_Asked] = []
    for one in asked:
        if not any(_same_matter(one.intent, head.intent) for head in heads) and (
            not heads or not _leans(one, heads[-1].intent)
        ):
            heads.append(one)
    return heads


def _same_matter(one: str, other: str) -> bool:
    return (
        one == other
        or any(one in matter and other in matter for matter in _MATTERS)
        or (one in FINDING and other in GOODS | FINDING)
        or (other in FINDING and one in GOODS)
    )


def _leans(one: _Asked, before: str) -> bool:
    """Whether a question means something else after the one before it."""
    if one.clause.opened or one.names_goods or before in _LEANS_ON.get(one.intent, {before}):
        return False
    return one.intent not in SENDING or not _OF_PARCELS.search(one.clause.said)


def _cut(
    text: str, found: list[Clause], heads: list[_Asked], understand: Understand
) -> list[Question]:
    """The text cut before each head but the first, if no part means something else than its head.

    What stands between two questions and asks nothing (我身高175) belongs to the later one; what
    follows a wish, to the wish (订单号是 …).
    """
    greets = understand(found[0].said)["intent"]["name"] == "greet"
    made, begin = [], found[1 if greets else 0].start
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        border, start = len(text), len(text)
        if after is not None:
            place = after.place
            free = head.intent not in STARTS
            while free and place - 1 > head.place and not _belongs(found, place):
                place -= 1
            border, start = found[place].border, found[place].start
        part = text[begin:border].strip(" ，,、;；")
        parsed = understand(part)
        if parsed["intent"]["name"] not in (head.intent, *_DETAILS):
            return []
        intent = {**parsed["intent"], "name": head.intent}
        made.append(Question(part, {**parsed, "intent": intent}))
        begin = start
    return made


def _belongs(found: list[Clause], place: int) -> bool:
    """Whether the clause before a place goes with what precedes it, and not with that place."""
    return found[place - 1].asks or found[place].opened


def _in_context(made: list[Question], number: int, whole: dict) -> Question:
    """A question with what it does not say itself: the language, the goods, the way of a parcel."""
    one = made[number]
    entities = [entity for entity in one.parsed["entities"] if entity["entity"] != LANGUAGE]
    if not any(entity["entity"] in _GOODS_NAMED for entity in entities):
        before = [entity for part in made[:number] for entity in part.parsed["entities"]]
        entities += [
            {**entity, "start": 0, "end": 0}
            for entity in before
            if entity["entity"] in _GOODS_NAMED
        ]
    entities += [entity for entity in whole["entities"] if entity["entity"] == LANGUAGE]
    intent = one.parsed["intent"]
    if one.intent == "ask_shipping_fee" and any(part.intent in RETURNS for part in made):
        intent = {**intent, "name": "ask_return_shipping_fee"}
    return Question(one.text, {**one.parsed, "intent": intent, "entities": entities})
