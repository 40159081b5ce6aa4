"""Questions that the shop's policies answer, for the product spoken of where there is one."""

from __future__ import annotations

from actions import cues
from actions.base import Answer, to_person
from actions.cards import state_name
from actions.faq_answers import answer_from_faq
from actions.focus import candidates, mention
from actions.knowledge import graph
from actions.order_slot import of_shopper
from actions.search import wide_category
from actions.turn import Turn
from kg import catalogue, policies
from kg.policies import Resolution
from shop import clock, orders

TOPICS = {
    "ask_return_policy": "return",
    "ask_return_method": "return_method",
    "ask_return_shipping_fee": "return_freight",
    "ask_warranty": "warranty",
    "ask_shipping_fee": "shipping_fee",
    "ask_shipping_method": "shipping_method",
    "ask_delivery_time": "delivery_time",
    "ask_payment_method": "payment_method",
    "ask_authenticity": "authenticity",
    "ask_membership": "membership",
    "ask_review": "review",
    "ask_installation": "installation",
}
# How alike a question of the graph must be before it comes ahead of the policy.
FAQ_FIRST = 0.8
FAQ_ELSE = 0.3


async def subject(turn: Turn) -> str | None:
    """The product that the question is about; for a kind of product, one that stands for it."""
    found = await candidates(turn)
    if len(found) == 1:
        return found[0].id
    named = mention(turn)
    category = named.category or wide_category(turn.text, named.audience)
    if category or named.brand:
        one = await catalogue.search(graph(), category=category, brand=named.brand, limit=1)
        return one[0].id if one else None
    return None


class PolicyAnswer(Answer):
    """Answers from the policy in force for what is spoken of, or from the FAQ.

    Slots read: product, offered_products, last_order.
    Slots set: none.
    Entities read: product, category, brand, series.
    Says: the policy's text or the FAQ's answer, with an order of one's own where it may be meant.
    Failures: neither knows: `not_known`, with the way to a person; graph or database away:
        `unavailable`, with the way to a person.
    """

    action_name = "action_policy"

    async def answer(self, turn: Turn) -> None:
        """The FAQ where it is near, else the policy, else what the FAQ has at all."""
        topic, region = TOPICS.get(turn.intent), cues.which("region", turn.text)
        if topic == "shipping_method" and (region or cues.says("shipping.area", turn.text)):
            topic = "shipping_area"
        if not region and await answer_from_faq(turn, sure=FAQ_FIRST):
            return
        if topic == "return":
            await _return_policy(turn)
            return
        if topic:
            resolution = await policies.resolve(
                graph(),
                topic,
                clock.today(),
                product_id=await subject(turn),
                facts={"region": region} if region else {},
            )
            if resolution:
                turn.say_text(resolution.text)
                await _add_own_order(turn, topic)
                return
        if not await answer_from_faq(turn, intent=turn.intent, sure=FAQ_ELSE):
            turn.say("not_known", buttons=[to_person(turn)])


async def _return_policy(turn: Turn) -> None:
    """Return, or exchange where the text says so: without a reason, and for a fault."""
    exchange = cues.says("after_sale.asks_exchange", turn.text) and not cues.says(
        "after_sale.asks_return", turn.text
    )
    topic = "exchange" if exchange else "return"
    product = await subject(turn)
    rules = []
    for facts in (
        {"reason": "no_reason", "opened": cues.says("after_sale.unsealed", turn.text)},
        {"reason": "quality"},
    ):
        rule = await policies.resolve(
            graph(), topic, clock.today(), product_id=product, facts=facts
        )
        if rule and rule.policy not in [known.policy for known in rules]:
            rules.append(rule)
    if not rules:
        turn.say("not_known", buttons=[to_person(turn)])
        return
    turn.say(
        "return_policy",
        list="\n".join(_rule_line(turn, rule) for rule in rules),
        buttons=[
            turn.button("want_return", "request_return"),
            turn.button("want_exchange", "request_exchange"),
        ],
    )


def _rule_line(turn: Turn, rule: Resolution) -> str:
    return turn.phrase("line.named", name=rule.title, text=rule.text)


async def _add_own_order(turn: Turn, topic: str) -> None:
    if topic != "delivery_time" or turn.shopper is None:
        return
    mine = await of_shopper(turn)
    open_orders = [order for order in mine if order.state in (orders.PAID, orders.SHIPPED)]
    if open_orders:
        spoken_of = [order for order in open_orders if order.number == turn.slot("last_order")]
        order = (spoken_of or open_orders)[0]
        turn.say(
            "own_order_hint",
            order=order.number,
            state=state_name(turn, order),
            title=order.lines[0].title,
            buttons=[
                turn.button("look_up_order", "ask_order_status", order_number=order.number),
                turn.button("track", "track_shipment", order_number=order.number),
            ],
        )


class FaqAnswer(Answer):
    """Answers what only the FAQ knows: accounts, placing an order, reviews.

    Slots read: product, offered_products.
    Slots set: none.
    Entities read: product, category, brand, series.
    Says: the FAQ's answer.
    Failures: it does not know: `not_known`, with the way to a person; graph or database away:
        `unavailable`, with the way to a person.
    """

    action_name = "action_faq"

    async def answer(self, turn: Turn) -> None:
        """The nearest question, or that it is not known, with the way to a person."""
        if await answer_from_faq(turn, sure=FAQ_FIRST):
            return
        if not await answer_from_faq(turn, intent=turn.intent, sure=0.2):
            turn.say("not_known", buttons=[to_person(turn)])
