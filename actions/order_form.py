"""Everything about one order that is not after-sale: asked, opened, done.

Slots: `order_service` (the intent that asked for it), `order_id`, those of a change
(`order_changes.py`), `invoice_title`, `tax_number`, `confirmed`, `outcome`. What only tells
something is answered as soon as the order is open; what changes something is confirmed first.
"""

from __future__ import annotations

import re

from actions import cues, order_slot, words
from actions.base import Answer, Flow
from actions.cards import contents
from actions.order_changes import DETAILS, address_parts, change_in, detail_of
from actions.order_services import INFORMING, PERSONAL, SERVICES, Service, invoice_title
from actions.turn import Turn

_HAN = re.compile(r"[\u3400-\u9fff]")
_TAX = re.compile(r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{15,20}(?![0-9A-Z])", re.IGNORECASE)


class ValidateOrderForm(Flow):
    """Asks what a service about one order needs, and for a yes where it changes something.

    Slots read: order_service, change, new_address, new_phone, change_wish, invoice_title,
        tax_number, confirmed, outcome, order_id, last_order, offered_orders, given_number,
        gate_tries, flow, paused, requested_slot.
    Slots set: the same, and last_ticket.
    Entities read: order_number, phone, phone_last4, invoice_title.
    Says: `question_…` for what is missing; why it cannot be done, by the order's state.
    Failures: an order that the gate refuses: asked again, after three times a person; graph or
        database away: `unavailable`, with the way to a person.
    """

    form = "order_form"
    state_slots = (
        "order_service",
        "change",
        *DETAILS.values(),
        "invoice_title",
        "tax_number",
        "confirmed",
        "outcome",
        *order_slot.SLOTS,
    )

    async def fill(self, turn: Turn, starting: bool) -> bool:
        """Take service, order, and what the service needs."""
        if not starting and self.leaves(turn) and turn.intent != "cancel_order":
            turn.say("left")
            turn.set(outcome="left")
            return True
        if not starting and await _told_on_the_way(turn):
            return True
        changed = another = False
        wanted = _service_wanted(turn)
        if wanted in SERVICES and wanted != turn.slot("order_service"):
            turn.set(order_service=wanted, confirmed=None)
            changed = another = True
        service = SERVICES.get(turn.slot("order_service"))
        if service is None:
            return changed
        # A service that has just been asked for may tell which order is meant.
        fresh = starting or (another and not turn.slot("order_id"))
        changed |= await order_slot.take_order(turn, fresh, service.states, service.likely)
        changed |= _take_details(turn, service)
        return changed or _take_confirmation(turn)

    def only_asks(self, turn: Turn) -> bool:
        """What only tells something of an order."""
        return turn.intent in INFORMING

    async def next_question(self, turn: Turn) -> str | None:
        """Order, what is still wrong with it, details, confirmation: the first that is open."""
        if turn.slot("outcome"):
            return None
        service = SERVICES[turn.slot("order_service")]
        order = await order_slot.current_order(turn)
        if order is None:
            return await order_slot.ask_order(turn, service.states)
        if service.precheck and not await service.precheck(turn, order):
            turn.set(outcome="impossible")
            return None
        for slot in _needed(turn, service):
            if turn.slot(slot) is None:
                _ask_detail(turn, slot, order)
                return slot
        if service.confirm and not turn.slot("confirmed"):
            change = f"_{turn.slot('change')}" if turn.slot("change") else ""
            turn.say(
                f"question_confirm_{service.intent}{change}",
                buttons=[turn.button("confirm", "affirm"), turn.button("not_confirm", "deny")],
                order=order.number,
                title=contents(turn, order),
                wanted=turn.slot(detail_of(turn)) or "",
                invoice=invoice_title(turn, turn.slot("invoice_title")),
            )
            return "confirmed"
        turn.set(outcome="submit")
        return None


class OrderService(Answer):
    """Does what the order form gathered.

    Slots read: outcome, order_service, order_id, change, new_address, new_phone, change_wish,
        invoice_title, tax_number.
    Slots set: last_ticket.
    Entities read: none.
    Says: what the service tells or has done; nothing where the form ended otherwise.
    Failures: an order shipped in the meantime: what can be done instead; graph or database away:
        `unavailable`, with the way to a person.
    """

    action_name = "action_order_service"

    async def answer(self, turn: Turn) -> None:
        """Call the service that the form was for."""
        if turn.slot("outcome") != "submit":
            return
        order = await order_slot.current_order(turn)
        await SERVICES[turn.slot("order_service")].act(turn, order)


def _service_wanted(turn: Turn) -> str:
    # An invoice to be changed is said to be changed; without that it is the first one.
    if (
        turn.intent == "change_invoice"
        and not turn.chosen
        and not cues.says("order.changes", turn.text)
    ):
        return "request_invoice"
    return turn.intent


async def _told_on_the_way(turn: Turn) -> bool:
    """Tell something of the order at hand while a change to it is being gathered."""
    under_way = turn.slot("order_service")
    if turn.intent not in INFORMING or under_way in INFORMING or turn.entity("order_number"):
        return False
    order = await order_slot.current_order(turn)
    if order is None:
        return False
    service = SERVICES[turn.intent]
    await service.act(turn, await order_slot.likelier(turn, order, service.likely))
    turn.set(order_service=under_way)
    return True


def _needed(turn: Turn, service: Service) -> tuple[str, ...]:
    if service.intent == "modify_order":
        return (detail_of(turn),)
    if turn.slot("invoice_title") == PERSONAL:
        return ("invoice_title",)
    return service.details


def _ask_detail(turn: Turn, slot: str, order) -> None:
    buttons = None
    if slot == "invoice_title":
        buttons = [turn.button("personal_invoice", "inform", invoice_title=PERSONAL)]
    turn.say(f"question_{slot}", buttons=buttons, order=order.number, address=order.address)


def _take_details(turn: Turn, service: Service) -> bool:
    text = "" if turn.chosen else turn.text.strip()
    requested = turn.slot("requested_slot")
    new: dict = {}
    if service.intent == "modify_order":
        new |= _change(turn, text)
    if "invoice_title" in service.details:
        title = turn.entity("invoice_title") or _title(turn, text, requested == "invoice_title")
        if title:
            new["invoice_title"] = title
        tax = _TAX.search(text)
        if tax and turn.entity("order_number") != tax.group(0).upper():
            new["tax_number"] = tax.group(0).upper()
        elif requested == "tax_number" and cues.says("invoice.no_tax_number", text):
            turn.say("no_tax_number")
            new["invoice_title"] = None
    new = {name: value for name, value in new.items() if value != turn.slot(name)}
    turn.set(**new)
    return bool(new)


def _change(turn: Turn, text: str) -> dict:
    """What is to be changed, and into what, as far as the text says it."""
    change = turn.slot("change") or change_in(text)
    said = cues.without("order.label", text, "")
    if change == "phone":
        phone = turn.entity("phone") or turn.slot("new_phone")
        return {"change": change, "new_phone": phone}
    if change == "other":
        return {"change": change, "change_wish": turn.slot("change_wish") or text}
    if address_parts(said) >= 2 and len(said) >= 6 and not words.is_question(said):
        return {"change": "address", "new_address": said}
    return {"change": change} if change else {}


def _title(turn: Turn, text: str, asked: bool) -> str | None:
    """`PERSONAL`, or the organisation's name that the text gives; unasked only a company's."""
    if cues.says("invoice.personal", text):
        return PERSONAL
    for entity in turn.entities("order_number"):
        text = text.replace(entity.get("text") or "", " ")
    text = _TAX.sub(" ", cues.without("order.label", text, ""))
    # Names in Latin letters have blanks and commas in them: Yunqi Technology Co., Ltd.
    for part in re.split(r"[\s，,。;；:：]+", text) if _HAN.search(text) else [text.strip()]:
        said = cues.without("invoice.about_it", part, "")
        found = cues.found("invoice.organisation", said)
        name = said[found.start() : found.end()].strip() if found else ""
        if len(name) >= 4 and (asked or cues.says("invoice.company", name)):
            return name
    return None


def _take_confirmation(turn: Turn) -> bool:
    if turn.slot("requested_slot") != "confirmed":
        return False
    service = SERVICES[turn.slot("order_service")]
    if service.details and not turn.chosen and cues.says("order.wrong", turn.text):
        turn.set(**{slot: None for slot in service.details if slot != "change_wish"})
        return True
    answer = words.yes_or_no(turn.text, turn.intent)
    if answer is None and turn.intent == "cancel_order" == turn.slot("order_service"):
        answer = True
    if answer is None:
        return False
    if answer:
        turn.set(confirmed=True)
    else:
        turn.say("left")
        turn.set(outcome="left")
    return True
