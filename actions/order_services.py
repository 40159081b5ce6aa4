"""The services about one order: which orders they fit, what they need, what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from actions.base import PERSON
from actions.cards import STATE_NAMES, money, order_card
from actions.knowledge import graph
from actions.order_changes import can_modify, modify
from actions.ticketing import make_ticket
from actions.turn import Turn, button, in_thread
from kg import policies
from shop import clock, offers, orders, tickets
from shop.orders import CANCELLED, DELIVERED, PAID, REFUNDING, SHIPPED, STATES, Order

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


async def _rule(turn: Turn, order: Order, topic: str, **facts) -> policies.Resolution | None:
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


def _delivered_text(order: Order) -> str:
    days = order.days_since_delivery()
    return "" if days is None else ("今天签收" if days == 0 else f"{days} 天前签收")


# what only tells


async def _status(turn: Turn, order: Order) -> None:
    follow = {
        PAID: [button("催发货", "urge_delivery"), button("取消订单", "cancel_order")],
        SHIPPED: [button("查物流", "track_shipment")],
        DELIVERED: [button("申请售后", "request_return")],
        REFUNDING: [button("退款进度", "ask_refund_status")],
    }.get(order.state)
    turn.say(
        f"order_{order.state}",
        buttons=follow,
        cards=[order_card(order)],
        order=order.number,
        placed=f"{order.placed_at:%m月%d日}",
        delivered=_delivered_text(order),
    )


async def _track(turn: Turn, order: Order) -> None:
    if order.state in (PAID, CANCELLED):
        turn.say(f"track_{order.state}", order=order.number)
        return
    way = await in_thread(orders.tracking, order.number)
    if order.delivered_at and not way:
        way = [(order.delivered_at, "快件已签收，感谢您的等待")]
    lines = "\n".join(f"{at:%m-%d %H:%M} {text}" for at, text in way[:4])
    turn.say(
        "track",
        order=order.number,
        carrier=order.carrier or "快递",
        tracking=order.tracking_number or "",
        way=lines or "暂时还没有物流信息",
    )


async def _urge(turn: Turn, order: Order) -> None:
    if order.state in (PAID, SHIPPED):
        ticket = await _ticket(turn, "urge", order)
        turn.say(f"urge_{order.state}", order=order.number, ticket=ticket.number)
    else:
        turn.say("urge_pointless", order=order.number, state=STATE_NAMES[order.state])


async def _courier(turn: Turn, order: Order) -> None:
    if order.state == SHIPPED:
        turn.say("courier", carrier=order.carrier or "", tracking=order.tracking_number or "")
    else:
        turn.say("courier_none", order=order.number, state=STATE_NAMES[order.state])


async def _delivery_problem(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "delivery", order)
    turn.say("delivery_problem", order=order.number, ticket=ticket.number, buttons=[PERSON])


async def _refund_status(turn: Turn, order: Order) -> None:
    if order.state == REFUNDING:
        rule = await _rule(turn, order, "refund_time")
        turn.say(
            "refund_under_way",
            order=order.number,
            amount=money(order.total_cents),
            when=rule.text if rule else "",
        )
        return
    ticket = await in_thread(tickets.open_for_order, order.number)
    if ticket:
        turn.say("refund_waits", order=order.number, ticket=ticket.number)
    elif turn.active_form == "after_sales_form":
        # Asked while applying for it: how long it will take.
        rule = await _rule(turn, order, "refund_time")
        turn.say_text(rule.text if rule else "")
    else:
        turn.say(
            "refund_none",
            order=order.number,
            state=STATE_NAMES[order.state],
            buttons=[button("申请退款", "request_refund", order_number=order.number)],
        )


async def _price_protection(turn: Turn, order: Order) -> None:
    rule = await _rule(turn, order, "price_protection", reason="price_drop")
    line = order.lines[0]
    bought = (order.delivered_at or order.placed_at).date()
    days = (clock.today() - bought).days
    now = (await in_thread(offers.offers_for, line.product_id)).variants.get(line.sku)
    if rule is None or rule.allowed is False:
        turn.say("price_protection_no", order=order.number, reason=rule.reason if rule else "")
    elif order.state in (CANCELLED, REFUNDING):
        turn.say("price_protection_no", order=order.number, reason="订单已取消或正在退款")
    elif rule.days is not None and days > rule.days:
        reason = f"「{rule.title}」是签收后 {rule.days} 天内，这单已经 {days} 天"
        turn.say("price_protection_no", order=order.number, reason=reason)
    elif now is None or now.price_cents >= line.price_cents:
        turn.say(
            "price_protection_same",
            order=order.number,
            title=line.title,
            paid=money(line.price_cents),
            now=money(now.price_cents if now else None),
        )
    else:
        difference = (line.price_cents - now.price_cents) * line.quantity
        ticket = await _ticket(turn, "price_protection", order, difference_cents=difference)
        turn.say(
            "price_protection_yes",
            order=order.number,
            difference=money(difference),
            ticket=ticket.number,
        )


async def _payment_problem(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "payment", order)
    turn.say(
        "payment_problem",
        order=order.number,
        state=STATE_NAMES[order.state],
        amount=money(order.total_cents),
        ticket=ticket.number,
    )


# what changes something


async def _can_cancel(turn: Turn, order: Order) -> bool:
    rule = await _rule(turn, order, "cancel")
    if order.state == PAID and (rule is None or rule.allowed is not False):
        if rule is None or rule.allowed:
            return True
        turn.say_text(rule.text)
        return False
    buttons = {
        SHIPPED: [button("拒收这单", "reject_delivery", order_number=order.number)],
        DELIVERED: [button("申请退货", "request_return", order_number=order.number)],
        REFUNDING: [button("查退款进度", "ask_refund_status", order_number=order.number)],
    }.get(order.state)
    turn.say(f"cancel_{order.state}", buttons=buttons, order=order.number)
    return False


async def _cancel(turn: Turn, order: Order) -> None:
    if await in_thread(orders.cancel, order.number):
        when = await _rule(turn, order, "refund_time")
        turn.say(
            "cancelled",
            order=order.number,
            amount=money(order.total_cents),
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
            PAID: [button("取消订单", "cancel_order", order_number=order.number)],
            DELIVERED: [button("申请退货", "request_return", order_number=order.number)],
        }.get(order.state),
    )
    return False


async def _reject(turn: Turn, order: Order) -> None:
    ticket = await _ticket(turn, "reject", order)
    arrives = f"{clock.today() + timedelta(days=5):%m月%d日}"
    turn.say("rejected", order=order.number, ticket=ticket.number, arrives=arrives)


async def _can_invoice(turn: Turn, order: Order) -> bool:
    if order.state in (CANCELLED, REFUNDING):
        turn.say("invoice_impossible", order=order.number, state=STATE_NAMES[order.state])
        return False
    return True


async def _invoice(turn: Turn, order: Order) -> None:
    title, tax = turn.slot("invoice_title"), turn.slot("tax_number")
    ticket = await _ticket(turn, "invoice", order, title=title, tax_number=tax)
    rule = await _rule(turn, order, "invoice")
    days = (rule.data or {}).get("issue_days") if rule else None
    turn.say(
        "invoiced",
        order=order.number,
        invoice=title,
        ticket=ticket.number,
        amount=money(order.total_cents),
        when=f"{days} 个工作日内发到您的邮箱。" if days else (rule.text if rule else ""),
    )


async def _change_invoice(turn: Turn, order: Order) -> None:
    title, tax = turn.slot("invoice_title"), turn.slot("tax_number")
    ticket = await _ticket(turn, "change_invoice", order, title=title, tax_number=tax)
    rule = await _rule(turn, order, "invoice", reason="correction")
    days = (rule.data or {}).get("reissue_days") if rule else None
    turn.say(
        "invoice_changed",
        order=order.number,
        invoice=title,
        ticket=ticket.number,
        when=f"{days} 个工作日内" if days else "开好后",
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
