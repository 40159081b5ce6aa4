"""Promotions, coupons and instalments, as they are in force today."""

from __future__ import annotations

from actions.base import Answer
from actions.cards import money
from actions.focus import candidates, mention
from actions.knowledge import graph
from actions.products import answer_from_faq
from actions.turn import Turn, button, in_thread
from kg import catalogue, promotions
from kg.promotions import Promotion
from shop import clock, offers

SHOWN = 5
_SPECIAL = ("coupon", "instalment")


async def _for(turn: Turn, kind: str | None) -> tuple[str, list[Promotion]]:
    """What the message is about, as words, and the promotions for it."""
    named = mention(turn)
    found = await candidates(turn)
    about, scope = "", {}
    if len(found) == 1:
        turn.set(product=found[0].id)
        about, scope = found[0].name, {"product_id": found[0].id}
    elif named.category:
        category = await catalogue.category(graph(), named.category)
        about = category.name if category else ""
        scope = {"category": named.category}
    return about, await promotions.in_force(graph(), clock.today(), kind=kind, **scope)


def _lines(found: list[Promotion]) -> str:
    return "\n".join(f"· {promotion.name}：{promotion.text}" for promotion in found[:SHOWN])


class AskPromotion(Answer):
    """Entities read: product, category. The promotions in force for it, or for the shop."""

    action_name = "action_promotion"

    async def answer(self, turn: Turn) -> None:
        """Promotions, the narrow ones first."""
        about, found = await _for(turn, None)
        fitting = [promotion for promotion in found if promotion.kind not in _SPECIAL]
        fitting.sort(key=lambda promotion: promotion.everywhere == bool(about))
        if fitting:
            turn.say(
                "promotions_for" if about else "promotions",
                about=about,
                list=_lines(fitting),
                buttons=[button("看优惠券", "ask_coupon")],
            )
        else:
            turn.say("promotions_none", about=about or "现在")


class AskCoupon(Answer):
    """Entities read: product, category. Coupons that can be had; trouble with one is answered from
    the FAQ."""

    action_name = "action_coupon"

    async def answer(self, turn: Turn) -> None:
        """The FAQ where it fits; else the coupons."""
        if await answer_from_faq(turn, intent="ask_coupon"):
            return
        _, found = await _for(turn, "coupon")
        lines = "\n".join(
            f"· {coupon.name}（口令 {coupon.code}）：{coupon.text}" if coupon.code
            else f"· {coupon.name}：{coupon.text}"
            for coupon in found[:SHOWN]
        )
        turn.say("coupons" if lines else "coupons_none", list=lines)


class AskInstallment(Answer):
    """Entities read: product, category, money. Whether it can be paid in instalments, and how much
    each is."""

    action_name = "action_installment"

    async def answer(self, turn: Turn) -> None:
        """The instalments for what is spoken of; a sample calculation where the price is known."""
        about, found = await _for(turn, "instalment")
        if not found:
            turn.say("installment_none", about=about or "这件商品")
            return
        turn.say("installments", about=about or "商城", list=_lines(found), sample="")
        product = turn.slot("product") if about else None
        if product:
            price = (await in_thread(offers.offers_for, product)).price_min
            periods = found[0].interest_free or found[0].periods
            if price and periods and price / 100 >= (found[0].threshold or 0):
                turn.say(
                    "installment_sample",
                    price=money(price),
                    periods=max(periods),
                    each=money(round(price / max(periods))),
                )
