"""What a shopper wants changed about an order that is not yet shipped.

Address and phone are changed at once; anything else (a remark, other goods, a later delivery) goes
to the people who pack it, as a ticket. Slot `change` says which; what is wanted is in
`new_address`, `new_phone` or `change_wish`.
"""

from __future__ import annotations

import re

from actions.cards import state_name
from actions.ticketing import make_ticket
from actions.turn import Turn, in_thread
from shop import orders
from shop.orders import PAID, SHIPPED, Order

DETAILS = {"address": "new_address", "phone": "new_phone", "other": "change_wish"}

_PHONE = re.compile(r"电话|手机|联系方式|号码")
_ADDRESS = re.compile(r"地址|地点|寄到|送到|发到|收货地|搬家")
_OTHER = re.compile(
    r"备注|留言|颜色|尺码|码数|型号|规格|款式|数量|多加|少买|收件人|收货人|姓名|名字|推迟|晚[点几]|延[后迟]|日期|时间|自提|包装"
)
_ADDRESS_PARTS = re.compile(r"[省市区县镇乡村路街道巷弄号栋楼室座单元]")


def change_in(text: str) -> str | None:
    """address, phone or other, if the text says what is to be changed."""
    for name, pattern in (("address", _ADDRESS), ("phone", _PHONE), ("other", _OTHER)):
        if pattern.search(text):
            return name
    return "address" if address_parts(text) >= 3 else None


def address_parts(text: str) -> int:
    """How many parts of an address (省, 市, 路, 号 …) the text names."""
    return len(_ADDRESS_PARTS.findall(text))


def detail_of(turn: Turn) -> str:
    """The slot that the change under way needs."""
    return DETAILS[turn.slot("change") or "address"]


async def can_modify(turn: Turn, order: Order) -> bool:
    """Whether it is not too late; else that is said."""
    if order.state == PAID:
        return True
    turn.say(
        f"modify_{'shipped' if order.state == SHIPPED else 'late'}",
        order=order.number,
        state=state_name(turn, order),
    )
    return False


async def modify(turn: Turn, order: Order) -> None:
    """Change the order, or hand the wish to those who pack it."""
    what = turn.slot("change") or "address"
    wanted = turn.slot(detail_of(turn))
    if what == "other":
        ticket = await make_ticket(turn, "modify", order, said=wanted)
        turn.say("modify_noted", order=order.number, ticket=ticket.number)
        return
    change = orders.change_address if what == "address" else orders.change_phone
    if await in_thread(change, order.number, wanted):
        turn.say(f"modified_{what}", order=order.number, wanted=wanted)
    else:
        turn.say("modify_shipped", order=order.number, state=state_name(turn, order))
