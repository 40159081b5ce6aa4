"""What a shopper says about goods that go back: which service, why, opened or not, by which way."""

from __future__ import annotations

from actions import cues
from actions.turn import Turn

KINDS = {
    "request_refund": "refund",
    "request_return": "return",
    "request_exchange": "exchange",
    "ask_repair": "repair",
}
REASONS = {"report_defect": "quality", "report_wrong_or_missing_item": "wrong_item"}
# In the order in which they are offered; their names are the phrases `reason.…`, `method.…`.
CAUSES = ("no_reason", "size", "quality", "wrong_item", "missing_item")
METHODS = ("pickup", "mail")
# Where the policy wants nothing back, `return_method` is this.
NOTHING_BACK = "none"


def service_name(turn: Turn, kind: str, reason: str | None = None) -> str:
    """What the shopper calls it: what was left out is sent on, not exchanged."""
    resent = (kind, reason) == ("exchange", "missing_item")
    return turn.phrase(f"service.{'missing' if resent else kind}")


def what_follows(turn: Turn, method: str | None, kind: str) -> str:
    """How the goods travel back, and what then happens."""
    if method == NOTHING_BACK:
        return turn.phrase(f"nothing_back.{'resend' if kind == 'exchange' else 'refund'}")
    way = "pickup" if method == "pickup" else "mail"
    return turn.phrase(f"way_back.{way}") + turn.phrase(f"afterwards.{kind}")


def drops(text: str) -> bool:
    """Whether the shopper takes an application back that is not handed in yet."""
    return cues.is_whole("after_sale.drop", text.strip())


def kind_in(text: str) -> str | None:
    """refund, return, exchange or repair, if the text names one."""
    return _which("service", text)


def reason_in(text: str) -> str | None:
    """no_reason, size, quality, wrong_item or missing_item, if the text gives one."""
    return _which("reason", text)


def opened_in(text: str) -> str | None:
    """`no` or `yes`, if the text says whether the goods were opened."""
    return cues.which("opened", text)


def return_method_in(text: str) -> str | None:
    """pickup or mail, if the text names one."""
    return cues.which("way_back", text)


def _which(group: str, text: str) -> str | None:
    return None if text.startswith("/") else cues.which(group, text)
