"""The services about one order: which orders they fit, what they need, what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from actions.base import to_person
from actions.cards import money, order_card, state_name
from actions.knowledge import graph
from actions.order_changes import can_modify, modify
from actions.ticketing import make_ticket
from actions.turn import Turn, in_thread
from kg import policies
from shop import clock, offers, orders, parcels, tickets
from shop.orders import CANCELLED, DELIVERED, PAID, REFUNDING, SHIPPED, STATES, Order

# What stands on an invoice to nobody's firm, and so in the ticket.
PERSONAL = "个人"

Step = Callable[[Turn, Order], Awaitable[None]]
Check = Callable[[Turn, Order], Awaitable[bool]]


@dataclass(frozen=True)
class Service:
    """states: orders it fits (offered first); likely: of these the ones that it is mostly about;
    precheck: says why not and returns False where it cannot be; details: slots it needs; confirm:
    whether it is confirmed before `act`."""

    intent: str
    act: Step
    states: tuple[str, ...] = STATES
    precheck: Check | None = None
    details: tuple[str, ...] = ()
    confirm: bool = False
    likely: tuple[str, ...] = ()


async def _rule(order: Order, topic: str, **facts) -> policies.Resolution | None:
    return await policies.resolve(
        graph(),
        topic,
        clock.today(),
        product_id=order.lines[0].product_id,
        facts={"state": order.state, "opened": bool(order.opened), **facts},
    )


async def _ticket(turn: Turn, kind: str, order: Order, **data) -> tickets.Ticket:
    """The ticket of that kind that is open for the order already, or a new one."""
    known = await in_thread(tickets.open_for_order, order.number, (kind,))
    if known and known.data == data:
        turn.set(last_ticket=known.number)
        return known
    return await make_ticket(turn, kind, order, **data)


def _delivered_text(turn: Turn, order: Order) -> str:
    days = order.days_since_delivery()
    if days is None:
        return ""
    if days == 0:
        return turn.phrase("order.received_today")
    return turn.phrase("order.received_days", days=days)


# what only tells


async def _status(turn: Turn, order: Order) -> None:
    follow = {
        PAID: [
            turn.button("urge", "urge_delivery"),
            turn.button("cancel_order", "cancel_order"),
        ],
        SHIPPED: [turn.button("track", "track_shipment")],
        DELIVERED: [turn.button("after_sale", "request_return")],
        REFUNDING: [turn.button("refund_progress", "ask_refund_status")],
    }.get(order.state)
    turn.say(
        f"order_{order.state}",
        buttons=follow,
        cards=[order_card(turn, order)],
        order=order.number,
        placed=turn.phrase("day.short", at=order.placed_at),
        delivered=_delivered_text(turn, order),
    )


async def _track(turn: Turn, order: Order) -> None:
    if order.state in (PAID, CANCELLED):
        turn.say(f"track_{order.state}", order=order.number)
        return
    way = await in_thread(orders.tracking, order.number)
    if order.delivered_at and not way:
        way = [(order.delivered_at, turn.phrase("order.parcel_received"))]
    language = turn.slot("language")
    lines = "\n".join(f"{at:%m-%d %H:%M} {parcels.event(text, language)}" for at, text in way[:4])
    turn.say(
        "track",
        order=order.number,
        carrier=_carrier(turn, order) or turn.phrase("order.courier"),
        tracking=order.tracking_number or "",
        way=lines or turn.phrase("order.no_news"),
    )


def _carrier(turn: Turn, order: Order) -> str:
    return parcels.carrier(order.carrier or "", turn.slot("language"))


async def _urge(turn: Turn, order: Order) -> None:
    if order.state in (PAID, SHIPPED):
        ticket = await _ticket(turn, "urge", order)
        turn.say(f"urge_{order.state}", order=order.number, ticket=ticket.number)
    else:
        turn.say("urge_pointless", order=order.number, state=state_name(turn, order))


async def _courier(turn: Turn, order: Order) -> None:
    if order.state == SHIPPED:
        turn.say("courier", carrier=_carrier(turn, order), tracking=order.tracking_number or "")
    else:
        turn.say("courier_none", order=order.number, state=state_name(turn, order))


async def _delivery_problem(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "delivery", order)
    turn.say(
        "delivery_problem", order=order.number, ticket=ticket.number, buttons=[to_person(turn)]
    )


async def _refund_status(turn: Turn, order: Order) -> None:
    if order.state == REFUNDING:
        rule = await _rule(order, "refund_time")
        turn.say(
            "refund_under_way",
            order=order.number,
            amount=money(turn, order.total_cents),
            when=rule.text if rule else "",
        )
        return
    ticket = await in_thread(tickets.open_for_order, order.number)
    if ticket:
        turn.say("refund_waits", order=order.number, ticket=ticket.number)
    elif turn.active_form == "after_sales_form":
        # Asked while applying for it: how long it will take.
        rule = await _rule(order, "refund_time")
        turn.say_text(rule.text if rule else "")
    else:
        turn.say(
            "refund_none",
            order=order.number,
            state=state_name(turn, order),
            buttons=[turn.button("request_refund", "request_refund", order_number=order.number)],
        )


async def _price_protection(turn: Turn, order: Order) -> None:
    rule = await _rule(order, "price_protection", reason="price_drop")
    line = order.lines[0]
    bought = (order.delivered_at or order.placed_at).date()
    days = (clock.today() - bought).days
    now = (await in_thread(offers.offers_for, line.product_id)).variants.get(line.sku)
    if rule is None or rule.allowed is False:
        turn.say("price_protection_no", order=order.number, reason=rule.reason if rule else "")
    elif order.state in (CANCELLED, REFUNDING):
        turn.say(
            "price_protection_no", order=order.number, reason=turn.phrase("price_protection.ended")
        )
    elif rule.days is not None and days > rule.days:
        late = turn.phrase(
            "price_protection.too_late", title=rule.title, limit=rule.days, days=days
        )
        turn.say("price_protection_no", order=order.number, reason=late)
    elif now is None or now.price_cents >= line.price_cents:
        turn.say(
            "price_protection_same",
            order=order.number,
            title=line.title,
            paid=money(turn, line.price_cents),
            now=money(turn, now.price_cents if now else None),
        )
    else:
        difference = (line.price_cents - now.price_cents) * line.quantity
        ticket = await _ticket(turn, "price_protection", order, difference_cents=difference)
        turn.say(
            "price_protection_yes",
            order=order.number,
            difference=money(turn, difference),
            ticket=ticket.number,
        )


async def _payment_problem(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "payment", order)
    turn.say(
        "payment_problem",
        order=order.number,
        state=state_name(turn, order),
        amount=money(turn, order.total_cents),
        ticket=ticket.number,
    )


# what changes something


async def _can_cancel(turn: Turn, order: Order) -> bool:
    rule = await _rule(order, "cancel")
    if order.state == PAID and (rule is None or rule.allowed is not False):
        if rule is None or rule.allowed:
            return True
        turn.say_text(rule.text)
        return False
    buttons = {
        SHIPPED: [turn.button("reject_delivery", "reject_delivery", order_number=order.number)],
        DELIVERED: [turn.button("request_return", "request_return", order_number=order.number)],
        REFUNDING: [turn.button("look_up_refund", "ask_refund_status", order_number=order.number)],
    }.get(order.state)
    turn.say(f"cancel_{order.state}", buttons=buttons, order=order.number)
    return False


async def _cancel(turn: Turn, order: Order) -> None:
    if await in_thread(orders.cancel, order.number):
        when = await _rule(order, "refund_time")
        turn.say(
            "cancelled",
            order=order.number,
            amount=money(turn, order.total_cents),
            when=when.text if when else "",
        )
    else:
        turn.say("cancel_shipped", order=order.number)


async def _can_reject(turn: Turn, order: Order) -> bool:
    if order.state == SHIPPED:
        return True
    turn.say(
        f"reject_{order.state}",
        order=order.number,
        buttons={
            PAID: [turn.button("cancel_order", "cancel_order", order_number=order.number)],
            DELIVERED: [turn.button("request_return", "request_return", order_number=order.number)],
        }.get(order.state),
    )
    return False


async def _reject(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "reject", order)
    arrives = turn.phrase("day.short", at=clock.today() + timedelta(days=5))
    turn.say("rejected", order=order.number, ticket=ticket.number, arrives=arrives)


def invoice_title(turn: Turn, title: str | None) -> str:
    """To whom an invoice is made out, as the shopper reads it."""
    return turn.phrase("invoice.personal") if title == PERSONAL else title or ""


async def _can_invoice(turn: Turn, order: Order) -> bool:
    if order.state in (CANCELLED, REFUNDING):
        turn.say("invoice_impossible", order=order.number, state=state_name(turn, order))
        return False
    return True


async def _invoice(turn: Turn, order: Order) -> None:
    rule = await _rule(order, "invoice")
    days = (rule.data or {}).get("issue_days") if rule else None
    when = turn.phrase("invoice.issued", days=days) if days else (rule.text if rule else "")
    await _make_out(turn, order, "invoice", "invoiced", when)


async def _change_invoice(turn: Turn, order: Order) -> None:
    rule = await _rule(order, "invoice", reason="correction")
    days = (rule.data or {}).get("reissue_days") if rule else None
    when = turn.phrase("invoice.reissued", days=days) if days else None
    when = when or turn.phrase("invoice.reissued_later")
    await _make_out(turn, order, "change_invoice", "invoice_changed", when)


async def _make_out(turn: Turn, order: Order, kind: str, said: str, when: str) -> None:
    title, tax = turn.slot("invoice_title"), turn.slot("tax_number")
    ticket = await _ticket(turn, kind, order, title=title, tax_number=tax)
    turn.say(
        said,
        order=order.number,
        invoice=invoice_title(turn, title),
        ticket=ticket.number,
        amount=money(turn, order.total_cents),
        when=when,
    )


_ALL = (
    Service("ask_order_status", _status),
    Service("track_shipment", _track, states=(SHIPPED, DELIVERED), likely=(SHIPPED,)),
    Service("urge_delivery", _urge, states=(PAID, SHIPPED)),
    Service("contact_courier", _courier, states=(SHIPPED,), likely=(SHIPPED,)),
    Service("report_delivery_problem", _delivery_problem, states=(SHIPPED, DELIVERED)),
    Service("ask_refund_status", _refund_status, states=(REFUNDING,)),
    Service("ask_price_protection", _price_protection, states=(PAID, SHIPPED, DELIVERED)),
    Service("report_payment_problem", _payment_problem, states=(PAID, CANCELLED)),
    Service("cancel_order", _cancel, states=(PAID,), precheck=_can_cancel, confirm=True),
    Service(
        "modify_order",
        modify,
        states=(PAID,),
        precheck=can_modify,
        details=("new_address", "new_phone", "change_wish"),
        confirm=True,
    ),
    Service("reject_delivery", _reject, states=(SHIPPED,), precheck=_can_reject, confirm=True),
    Service(
        "request_invoice",
        _invoice,
        states=(PAID, SHIPPED, DELIVERED),
        precheck=_can_invoice,
        details=("invoice_title", "tax_number"),
        confirm=True,
    ),
    Service(
        "change_invoice",
        _change_invoice,
        states=(PAID, SHIPPED, DELIVERED),
        precheck=_can_invoice,
        details=("invoice_title", "tax_number"),
        confirm=True,
    ),
)
SERVICES = {service.intent: service for service in _ALL}
# What only tells something of an order, so that it can be told in the middle of anything.
INFORMING = frozenset(service.intent for service in _ALL if not service.confirm)
