"""What the shop's policies say about one bought thing: allowed or not, why, and what else is.

Nothing is decided here: the graph's narrowest rule in force decides, and this module only counts
the days and words the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from actions.knowledge import graph
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

    @property
    def freight_text(self) -> str:
        """Who pays the way back, as a clause, if the policy says so."""
        return {"seller": "寄回运费由我们承担。", "buyer": "寄回运费需要您承担。"}.get(
            self.freight or "", ""
        )


async def decide(
    kind: str, order: Order, line: Line, reason: str, opened: bool | None
) -> Decision:
    """Whether this may be refunded, returned, exchanged or repaired today, and why."""
    if opened is None:
        outcomes = [await _judge(kind, order, line, reason, known) for known in (False, True)]
        if outcomes[0].allowed != outcomes[1].allowed:
            return Decision(False, "", needs_opened=True)
        opened = False
    decision = await _judge(kind, order, line, reason, opened)
    if decision.allowed:
        return decision
    instead = []
    for other, why in ALTERNATIVES:
        if other != kind and (await _judge(other, order, line, why, opened)).allowed:
            instead.append((other, why))
    return replace(decision, alternatives=instead)


async def what_is_possible(kind: str, order: Order, line: Line) -> str:
    """What the policies allow today without a reason, as one sentence."""
    opened = bool(order.opened)
    without = await _judge(kind, order, line, "no_reason", opened)
    if without.allowed:
        return f"按「{without.title}」目前可以申请。"
    faulty = await _judge(kind, order, line, "quality", opened)
    if faulty.allowed:
        return f"{without.reason}不过如果是质量问题，按「{faulty.title}」还可以办理。"
    return without.reason


async def _judge(kind: str, order: Order, line: Line, reason: str, opened: bool) -> Decision:
    # The services are the graph's topics by the same names.
    resolution = await policies.resolve(
        graph(),
        kind,
        clock.today(),
        product_id=line.product_id,
        facts={"reason": reason, "opened": opened, "state": order.state},
    )
    if resolution is None:
        return Decision(False, "店铺暂时没有适用于这件商品的规则，需要人工客服核实。")
    return _in_time(resolution, order)


def _in_time(resolution: Resolution, order: Order) -> Decision:
    days = order.days_since_delivery()
    limit = _limit_days(resolution)
    allowed, reason = bool(resolution.allowed), resolution.reason or resolution.text
    if allowed and limit is not None and days is not None and days > limit:
        allowed = False
        reason = f"「{resolution.title}」的期限是签收后 {limit} 天内，您这单已签收 {days} 天，超过了期限。"
    return Decision(
        allowed=allowed,
        reason=reason,
        title=resolution.title,
        reference=f"{resolution.policy}@{resolution.version}",
        path=tuple(resolution.path),
        freight=resolution.freight,
    )


def _limit_days(resolution: Resolution) -> int | None:
    if resolution.days is not None:
        return resolution.days
    months = (resolution.data or {}).get("months")
    return None if months is None else round(months * 30.44)

