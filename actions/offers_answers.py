"""Promotions, coupons and instalments, as they are in force today."""

from __future__ import annotations

from datetime import date

from actions import cues
from actions.base import Answer
from actions.cards import money
from actions.faq_answers import answer_from_faq
from actions.focus import candidates, mention
from actions.knowledge import graph
from actions.policy_answers import subject
from actions.stock import version
from actions.turn import Turn, in_thread
from kg import catalogue, policies, promotions
from kg.promotions import Promotion
from shop import clock, offers

SHOWN = 5
_SPECIAL = ("coupon", "instalment")
# The days of the shopping festivals: month and day.
_FESTIVALS = {"double_twelve": (12, 12), "double_eleven": (11, 11), "midyear": (6, 18)}


def _festival(text: str) -> tuple[str, date] | None:
    """The shopping festival that the text names, by its key, with its day, or today once it is
    over."""
    today = clock.today()
    name = cues.which("festival", text)
    return (name, max(date(today.year, *_FESTIVALS[name]), today)) if name else None


async def _for(turn: Turn, kind: str | None) -> tuple[str, list[Promotion]]:
    """What the message is about, as words, and the promotions for it."""
    named = mention(turn)
    festival = _festival(turn.text)
    if festival and not named and not turn.entities("product"):
        # All of that day, those that begin only then first.
        name, day = festival
        then = await promotions.in_force(graph(), day, kind=kind)
        now = {p.id for p in await promotions.in_force(graph(), clock.today(), kind=kind)}
        return turn.phrase(f"festival.{name}"), sorted(
            then, key=lambda p: (p.id in now, not p.everywhere)
        )
    general = not named and cues.says("offers.shop", turn.text) and not turn.entities("product")
    found = [] if general and not cues.says("goods.this", turn.text) else await candidates(turn)
    about, scope = "", {}
    if len(found) == 1:
        turn.set(product=found[0].id)
        about, scope = found[0].name, {"product_id": found[0].id}
    elif named.category or (turn.slot("category") and not cues.says("offers.shop", turn.text)):
        category = await catalogue.category(graph(), named.category or turn.slot("category"))
        about = category.name if category else ""
        turn.set(category=category.id if category else None)
        scope = {"category": category.id} if category else {}
    fitting = await promotions.in_force(graph(), clock.today(), kind=kind, **scope)
    # The narrow ones first where something is spoken of, else those for the whole shop.
    return about, sorted(fitting, key=lambda p: p.everywhere == bool(about))


def _lines(turn: Turn, found: list[Promotion]) -> str:
    return "\n".join(_line(turn, promotion) for promotion in found[:SHOWN])


def _line(turn: Turn, promotion: Promotion) -> str:
    told = {"name": promotion.name, "text": promotion.text}
    if promotion.kind == "coupon" and promotion.code:
        return turn.phrase("line.coupon", code=promotion.code, **told)
    return turn.phrase("line.named", **told)


class AskPromotion(Answer):
    """Tells the promotions in force for what is spoken of, or for the shop.

    Slots read: product, category, offered_products.
    Slots set: product, category.
    Entities read: product, category, brand, series.
    Says: `promotions…`, the narrow ones first.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    action_name = "action_promotion"

    async def answer(self, turn: Turn) -> None:
        """Promotions, the narrow ones first."""
        about, found = await _for(turn, None)
        fitting = [promotion for promotion in found if promotion.kind not in _SPECIAL]
        if fitting:
            turn.say(
                "promotions_for" if about else "promotions",
                about=about,
                list=_lines(turn, fitting),
                buttons=[turn.button("see_coupons", "ask_coupon")],
            )
        else:
            turn.say("promotions_none", about=about or turn.phrase("about.now"))


class AskCoupon(Answer):
    """Tells the coupons that can be had; trouble with one is a matter of the FAQ.

    Slots read: product, category, offered_products.
    Slots set: product, category.
    Entities read: product, category, brand, series.
    Says: the FAQ's answer, or `coupons…`.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    action_name = "action_coupon"

    async def answer(self, turn: Turn) -> None:
        """The FAQ where it fits; else the coupons."""
        intent = "ask_coupon" if cues.says("offers.coupon", turn.text) else None
        if not cues.says("offers.which_coupons", turn.text) and await answer_from_faq(
            turn, intent=intent
        ):
            return
        _, found = await _for(turn, "coupon")
        turn.say("coupons" if found else "coupons_none", list=_lines(turn, found))


class AskInstallment(Answer):
    """Tells whether it can be paid in instalments, and how much each is.

    Slots read: product, category, offered_products.
    Slots set: product, category.
    Entities read: product, category, brand, series, size, money.
    Says: `installments` with a sample where the price is known; the policy where there are none.
    Failures: graph or database away: `unavailable`, with the way to a person.
    """

    action_name = "action_installment"

    async def answer(self, turn: Turn) -> None:
        """The instalments for what is spoken of; a sample calculation where the price is known."""
        about, found = await _for(turn, "instalment")
        if not found:
            rule = await policies.resolve(
                graph(), "installment", clock.today(), product_id=await subject(turn), facts={}
            )
            if rule:
                turn.say_text(rule.text)
            else:
                turn.say("installment_none", about=about or turn.phrase("about.this_product"))
            return
        about = about or turn.phrase("about.shop")
        turn.say("installments", about=about, list=_lines(turn, found))
        await _sample(turn, found[0])


async def _sample(turn: Turn, promotion: Promotion) -> None:
    """What each payment comes to, where the price is known."""
    known = await candidates(turn)
    price, several = turn.entity("money"), False
    cents = round(price * 100) if price else None
    if cents is None and len(known) == 1:
        offer = await in_thread(offers.offers_for, known[0].id)
        meant = version(known[0], turn)
        variant = known[0].variant(size=meant) if meant else None
        chosen = offer.variants.get(variant.sku) if variant else None
        cents = chosen.price_cents if chosen else offer.price_min
        several = not chosen and offer.price_min != offer.price_max
    said = cues.found("offers.periods", turn.text)
    periods = int(said["n"]) if said else max(promotion.interest_free or promotion.periods)
    if cents and periods in promotion.periods and cents / 100 >= (promotion.threshold or 0):
        free = periods in promotion.interest_free
        shown = money(turn, cents)
        turn.say(
            "installment_sample" if free else "installment_sample_fee",
            price=turn.phrase("price.from", price=shown) if several else shown,
            periods=periods,
            each=money(turn, round(cents / periods)),
        )
