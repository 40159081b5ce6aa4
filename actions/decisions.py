"""What the shop's policies say about one bought thing: allowed or not, why, and what else is.

Nothing is decided here: the graph's narrowest rule in force decides, and this module only counts
the days and words the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from actions import cues
from actions.after_sale_words import service_name
from actions.knowledge import graph
from actions.turn import Turn
from kg import policies
from kg.policies import Resolution
from shop import clock
from shop.orders import Line, Order

ALTERNATIVES = (("return", "quality"), ("exchange", "quality"), ("repair", "quality"))


@dataclass(frozen=True)
class Decision:
    """reason: one sentence for the shopper; reference: policy@version; alternatives: what would be
    allowed instead, as (kind, reason); path: how the graph came to the policy."""

    allowed: bool
    reason: str
    title: str = ""
    reference: str = ""
    path: tuple[str, ...] = ()
    freight: str | None = None
    needs_opened: bool = False
    alternatives: list[tuple[str, str]] = field(default_factory=list)
    return_needed: bool = True
    evidence: tuple[str, ...] = ()

    def conditions_text(self, turn: Turn) -> str:
        """Who pays the way back, and which photos are wanted, as sentences."""
        said = ""
        told = not self.return_needed or cues.says("after_sale.freight", self.reason)
        if self.freight in ("seller", "buyer") and not told:
            said = turn.phrase(f"decision.freight_{self.freight}")
        if self.evidence:
            said += turn.phrase("decision.evidence", photos=turn.joined(self.evidence))
        return said

    def basis_text(self, turn: Turn) -> str:
        """The policy it rests on, in brackets, where the reason does not name it."""
        if not self.title or self.title in self.reason:
            return ""
        return turn.phrase("decision.basis", title=self.title)


async def decide(
    turn: Turn, kind: str, order: Order, line: Line, reason: str, opened: bool | None
) -> Decision:
    """Whether this may be refunded, returned, exchanged or repaired today, and why."""
    if opened is None:
        outcomes = [await _judge(turn, kind, order, line, reason, known) for known in (False, True)]
        if outcomes[0].allowed != outcomes[1].allowed:
            return Decision(False, "", needs_opened=True)
        opened = False
    decision = await _judge(turn, kind, order, line, reason, opened)
    if decision.allowed:
        return decision
    instead = []
    for other, why in ALTERNATIVES:
        if (other, why) == (kind, reason):
            continue
        if (await _judge(turn, other, order, line, why, opened)).allowed:
            instead.append((other, why))
    return replace(decision, alternatives=instead)


async def what_is_possible(turn: Turn, kind: str, order: Order, line: Line) -> str:
    """What the policies allow today, with and without a fault, as one sentence."""
    without = await _judge(turn, kind, order, line, "no_reason", order.opened)
    if without.allowed:
        return turn.phrase("decision.possible", title=without.title)
    faulty = await _judge(turn, kind, order, line, "quality", order.opened)
    if faulty.allowed:
        return turn.phrase("decision.possible_faulty", reason=without.reason, title=faulty.title)
    instead = [
        other
        for other, why in ALTERNATIVES
        if other != kind and (await _judge(turn, other, order, line, why, order.opened)).allowed
    ]
    if instead:
        services = either(turn, instead)
        return turn.phrase("decision.possible_instead", reason=without.reason, services=services)
    return turn.phrase("decision.impossible", reason=without.reason)


def either(turn: Turn, kinds: list[str]) -> str:
    """The names of services to choose from."""
    return turn.phrase("list.or").join(service_name(turn, kind) for kind in kinds)


async def _judge(
    turn: Turn, kind: str, order: Order, line: Line, reason: str, opened: bool | None
) -> Decision:
    # The services are the graph's topics by the same names. What is not known is no fact.
    known = {} if opened is None else {"opened": opened}
    resolution = await policies.resolve(
        graph(),
        kind,
        clock.today(),
        product_id=line.product_id,
        facts={"reason": reason, "state": order.state, **known},
    )
    if resolution is None:
        return Decision(False, turn.phrase("decision.no_rule"))
    return _in_time(turn, resolution, order)


def _in_time(turn: Turn, resolution: Resolution, order: Order) -> Decision:
    days = order.days_since_delivery()
    limit = _limit_days(resolution)
    allowed, reason = bool(resolution.allowed), resolution.reason or resolution.text
    if allowed and limit is not None and days is not None and days > limit:
        allowed = False
        reason = turn.phrase("decision.too_late", title=resolution.title, days=limit)
    data = resolution.data or {}
    return Decision(
        allowed=allowed,
        reason=reason.rstrip("。."),
        title=resolution.title,
        reference=f"{resolution.policy}@{resolution.version}",
        path=tuple(resolution.path),
        freight=resolution.freight,
        return_needed=data.get("return_needed", True) and not data.get("resend", False),
        evidence=tuple(data.get("evidence") or ()),
    )


def _limit_days(resolution: Resolution) -> int | None:
    if resolution.days is not None:
        return resolution.days
    months = (resolution.data or {}).get("months")
    return None if months is None else round(months * 30.44)
