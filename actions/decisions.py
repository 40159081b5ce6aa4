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
    return_needed: bool = True
    evidence: tuple[str, ...] = ()

    @property
    def conditions_text(self) -> str:
        """Who pays the way back, and which photos are wanted, as sentences."""
        who_pays = {"seller": "寄回运费由我们承担。", "buyer": "寄回运费需要您承担。"}
        said = ""
        if self.return_needed and "运费" not in self.reason:
            said = who_pays.get(self.freight or "", "")
        if self.evidence:
            said += f"麻烦准备好{'、'.join(self.evidence)}，审核时会用到。"
        return said

    @property
    def basis_text(self) -> str:
        """The policy it rests on, in brackets, where the reason does not name it."""
        return "" if not self.title or self.title in self.reason else f"（依据：{self.title}）"


async def decide(kind: str, order: Order, line: Line, reason: str, opened: bool | None) -> Decision:
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
        if (other, why) == (kind, reason):
            continue
        if (await _judge(other, order, line, why, opened)).allowed:
            instead.append((other, why))
    return replace(decision, alternatives=instead)


async def what_is_possible(kind: str, order: Order, line: Line, names: dict[str, str]) -> str:
    """What the policies allow today, with and without a fault, as one sentence; `names` are the
    services' names as a shopper knows them."""
    without = await _judge(kind, order, line, "no_reason", order.opened)
    if without.allowed:
        return f"按「{without.title}」目前可以申请。"
    faulty = await _judge(kind, order, line, "quality", order.opened)
    if faulty.allowed:
        return f"{without.reason}；如果是质量问题，按「{faulty.title}」可以办理。"
    instead = [
        names[other]
        for other, why in ALTERNATIVES
        if other != kind and (await _judge(other, order, line, why, order.opened)).allowed
    ]
    if instead:
        return f"{without.reason}；如果是质量问题，可以申请{'或'.join(instead)}。"
    return f"{without.reason}。"


async def _judge(kind: str, order: Order, line: Line, reason: str, opened: bool | None) -> Decision:
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
        return Decision(False, "店铺暂时没有适用于这件商品的规则，需要人工客服核实")
    return _in_time(resolution, order)


def _in_time(resolution: Resolution, order: Order) -> Decision:
    days = order.days_since_delivery()
    limit = _limit_days(resolution)
    allowed, reason = bool(resolution.allowed), resolution.reason or resolution.text
    if allowed and limit is not None and days is not None and days > limit:
        allowed = False
        reason = f"超过了「{resolution.title}」签收后 {limit} 天内的期限"
    data = resolution.data or {}
    return Decision(
        allowed=allowed,
        reason=reason.rstrip("。"),
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
