"""What a condition answers, and what all conditions have in common.

A finding says whether the condition holds, which events and what time it rests on, the numbers
that a reason may quote, and `next_at`: the first moment when time alone may change the answer.
Each condition also says which event kinds can change it (`kinds`; None: any), of which kinds there
must have been an event for it to hold (`needs`: at least one; None: it may hold without any), and
which numbers a reason may quote whenever it holds (`gives`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cdp.tags.facts import Facts


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a condition; `at`: the newest moment of its evidence, `seqs`: its events."""

    holds: bool
    at: datetime | None = None
    seqs: tuple[int, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    next_at: datetime | None = None


NO = Finding(False)


class Condition(Protocol):
    """What `all`, `any` and `not` combine, and rules rest on."""

    kinds: frozenset[str] | None
    needs: frozenset[str] | None
    gives: frozenset[str]

    def check(self, facts: Facts) -> Finding: ...
